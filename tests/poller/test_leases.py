"""A lease is counted on the clock that never goes back: a jump of the date neither ends nor prolongs it."""

from datetime import timedelta

import pytest

from hashbus.messages import (
    Capability,
    Message,
    MinerIdentity,
    MinerReading,
    MinerState,
    PowerSetpoint,
    SetpointResult,
    SetpointStatus,
)
from hashbus.testing.hand_clock import HandClock
from hashbus_poller.device import Device
from hashbus_poller.miner_visit import MinerVisit
from hashbus_poller.registry import drivers
from hashbus_poller.settings import DeviceSettings
from hashbus_poller.tapes import Ring
from hashbus_poller.vitals import Thresholds


class Obedient:
    """A miner that does at once what it is told."""

    def __init__(self) -> None:
        self.limit_w = 3600.0

    async def identify(self) -> MinerIdentity:
        return MinerIdentity(capabilities=(Capability.POWER_LIMIT,), min_power_w=500, max_power_w=3600)

    async def read(self) -> MinerReading:
        return MinerReading(state=MinerState.MINING, power_limit_w=self.limit_w)

    async def set_power_limit(self, power_w: float) -> None:
        self.limit_w = power_w

    async def close(self) -> None:
        pass


class Scene:
    """One obedient miner, a poller's visit to it, and a clock in the hand."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.miner = Obedient()
        self.said: list[Message] = []
        ring = Ring(self.clock, 0)
        settings = DeviceSettings(driver="whatsminer", safe_power_w=1000)
        spec = drivers()["whatsminer"]
        device = Device("attic", "home", settings, spec, self.miner, ring, self.clock, self.said.append)
        self.visit = MinerVisit(device, Thresholds(), confirm_s=300)

    def setpoint(self, power_w: float, lease_s: float) -> None:
        now = self.clock.now()
        self.visit.hear(
            PowerSetpoint(
                site="home",
                at=now,
                miner="attic",
                power_w=power_w,
                valid_until=now + timedelta(seconds=lease_s),
                reason="test",
            )
        )

    def outcomes(self) -> list[SetpointStatus]:
        return [message.status for message in self.said if isinstance(message, SetpointResult)]


async def test_a_lease_ends_on_time() -> None:
    scene = Scene()
    scene.setpoint(2000, lease_s=60)
    await scene.visit()
    await scene.clock.move(59)
    await scene.visit()
    assert scene.miner.limit_w == 2000
    await scene.clock.move(2)
    await scene.visit()
    assert scene.miner.limit_w == 1000
    assert scene.outcomes()[-2:] == [SetpointStatus.LAPSED, SetpointStatus.SENT]


@pytest.mark.parametrize("jump_s", [86_400.0, -86_400.0])
async def test_a_jump_of_the_date_changes_nothing(jump_s: float) -> None:
    scene = Scene()
    scene.setpoint(2000, lease_s=60)
    await scene.visit()
    scene.clock.jump(jump_s)
    await scene.clock.move(30)
    await scene.visit()
    assert scene.miner.limit_w == 2000
    await scene.clock.move(31)
    await scene.visit()
    assert scene.miner.limit_w == 1000


async def test_a_renewed_lease_goes_on_quietly() -> None:
    scene = Scene()
    for _ in range(5):
        scene.setpoint(2000, lease_s=60)
        await scene.visit()
        await scene.clock.move(30)
    assert scene.miner.limit_w == 2000
    assert scene.outcomes() == [SetpointStatus.SENT, SetpointStatus.CONFIRMED]


async def test_after_asking_the_poller_comes_again_soon_and_only_until_it_is_shown() -> None:
    scene = Scene()
    assert await scene.visit() is None
    scene.setpoint(2000, lease_s=600)
    assert await scene.visit() == 2.0
    await scene.clock.move(2)
    assert await scene.visit() is None


async def test_a_miner_that_shows_nothing_is_not_asked_every_two_seconds_for_ever() -> None:
    scene = Scene()
    scene.setpoint(2000, lease_s=600)
    await scene.visit()
    scene.miner.limit_w = 3600
    await scene.clock.move(29)
    assert await scene.visit() == 2.0
    await scene.clock.move(2)
    assert await scene.visit() is None
