"""The LuxOS driver against emulated miners, on real sockets."""

from collections.abc import AsyncIterator

import pytest

from hashbus.messages import Capability, MinerIdentity, MinerReading, MinerState
from hashbus_poller.drivers.luxos.driver import DRIVER
from hashbus_poller.testing.driver_promises import HARMLESS, DriverCase, Fault, MinerPromises
from tests.poller.emulated import emulated_case

HOST = "127.84.30.1"

ENDINGS = {
    Fault.CUT: HARMLESS,  # what came before the cut is read, and marked as partial
    Fault.TRUNCATED: HARMLESS,
    Fault.MISSING_COMMA: HARMLESS,
    Fault.NOT_JSON_TEXT: HARMLESS,  # the emulator's text says that the mining process is down: that is a reading
}


def sees_s19j_pro(identity: MinerIdentity) -> None:
    assert (identity.make, identity.model, identity.firmware) == ("Antminer", "S19j Pro", "LuxOS")
    assert identity.firmware_version == "2025.4.8.220305-57b389c7"
    assert identity.mac is not None
    assert (identity.rated_power_w, identity.rated_hashrate_ths, identity.boards_total) == (3068, 104, 3)
    assert set(identity.capabilities) == set(Capability) - {Capability.POWER_PERCENT}
    assert len(identity.power_levels) == 17, "sixteen below the factory's profile; overclocking is not offered"
    assert identity.max_power_w == 3068


def sees_mining(reading: MinerReading) -> None:
    assert reading.state is MinerState.MINING
    assert reading.hashrate_ths == pytest.approx(104, rel=0.05)
    assert reading.power_w == pytest.approx(3068, rel=0.05)
    assert reading.power_limit_w == 3068
    assert reading.frequency_mhz == 545
    assert len(reading.boards) == reading.boards_healthy == 3
    assert len(reading.fans_rpm) == 4
    assert reading.pool_url == "stratum+tcp://pool.example:3333"
    assert not reading.errors


class TestLuxosPromises(MinerPromises):
    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        async with emulated_case(
            DRIVER,
            {"family": "luxos", "host": HOST},
            {},
            lacks=frozenset({Fault.WRONG_PASSWORD}),
            endings=ENDINGS,
            frequency_mhz=445.0,
            see_identity=sees_s19j_pro,
            see_reading=sees_mining,
        ) as case:
            yield case
