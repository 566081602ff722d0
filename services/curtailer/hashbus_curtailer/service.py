"""The curtailer's shell: it feeds the step, lets the solver work beside it, and says what comes out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from datetime import datetime

from hashbus.messages import CurtailmentPlan, Message
from hashbus.service import Running
from hashbus.step import Tick
from hashbus.stepping import run_steps
from hashbus_curtailer.settings import CurtailerSettings
from hashbus_curtailer.solver import Solver
from hashbus_curtailer.state import State
from hashbus_curtailer.step import HEARS, answered, step
from hashbus_curtailer.triggers.watch import watch

TICK_S = 0.5
MEMORY_WAIT_S = 3.0
"""The broker hands out retained state at once; a broker that has none has nothing to wait for."""


async def main(running: Running[CurtailerSettings]) -> None:
    """Curtail until told to stop; with `--once` what is due by what the broker remembers."""
    state = State(running.settings.site, running.settings.curtailer)
    state = await _recalled(running, state)
    rounds = 100 if running.once else None
    with Solver() as solver:
        async with beside(watch(running), "triggers"):
            await run_steps(
                running.bus,
                Beside(solver),
                state,
                hears=HEARS,
                clock=running.clock,
                tick_s=TICK_S,
                rounds=rounds,
            )
    await running.bus.flush()


@asynccontextmanager
async def beside(work: Coroutine[None, None, None], name: str) -> AsyncIterator[None]:
    """Let something run beside the loop, and end with it; a mistake in it ends the loop too."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(work, name=name)
        yield
        task.cancel()


class Beside:
    """The step with a solver beside it: hands its questions over, and brings the answers in."""

    def __init__(self, solver: Solver) -> None:
        """Let `solver` work at what the step asks."""
        self._solver = solver

    def __call__(self, state: State, heard: Message | Tick, now: datetime) -> tuple[State, Iterable[Message]]:
        """Take in an answer when there is one, then decide."""
        said: list[Message] = []
        answer = self._solver.answer()
        if answer is not None:
            state, plans = answered(state, answer, now)
            said += plans
        state, more = step(state, heard, now)
        self._solver.ask(state.question)
        return state, [*said, *more]


async def _recalled(running: Running[CurtailerSettings], state: State) -> State:
    """Hear the own plan first: it goes on, or it lapses, but it is not made twice."""
    async with running.bus.subscribe(CurtailmentPlan) as plans:
        plan = await plans.next(MEMORY_WAIT_S)
    return state if plan is None else step(state, plan, running.clock.now())[0]
