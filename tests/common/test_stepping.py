"""The shell around a pure step feeds it what is heard and what time it is, and says what comes out."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import Message, MinerTelemetry, PowerSetpoint
from hashbus.step import TICK, Tick
from hashbus.stepping import run_steps
from hashbus.testing.bus_promises import reading
from hashbus.testing.memory_bus import MemoryBroker, MemoryBus

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def halve(count: int, heard: Message | Tick, now: datetime) -> tuple[int, Iterable[Message]]:
    """A step: each miner may draw half of what it draws."""
    if not isinstance(heard, MinerTelemetry) or heard.power_w is None:
        return count, ()
    setpoint = PowerSetpoint(
        site=heard.site,
        at=now,
        miner=heard.miner,
        power_w=heard.power_w / 2,
        valid_until=now + timedelta(minutes=1),
        reason="half",
    )
    return count + 1, (setpoint,)


async def test_a_step_hears_decides_and_speaks() -> None:
    broker = MemoryBroker()
    poller, controller = MemoryBus(broker, "poller"), MemoryBus(broker, "controller")
    async with poller.subscribe(PowerSetpoint) as setpoints:
        poller.publish(reading("home", power_w=3000))
        count = await run_steps(controller, halve, 0, hears=(MinerTelemetry,), clock=SYSTEM_CLOCK, tick_s=60, rounds=1)
        setpoint = await setpoints.next(5)
    assert count == 1
    assert setpoint is not None
    assert setpoint.power_w == 1500


async def test_time_passes_also_when_nothing_is_heard() -> None:
    ticks: list[object] = []

    def listen(state: None, heard: Message | Tick, _now: datetime) -> tuple[None, Iterable[Message]]:
        ticks.append(heard)
        return state, ()

    bus = MemoryBus(MemoryBroker(), "controller")
    await run_steps(bus, listen, None, hears=(MinerTelemetry,), clock=SYSTEM_CLOCK, tick_s=0.01, rounds=3)
    assert ticks == [TICK, TICK, TICK]


async def test_time_passes_also_when_there_is_always_something_to_hear() -> None:
    broker = MemoryBroker()
    poller, bus = MemoryBus(broker, "poller"), MemoryBus(broker, "controller")
    ticks = 0

    def listen(state: None, heard: Message | Tick, _now: datetime) -> tuple[None, Iterable[Message]]:
        nonlocal ticks
        ticks += heard is TICK
        poller.publish(reading("home"))
        return state, ()

    poller.publish(reading("home"))
    async with asyncio.timeout(20):
        while not ticks:
            await run_steps(bus, listen, None, hears=(MinerTelemetry,), clock=SYSTEM_CLOCK, tick_s=0.001, rounds=50)
