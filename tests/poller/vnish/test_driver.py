"""The VNish driver against emulated miners, on real sockets."""

from collections.abc import AsyncIterator

import pytest

from hashbus.messages import Capability, MinerIdentity, MinerReading, MinerState
from hashbus_poller.drivers.vnish.driver import DRIVER
from hashbus_poller.testing.driver_promises import HARMLESS, DriverCase, Fault, MinerPromises
from tests.poller.emulated import emulated_case

HOST = "127.84.20.1"
PASSWORD = "web-secret-1"

ENDINGS = {
    Fault.WRONG_PASSWORD: HARMLESS,  # reading needs none
}

EVERYTHING = {
    Capability.POWER_LIMIT,
    Capability.SLEEP,
    Capability.RESTART,
    Capability.REBOOT,
    Capability.FAN,
    Capability.POOL,
    Capability.BLINK,
}


def sees_s19_pro(identity: MinerIdentity) -> None:
    assert (identity.make, identity.model, identity.firmware) == ("Antminer", "S19 Pro", "VNish")
    assert identity.mac is not None
    assert (identity.rated_hashrate_ths, identity.boards_total) == (110, 3)
    assert set(identity.capabilities) >= EVERYTHING
    levels = {level.name: level.power_w for level in identity.power_levels}
    assert levels == {"1620": 1620, "2280": 2280, "2600": 2600, "2920": 2920, "3250": 3250}, "tuned, stock supply"


def sees_mining(reading: MinerReading) -> None:
    assert reading.state is MinerState.MINING
    assert reading.hashrate_ths == pytest.approx(110, rel=0.05)
    assert reading.power_w == pytest.approx(3250, rel=0.05)
    assert reading.power_limit_w == 3250
    assert reading.efficiency_j_per_th == pytest.approx(29.5, rel=0.05)
    assert len(reading.boards) == reading.boards_healthy == 3
    assert len(reading.fans_rpm) == 4
    assert len(reading.pools) == 2, "that of the firmware's fee is not the owner's"


class TestVnishPromises(MinerPromises):
    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        block = {"family": "vnish", "host": HOST, "password": PASSWORD, "version": "1.3.4"}
        async with emulated_case(
            DRIVER,
            block,
            {"password": PASSWORD},
            endings=ENDINGS,
            secrets=(PASSWORD,),
            see_identity=sees_s19_pro,
            see_reading=sees_mining,
        ) as case:
            yield case
