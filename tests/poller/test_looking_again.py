"""After it was told something a miner is read again soon, until it shows it, and until its draw shows it too."""

from datetime import timedelta

import pytest

from hashbus.messages import Capability, MinerIdentity, MinerReading, MinerState, PowerSetpoint
from hashbus.testing.hand_clock import HandClock
from hashbus_poller.device import Device
from hashbus_poller.miner_visit import CURIOUS_FOR_S, MinerVisit
from hashbus_poller.registry import drivers
from hashbus_poller.settings import DeviceSettings
from hashbus_poller.tapes import Ring
from hashbus_poller.vitals import Thresholds


class Sleeper:
    """A miner that says at once that it sleeps, and later what it draws then."""

    def __init__(self) -> None:
        self.is_asleep, self.power_w = False, 3400.0

    async def identify(self) -> MinerIdentity:
        return MinerIdentity(capabilities=(Capability.SLEEP,), max_power_w=3600)

    async def read(self) -> MinerReading:
        state = MinerState.SLEEPING if self.is_asleep else MinerState.MINING
        return MinerReading(state=state, power_w=self.power_w)

    async def sleep(self) -> None:
        self.is_asleep = True

    async def close(self) -> None:
        pass


class Scene:
    """A sleeper that has just been told to sleep, and the clock in the hand."""

    def __init__(self) -> None:
        self.clock, self.miner = HandClock(), Sleeper()
        spec = drivers()["whatsminer"]
        settings = DeviceSettings(driver="whatsminer")
        ring = Ring(self.clock, 0)
        device = Device("attic", "home", settings, spec, self.miner, ring, self.clock, lambda _message: None)
        self.visit = MinerVisit(device, Thresholds(), confirm_s=300)
        now = self.clock.now()
        until = now + timedelta(seconds=600)
        self.visit.hear(
            PowerSetpoint(site="home", at=now, miner="attic", power_w=0, valid_until=until, reason="the grid asks")
        )


@pytest.mark.parametrize(("draws_w", "comes_again"), [(3400.0, True), (90.0, False)])
async def test_a_sleeping_miner_is_read_again_soon_until_it_draws_nothing_any_more(
    draws_w: float, comes_again: bool
) -> None:
    scene = Scene()
    assert await scene.visit() is not None
    scene.miner.power_w = draws_w
    await scene.clock.move(2)
    assert (await scene.visit() is not None) is comes_again


async def test_a_miner_that_never_shows_it_is_not_asked_for_ever() -> None:
    scene = Scene()
    await scene.visit()
    await scene.clock.move(CURIOUS_FOR_S + 1)
    assert await scene.visit() is None
