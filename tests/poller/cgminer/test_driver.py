"""The cgminer driver against emulated miners, on real sockets."""

from collections.abc import AsyncIterator

import pytest

from hashbus.messages import Capability, MinerIdentity, MinerReading, MinerState
from hashbus_poller.drivers.cgminer.driver import DRIVER
from hashbus_poller.testing.driver_promises import HARMLESS, DriverCase, Fault, MinerPromises
from tests.poller.emulated import emulated_case

HOST = "127.82.0.1"

ENDINGS = {
    Fault.CUT: HARMLESS,  # what came before the cut is read, and marked as partial
    Fault.TRUNCATED: HARMLESS,
    Fault.MISSING_COMMA: HARMLESS,
    Fault.NOT_JSON_TEXT: HARMLESS,  # the emulator's text says that the mining process is down: that is a reading
    Fault.WRONG_PASSWORD: HARMLESS,  # reading needs no rights
}


def sees_stick(identity: MinerIdentity) -> None:
    assert (identity.make, identity.model) == ("GekkoScience", "R909")
    assert (identity.firmware, identity.firmware_version, identity.api_version) == ("cgminer", "4.12.1", "3.7")
    assert identity.boards_total == 1
    assert set(identity.capabilities) == {Capability.RESTART, Capability.POOL, Capability.SLEEP}


def sees_mining(reading: MinerReading) -> None:
    assert reading.state is MinerState.MINING
    assert reading.hashrate_5s_ths == pytest.approx(1.5, rel=0.1)
    assert reading.power_w is None, "no cgminer tells its power"
    assert reading.pool_url == "stratum+tcp://pool.example:3333"


class TestCgminerPromises(MinerPromises):
    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        block = {"family": "cgminer", "host": HOST, "model": "GekkoScience R909", "privileged": True}
        async with emulated_case(
            DRIVER, block, {}, endings=ENDINGS, see_identity=sees_stick, see_reading=sees_mining
        ) as case:
            yield case
