"""The Avalon driver keeps the promises on emulated miners of the hall, on real sockets."""

from collections.abc import AsyncIterator

import pytest

from hashbus.messages import Capability, MinerIdentity, MinerReading, MinerState
from hashbus_poller.testing.driver_promises import DriverCase, MinerPromises
from tests.poller.avalon.promised import avalon, names


def of_the_hall(identity: MinerIdentity) -> None:
    assert (identity.make, identity.model, identity.control_board) == ("Avalon", "1366", "MM4v2_X3")
    assert identity.mac is not None
    assert identity.firmware_version == "24100900_aaaaaaa_bbbbbbb"
    assert names(identity) == {"normal": 2600, "high performance": 3250}
    assert set(identity.capabilities) == set(Capability) - {Capability.POWER_PERCENT, Capability.FREQUENCY}


def hashing_in_the_hall(reading: MinerReading) -> None:
    assert reading.state is MinerState.MINING
    assert reading.hashrate_ths == pytest.approx(130, rel=0.05)
    assert reading.power_w == pytest.approx(3250, rel=0.02)
    assert reading.power_limit_w == 3250
    assert len(reading.boards) == reading.boards_healthy == 3
    assert len(reading.chips_c) == 360
    assert len(reading.fans_rpm) == 2
    assert reading.pool_latency_ms is not None
    assert reading.pool_url == "stratum+tcp://pool.example:3333"


class TestHallModelPromises(MinerPromises):
    """An A13 of the hall: work modes after a reboot, orders that cost the reply."""

    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        block = {"model": "Avalon 1366", "host": "127.83.3.1"}
        async with avalon(block, see_identity=of_the_hall, see_reading=hashing_in_the_hall) as case:
            yield case


def without_help(identity: MinerIdentity) -> None:
    assert names(identity) == {"normal": 1904, "high performance": 2380}
    assert Capability.SLEEP in identity.capabilities, "by cutting the power of its boards"
    assert Capability.FAN not in identity.capabilities


class TestA10Promises(MinerPromises):
    """An A10: no help, no standby, six numbers of the supply."""

    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        block = {"model": "Avalon 1047", "host": "127.83.3.4"}
        async with avalon(block, see_identity=without_help) as case:
            yield case
