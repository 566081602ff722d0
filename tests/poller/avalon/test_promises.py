"""The Avalon driver keeps the promises, against emulated miners of each generation on real sockets."""

from collections.abc import AsyncIterator

import pytest

from hashbus.messages import Capability, MinerIdentity, MinerReading, MinerState
from hashbus_poller.drivers.avalon.driver import DRIVER
from hashbus_poller.testing.driver_promises import HARMLESS, DriverCase, Ending, Fault, MinerPromises
from tests.poller.emulated import emulated_case

PASSWORD = "page-password"

ENDINGS: dict[Fault, Ending] = {
    Fault.CUT: HARMLESS,  # what came before the cut is read, and marked as partial
    Fault.TRUNCATED: HARMLESS,
    Fault.MISSING_COMMA: HARMLESS,
    Fault.NOT_JSON_TEXT: HARMLESS,  # the text says that the mining process is down: that is a reading
    Fault.WRONG_PASSWORD: HARMLESS,  # reading needs no rights
}


def names(identity: MinerIdentity) -> dict[str, float]:
    return {level.name: level.power_w for level in identity.power_levels}


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
        block = {"family": "avalon", "model": "Avalon 1366", "host": "127.83.3.1"}
        async with emulated_case(
            DRIVER, block, {}, endings=ENDINGS, see_identity=of_the_hall, see_reading=hashing_in_the_hall
        ) as case:
            yield case


def of_the_home(identity: MinerIdentity) -> None:
    assert identity.model == "Q"
    assert names(identity) == {"eco": 800, "standard": 1300, "super": 1674}
    assert not identity.power_change.ramp_s or identity.power_change.ramp_s < 300, "no reboot is needed"
    assert Capability.BLINK not in identity.capabilities


def hashing_at_home(reading: MinerReading) -> None:
    assert reading.ambient_c is None, "its sensor is lost"
    assert reading.boards[0].inlet_c is not None
    assert len(reading.chips_c) == 160
    assert len(reading.fans_rpm) == 4


class TestHomeModelPromises(MinerPromises):
    """A Q with a lost sensor: work modes at once, pools with the password of its page."""

    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        block = {
            "family": "avalon",
            "model": "Avalon Q",
            "host": "127.83.3.2",
            "password": PASSWORD,
            "closes_without_reply": "none",
            "lost_sensor": True,
        }
        async with emulated_case(
            DRIVER,
            block,
            {"password": PASSWORD},
            secrets=(PASSWORD,),
            endings=ENDINGS,
            see_identity=of_the_home,
            see_reading=hashing_at_home,
        ) as case:
            yield case


def of_a_controller(identity: MinerIdentity) -> None:
    assert identity.model == "841", "the units know it, the controller does not"
    assert identity.power_levels == ()
    assert Capability.FAN not in identity.capabilities


def three_units(reading: MinerReading) -> None:
    assert reading.hashrate_ths == pytest.approx(3 * 13.6, rel=0.05)
    assert reading.hashrate_expected_ths == pytest.approx(3 * 13.6)
    assert [board.expected_ths for board in reading.boards] == [13.6] * 3
    assert reading.power_w is None, "nothing measures it"


class TestControllerPromises(MinerPromises):
    """Three units of an 841 on one controller, which joins no reports."""

    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        block = {
            "family": "avalon",
            "model": "Avalon 841",
            "host": "127.83.3.3",
            "modules": 3,
            "joins": False,
            "firmware": "1706abc",
        }
        async with emulated_case(
            DRIVER, block, {}, endings=ENDINGS, see_identity=of_a_controller, see_reading=three_units
        ) as case:
            yield case


def without_help(identity: MinerIdentity) -> None:
    assert names(identity) == {"normal": 1904, "high performance": 2380}
    assert Capability.SLEEP in identity.capabilities, "by cutting the power of its boards"
    assert Capability.FAN not in identity.capabilities


class TestA10Promises(MinerPromises):
    """An A10: no help, no standby, six numbers of the supply."""

    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        block = {"family": "avalon", "model": "Avalon 1047", "host": "127.83.3.4"}
        async with emulated_case(DRIVER, block, {}, endings=ENDINGS, see_identity=without_help) as case:
            yield case
