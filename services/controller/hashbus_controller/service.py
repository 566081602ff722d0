"""The controller's shell: it feeds the step and says what comes out."""

from __future__ import annotations

from hashbus.messages import ControlState
from hashbus.service import Running
from hashbus.stepping import run_steps
from hashbus_controller.settings import ControllerSettings
from hashbus_controller.state import State
from hashbus_controller.step import HEARS, step

TICK_S = 1.0
MEMORY_WAIT_S = 3.0
"""The broker hands out retained state at once; a broker that has none has nothing to wait for."""


async def main(running: Running[ControllerSettings]) -> None:
    """Decide until told to stop; with `--once` a single round over what the broker remembers."""
    state = State(running.settings.site, running.settings.controller)
    state = await _recalled(running, state)
    await run_steps(
        running.bus,
        step,
        state,
        hears=HEARS,
        clock=running.clock,
        tick_s=TICK_S,
        rounds=100 if running.once else None,
    )
    await running.bus.flush()


async def _recalled(running: Running[ControllerSettings], state: State) -> State:
    """Hear the own memory first: a latch must not be decided over before it is known."""
    async with running.bus.subscribe(ControlState) as memories:
        memory = await memories.next(MEMORY_WAIT_S)
    return state if memory is None else step(state, memory, running.clock.now())[0]
