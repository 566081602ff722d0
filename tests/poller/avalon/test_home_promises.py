"""The Avalon driver keeps the promises on an emulated home model and an old controller, on real sockets."""

from collections.abc import AsyncIterator

import pytest

from hashbus.messages import Capability, MinerIdentity, MinerReading
from hashbus_poller.testing.driver_promises import DriverCase, MinerPromises
from tests.poller.avalon.promised import avalon, names

PASSWORD = "page-password"


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
            "model": "Avalon Q",
            "host": "127.83.3.2",
            "password": PASSWORD,
            "closes_without_reply": "none",
            "lost_sensor": True,
        }
        async with avalon(
            block,
            {"password": PASSWORD},
            secrets=(PASSWORD,),
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
            "model": "Avalon 841",
            "host": "127.83.3.3",
            "modules": 3,
            "joins": False,
            "firmware": "1706abc",
        }
        async with avalon(block, see_identity=of_a_controller, see_reading=three_units) as case:
            yield case
