"""Battery, miner, broker, poller and controller as they run on a site: what is killed forgets nothing that matters."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from benchmarks.solar_home import SolarHome
from hashbus.bus import Subscription
from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import BatteryTelemetry, ControlState, Decision, MinerControl, PowerRequest, PowerSetpoint, Rank
from hashbus.mqtt_bus import MqttBus

PATIENCE_S = 60.0
HEARD = (PowerSetpoint, Decision, ControlState, MinerControl, BatteryTelemetry)


class Ears:
    """What was last heard of each kind."""

    def __init__(self, bus: MqttBus, heard: Subscription[Any]) -> None:
        self.bus, self.heard = bus, heard
        self.last: dict[type, Any] = {}

    async def until(self, holds: Callable[[dict[type, Any]], bool], what: str) -> dict[type, Any]:
        """Listen until something holds."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not (self.last and holds(self.last)):
            message = await self.heard.next(1.0)
            if message is not None:
                self.last[type(message)] = message
            assert time.monotonic() < deadline_s, f"{what} in vain; last heard: {self.last}"
        return self.last

    async def setpoint(self, power_w: float) -> None:
        await self.until(
            lambda last: (
                PowerSetpoint in last
                and last[PowerSetpoint].power_w == power_w
                and last[PowerSetpoint].valid_until > SYSTEM_CLOCK.now()
            ),
            f"waited for {power_w:g} W",
        )

    async def battery(self, soc_pct: float) -> None:
        await self.until(
            lambda last: BatteryTelemetry in last and abs(last[BatteryTelemetry].soc_pct - soc_pct) < 2,
            f"waited for {soc_pct:g} %",
        )


@asynccontextmanager
async def running(folder: Path, **controller: Any) -> AsyncIterator[tuple[SolarHome, Ears]]:
    home = SolarHome(folder, min_interval_s=0, **controller)
    async with home, home.bus() as bus, bus.subscribe(*HEARD) as heard:
        await bus.connected()
        ears = Ears(bus, heard)
        await home.charge(100)
        await ears.battery(100)
        yield home, ears


async def killed(daemon: Any) -> None:
    await asyncio.to_thread(daemon.kill)


async def started(daemon: Any) -> None:
    await asyncio.to_thread(daemon.start)


async def follows(home: SolarHome, power_w: float) -> None:
    """Wait until the emulated miner really is at a power; 0 is asleep."""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        truth = await home.truth()
        if truth["is_asleep"] if power_w == 0 else truth["power_limit_w"] == power_w:
            return
        assert time.monotonic() < deadline_s, f"the miner never came to {power_w:g} W: {truth}"
        await asyncio.sleep(0.2)


async def test_latch_and_override_survive_the_death_of_controller_and_broker_at_any_moment(tmp_path: Path) -> None:
    async with running(tmp_path, lease_s=10) as (home, ears):
        await home.charge(57)
        await ears.setpoint(2160)
        await follows(home, 2160)
        await home.charge(88)
        await ears.battery(88)

        await killed(home.controller)
        ears.last.pop(PowerSetpoint)
        await started(home.controller)
        await ears.until(
            lambda last: ControlState in last and last[ControlState].latches_pct == {"soc": 60}, "the latch"
        )
        await home.charge(87)
        await ears.battery(87)
        await ears.setpoint(2160)

        ears.bus.publish(override(1500))
        await ears.bus.flush()
        await ears.setpoint(1500)
        await asyncio.gather(killed(home.controller), killed(home.broker))
        ears.last.clear()
        # The controller comes first, and waits for a broker before it decides anything.
        await asyncio.gather(started(home.controller), started(home.broker))
        revived_at = SYSTEM_CLOCK.now()
        last = await ears.until(
            lambda last: last.keys() >= {PowerSetpoint, ControlState} and last[PowerSetpoint].at > revived_at,
            "the new controller's word",
        )
        assert last[PowerSetpoint].power_w == 1500
        assert last[ControlState].latches_pct == {"soc": 60}
        await follows(home, 1500)


def override(power_w: float) -> PowerRequest:
    now = SYSTEM_CLOCK.now()
    return PowerRequest(
        site="home",
        at=now,
        source="cli",
        scope="attic",
        name="override",
        rank=Rank.OVERRIDE,
        cap_w=power_w,
        floor_w=power_w,
        until=now.replace(year=now.year + 1),
        why="test",
    )


async def test_a_tuned_miner_is_modulated_without_a_restart_and_let_go_again(tmp_path: Path) -> None:
    async with running(tmp_path, fast_power=True) as (home, ears):
        for soc_pct, percent in ((85, 90), (65, 70), (100, 100)):
            await home.charge(soc_pct)
            await ears.setpoint(36 * percent)
            await modulated(home, percent)
        assert (await home.truth())["power_limit_w"] == 3600
        await home.charge(35)  # 40 % is as far as it is modulated
        await modulated(home, 40)


async def modulated(home: SolarHome, percent: float) -> None:
    """Wait until the emulated miner really draws that part of its limit."""
    deadline_s = time.monotonic() + PATIENCE_S
    while (truth := await home.truth())["power_percent"] != percent:
        assert time.monotonic() < deadline_s, f"the miner never came to {percent:g} %: {truth}"
        await asyncio.sleep(0.2)


async def test_without_a_controller_the_miner_is_at_its_safe_power_when_the_lease_has_ended(tmp_path: Path) -> None:
    async with running(tmp_path, lease_s=10) as (home, ears):
        await home.charge(85)
        await ears.setpoint(3240)
        await follows(home, 3240)
        await killed(home.controller)
        ends_at = ears.last[PowerSetpoint].valid_until
        await follows(home, 2000)
        assert SYSTEM_CLOCK.now() >= ends_at, "the lease held until its end"
