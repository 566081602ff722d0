"""The notifier's shell: it feeds the step and says what comes out."""

from __future__ import annotations

from hashbus.service import Running
from hashbus.stepping import run_steps
from hashbus_notifier.settings import NotifierSettings
from hashbus_notifier.step import HEARS, State, step

TICK_S = 1.0


async def main(running: Running[NotifierSettings]) -> None:
    """Tell until told to stop; with `--once` what is wrong by what the broker remembers."""
    state = State(running.settings.site, running.settings.notifier)
    rounds = 100 if running.once else None
    await run_steps(running.bus, step, state, hears=HEARS, clock=running.clock, tick_s=TICK_S, rounds=rounds)
    await running.bus.flush()
