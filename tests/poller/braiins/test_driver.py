"""The Braiins OS driver against emulated miners, on real sockets."""

from collections.abc import AsyncIterator

import pytest

from hashbus.messages import Capability, MinerIdentity, MinerReading, MinerState
from hashbus_poller.drivers.braiins.driver import DRIVER
from hashbus_poller.testing.driver_promises import DriverCase, MinerPromises
from tests.poller.emulated import emulated_case

HOST = "127.84.10.1"
PASSWORD = "web-secret-1"

EVERYTHING = {
    Capability.POWER_LIMIT,
    Capability.SLEEP,
    Capability.RESTART,
    Capability.REBOOT,
    Capability.FAN,
    Capability.POOL,
    Capability.BLINK,
}


def sees_s19_xp(identity: MinerIdentity) -> None:
    assert (identity.make, identity.model) == ("Antminer", "S19 XP")
    assert identity.firmware == "Braiins OS"
    assert identity.mac is not None
    assert (identity.rated_hashrate_ths, identity.boards_total) == (140, 3)
    assert (identity.min_power_w, identity.max_power_w) == (1354, 3010)
    assert not identity.power_change.restarts_mining


def sees_mining(reading: MinerReading) -> None:
    assert reading.state is MinerState.MINING
    assert reading.hashrate_ths == pytest.approx(140, rel=0.05)
    assert reading.power_w == pytest.approx(3010, rel=0.05)
    assert reading.power_limit_w == 3010
    assert reading.efficiency_j_per_th == pytest.approx(21.5, rel=0.05)
    assert len(reading.boards) == reading.boards_healthy == 3
    assert len(reading.fans_rpm) == 4
    assert reading.pool_url == "stratum+tcp://pool.example:3333"
    assert not reading.errors


class TestBraiinsPromises(MinerPromises):
    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        block = {"family": "braiins", "host": HOST, "password": PASSWORD, "version": "26.04"}
        async with emulated_case(
            DRIVER,
            block,
            {"password": PASSWORD},
            secrets=(PASSWORD,),
            see_identity=sees_s19_xp,
            see_reading=sees_mining,
        ) as case:
            yield case
