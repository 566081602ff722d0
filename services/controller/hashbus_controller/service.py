"""The controller's shell: it feeds the step and says what comes out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from zoneinfo import ZoneInfo

from hashbus.messages import ControlState, MinerControl
from hashbus.service import Running
from hashbus.stepping import run_steps
from hashbus_controller.calendar_feed import CalendarFeed
from hashbus_controller.knowing import known
from hashbus_controller.registry import beginning
from hashbus_controller.settings import ControllerSettings
from hashbus_controller.state import State
from hashbus_controller.step import hears, step

TICK_S = 1.0
MEMORY_WAIT_S = 3.0
"""The broker hands out retained state at once; a broker that has none has nothing to wait for."""


async def main(running: Running[ControllerSettings]) -> None:
    """Decide until told to stop; with `--once` a single round over what the broker remembers."""
    state = await _recalled(running, beginning(running.settings))
    async with _calendars_read(running):
        await run_steps(
            running.bus,
            step,
            state,
            hears=hears(state),
            clock=running.clock,
            tick_s=TICK_S,
            rounds=100 if running.once else None,
        )
    await running.bus.flush()


@asynccontextmanager
async def _calendars_read(running: Running[ControllerSettings]) -> AsyncIterator[None]:
    """Keep the calendars of the settings read; what they say comes back over the bus, as everything does."""
    settings = running.settings
    zone = ZoneInfo(settings.time_zone)
    feeds = [
        CalendarFeed(name, calendar, zone, running.bus, running.clock)
        for name, calendar in settings.controller.calendars.items()
    ]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(feed.run(), name=f"calendar {feed.name}") for feed in feeds]
        yield
        for task in tasks:
            task.cancel()


async def _recalled(running: Running[ControllerSettings], state: State) -> State:
    """Hear the own memory first: a latch must not be decided over before it is known. No broker, no decision."""
    async with running.bus.subscribe(ControlState, MinerControl) as memories:
        while True:
            memory = await memories.next(MEMORY_WAIT_S)
            if memory is not None:
                state = known(state, memory, running.clock.now())
            elif running.bus.is_connected:
                return state
            if state.is_recalled and len(state.held) >= state.remembered_miners:
                return state
