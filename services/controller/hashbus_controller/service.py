"""The controller's shell: it feeds the step and says what comes out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from zoneinfo import ZoneInfo

from hashbus.messages import ControlState, Message, MinerControl
from hashbus.service import Running
from hashbus.stepping import run_steps
from hashbus_controller.knowing import known
from hashbus_controller.notebook import Notebook, newest
from hashbus_controller.registry import beginning
from hashbus_controller.settings import ControllerSettings
from hashbus_controller.shadow import beside, hears_beside, shadowed
from hashbus_controller.state import State
from hashbus_controller.step import hears, step

TICK_S = 1.0
MEMORY_WAIT_S = 3.0
"""The broker hands out retained state at once; a broker that has none has nothing to wait for."""


async def main(running: Running[ControllerSettings]) -> None:
    """Decide until told to stop; with `--once` a single round over what the broker remembers."""
    notebook = Notebook(running.settings.data_dir / "controller" / "notes.sqlite")
    state = await _recalled(running, beginning(running.settings), notebook)
    is_acting = not (running.dry_run or running.once)
    decide = notebook.noting(step) if is_acting else step
    rounds = 100 if running.once else None
    async with _calendars_read(running):
        if running.settings.controller.shadows:
            both = beside(state, running.settings)
            await run_steps(
                running.bus,
                shadowed(decide),
                both,
                hears=hears_beside(both),
                clock=running.clock,
                tick_s=TICK_S,
                rounds=rounds,
            )
        else:
            await run_steps(
                running.bus, decide, state, hears=hears(state), clock=running.clock, tick_s=TICK_S, rounds=rounds
            )
    notebook.close()
    await running.bus.flush()


@asynccontextmanager
async def _calendars_read(running: Running[ControllerSettings]) -> AsyncIterator[None]:
    """Keep the calendars of the settings read; what they say comes back over the bus, as everything does."""
    if not running.settings.controller.calendars:
        yield
        return
    # Their libraries take 20 MB, which a home without calendars can do without.
    from hashbus_controller.calendar_feed import CalendarFeed  # noqa: PLC0415

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


async def _recalled(running: Running[ControllerSettings], state: State, notebook: Notebook) -> State:
    """Hear the own memory first: a latch must not be decided over before it is known. No broker, no decision."""
    kept: list[Message] = []
    async with running.bus.subscribe(ControlState, MinerControl) as memories:
        expected: int | None = None
        while expected is None or len(kept) <= expected:
            memory = await memories.next(MEMORY_WAIT_S)
            if memory is not None:
                kept.append(memory)
                expected = memory.miners if isinstance(memory, ControlState) else expected
            elif running.bus.is_connected:
                break
    now = running.clock.now()
    for memory in newest(notebook.read(now), kept):
        state = known(state, memory, now)
    return state
