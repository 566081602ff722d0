"""One exercise for each capability: use it on a device and see in the readings that it took."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from hashbus.messages import Capability, MinerIdentity, MinerReading, MinerState, OrderParams
from hashbus_poller.drivers.contract import (
    Blinks,
    LimitsPower,
    Reboots,
    RestartsMining,
    SetsFan,
    SetsFrequency,
    SetsPowerPercent,
    Sleeps,
    SwitchesPool,
    Unreachable,
)
from hashbus_poller.testing.driver_case import DriverCase
from hashbus_poller.testing.waiting import LOOK_EVERY_S, PATIENCE_S

AWAKE = frozenset({MinerState.MINING, MinerState.TUNING, MinerState.IDLE})
WORKER_PASSWORD = "pool-secret-1"  # noqa: S105
NEW_POOL = OrderParams(url="stratum+tcp://promise.pool.example:3333", worker="promise.w1", password=WORKER_PASSWORD)


@dataclass(frozen=True)
class Bench:
    """A device on the bench: its driver, who it said it is, and how it was before the exercise."""

    case: DriverCase
    driver: Any
    identity: MinerIdentity
    before: MinerReading

    async def sees(self, is_so: Callable[[MinerReading], bool], promise: str) -> MinerReading:
        """Read until it is so."""
        return await seen(self.driver, is_so, promise)

    def counted(self, what: str) -> int | None:
        """Return how often something happened to the device, where the stand-in knows."""
        count = self.case.truth().get(what)
        return count if isinstance(count, int) else None

    def power_to_try_w(self) -> float:
        """Return a power that the device takes and that is not in force."""
        if self.case.power_w is not None:
            return self.case.power_w
        now_w = self.before.power_limit_w
        levels = [level.power_w for level in self.identity.power_levels if level.power_w > 0]
        if levels:
            return next(power_w for power_w in levels if power_w != now_w)
        ceiling_w = self.identity.max_power_w or self.identity.rated_power_w or now_w
        assert ceiling_w, "a driver that limits power must say up to how many watts"
        step_w = self.identity.power_step_w or 1.0
        tries = (round(ceiling_w * share / step_w) * step_w for share in (0.8, 0.9))
        return max(next(power_w for power_w in tries if power_w != now_w), self.identity.min_power_w or 0.0)

    def tolerance_w(self) -> float:
        """Return how far the limit may be from what was asked: half a step."""
        return max(0.5, (self.identity.power_step_w or 1.0) / 2)


async def seen(driver: Any, is_so: Callable[[MinerReading], bool], promise: str) -> MinerReading:
    """Read until it is so; a device that reboots may be away meanwhile. Fails with the promise when it never is."""
    latest: MinerReading | Unreachable | None = None
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not (isinstance(latest, MinerReading) and is_so(latest)):
                if latest is not None:
                    await asyncio.sleep(LOOK_EVERY_S)
                latest = await _reading_or_away(driver)
    except TimeoutError:
        raise AssertionError(f"{promise}; the last reading was {latest!r}") from None
    return latest


async def _reading_or_away(driver: Any) -> MinerReading | Unreachable:
    try:
        reading: MinerReading = await driver.read()
    except Unreachable as away:
        return away
    return reading


async def limit_power(bench: Bench) -> None:
    """Set a power limit and read it back."""
    power_w = bench.power_to_try_w()
    await bench.driver.set_power_limit(power_w)
    await bench.sees(
        lambda reading: _near(reading.power_limit_w, power_w, bench.tolerance_w()),
        f"power_limit_w shows the {power_w} W that were set",
    )


async def modulate_power(bench: Bench) -> None:
    """Run at 80 per cent, then end the modulation."""
    await bench.driver.set_power_percent(80.0)
    await bench.sees(lambda reading: _near(reading.power_percent_pct, 80.0, 1.0), "power_percent_pct shows 80 %")
    await bench.driver.set_power_percent(100.0)
    await bench.sees(
        lambda reading: reading.power_percent_pct in (None, 100.0),
        "power_percent_pct shows that 100 % ended it",
    )


async def sleep_and_wake(bench: Bench) -> None:
    """Put it to sleep and wake it again."""
    await bench.driver.sleep()
    await bench.sees(lambda reading: reading.state is MinerState.SLEEPING, "the state shows that it sleeps")
    await bench.driver.wake()
    await bench.sees(lambda reading: reading.state in AWAKE, "the state shows that it is awake")


async def restart(bench: Bench) -> None:
    """Restart mining and see it begin anew."""
    await bench.driver.restart_mining()
    await bench.sees(
        lambda reading: reading.state is MinerState.TUNING or _less(reading.mining_s, bench.before.mining_s),
        "mining began anew",
    )


async def reboot(bench: Bench) -> None:
    """Reboot it and see it come back."""
    count = bench.counted("reboots")
    await bench.driver.reboot()
    await bench.sees(
        lambda reading: (
            _less(reading.uptime_s, bench.before.uptime_s) or _less(reading.mining_s, bench.before.mining_s)
        ),
        "it came back from a reboot",
    )
    assert count is None or bench.counted("reboots") == count + 1, "it rebooted once"


async def set_fan(bench: Bench) -> None:
    """Hold the fans at 70 per cent, then give them back."""
    await bench.driver.set_fan(70.0)
    await bench.sees(lambda reading: _near(reading.fan_pct, 70.0, 2.0), "fan_pct shows the 70 % that were set")
    await bench.driver.set_fan(None)


async def set_frequency(bench: Bench) -> None:
    """Set another frequency and read it back."""
    frequency_mhz = bench.case.frequency_mhz
    assert frequency_mhz is not None, "DriverCase.frequency_mhz names a frequency that this device takes"
    await bench.driver.set_frequency(frequency_mhz)
    await bench.sees(
        lambda reading: _near(reading.frequency_mhz, frequency_mhz, 1.0),
        f"frequency_mhz shows the {frequency_mhz} MHz that were set",
    )


async def switch_pool(bench: Bench) -> None:
    """Mine for another pool and read it back."""
    await bench.driver.set_pool(NEW_POOL)
    name = str(NEW_POOL.url).partition("//")[2]
    await bench.sees(
        lambda reading: name in (reading.pool_url or "") and reading.worker == NEW_POOL.worker,
        "pool_url and worker show the new pool",
    )


async def blink(bench: Bench) -> None:
    """Blink, and stop."""
    for on in (True, False):
        await bench.driver.blink(on)
        assert bench.case.truth().get("blinking", on) is on, "the light does as it is told"


@dataclass(frozen=True)
class Exercise:
    """What a capability asks of the driver's class, and how it is tried."""

    protocol: type
    run: Callable[[Bench], Awaitable[None]]


EXERCISES: Mapping[Capability, Exercise] = MappingProxyType(
    {
        Capability.POWER_LIMIT: Exercise(LimitsPower, limit_power),
        Capability.POWER_PERCENT: Exercise(SetsPowerPercent, modulate_power),
        Capability.SLEEP: Exercise(Sleeps, sleep_and_wake),
        Capability.RESTART: Exercise(RestartsMining, restart),
        Capability.REBOOT: Exercise(Reboots, reboot),
        Capability.FAN: Exercise(SetsFan, set_fan),
        Capability.FREQUENCY: Exercise(SetsFrequency, set_frequency),
        Capability.POOL: Exercise(SwitchesPool, switch_pool),
        Capability.BLINK: Exercise(Blinks, blink),
    }
)


def _near(value: float | None, wanted: float, tolerance: float) -> bool:
    return value is not None and abs(value - wanted) <= tolerance


def _less(value: float | None, before: float | None) -> bool:
    return value is not None and before is not None and value < before
