"""The shell around the triggers' step: looks at what is outside the bus, decides, and says what is new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from hashbus.messages import Message
from hashbus.service import Running
from hashbus.step import Tick
from hashbus.stepping import run_steps
from hashbus_curtailer.settings import CurtailerSettings
from hashbus_curtailer.triggers.inputs import Input, opened
from hashbus_curtailer.triggers.step import HEARS, State, step

TICK_S = 1.0


class Looking:
    """The step, before each tick of which everything outside the bus is looked at."""

    def __init__(self, inputs: Sequence[Input]) -> None:
        """Look at these."""
        self._inputs = inputs

    def __call__(self, state: State, heard: Message | Tick, now: datetime) -> tuple[State, Iterable[Message]]:
        """Take in what is outside, then decide."""
        if isinstance(heard, Tick):
            for one in self._inputs:
                state = one.into(state)
        return step(state, heard, now)


async def watch(running: Running[CurtailerSettings]) -> None:
    """Ask for curtailments whenever a trigger says so, until cancelled."""
    settings = running.settings
    triggers = settings.curtailer.triggers
    state = State(settings.site, triggers, ZoneInfo(settings.time_zone))
    async with opened(triggers, settings.broker, running.clock, running.health) as inputs:
        await run_steps(running.bus, Looking(inputs), state, hears=HEARS, clock=running.clock, tick_s=TICK_S)
