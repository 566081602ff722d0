"""The curtailer's shell: it feeds the step, lets the solver work beside it, and says what comes out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

from hashbus.messages import CurtailmentPlan, Message
from hashbus.service import Running
from hashbus.step import Tick
from hashbus.stepping import run_steps
from hashbus_curtailer.keeping import Keeping
from hashbus_curtailer.settings import CurtailerSettings
from hashbus_curtailer.settlement.settling import settle_all
from hashbus_curtailer.solver import Solver
from hashbus_curtailer.state import State
from hashbus_curtailer.step import HEARS, answered, decided, step
from hashbus_curtailer.triggers.watch import watch

TICK_S = 0.5
MEMORY_WAIT_S = 1.5
"""The broker hands out retained state at once; a broker that has none has nothing to wait for."""


async def main(running: Running[CurtailerSettings]) -> None:
    """Curtail until told to stop; with `--once` what is due by what the broker remembers."""
    state = State(running.settings.site, running.settings.curtailer)
    state = await _recalled(running, state)
    keeping = Keeping(running)
    async with AsyncExitStack() as stack:
        solver = stack.enter_context(Solver())
        stack.callback(keeping.close)
        await stack.enter_async_context(beside(watch(running), "triggers"))
        if keeping.ledger is not None:
            await stack.enter_async_context(beside(settle_all(running, keeping.ledger), "settlement"))
        await run_steps(
            running.bus,
            Beside(solver, keeping.note),
            state,
            hears=HEARS,
            clock=running.clock,
            tick_s=TICK_S,
            rounds=100 if running.once else None,
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
    """The step with a solver beside it, whose answers it brings in; what it says is noted before it is said."""

    def __init__(self, solver: Solver, note: Callable[[Iterable[Message]], None]) -> None:
        """Let `solver` work at what the step asks, and `note` hear what it is about to say."""
        self._solver = solver
        self._note = note

    def __call__(self, state: State, heard: Message | Tick, now: datetime) -> tuple[State, Iterable[Message]]:
        """Take in an answer when there is one, then decide."""
        said: list[Message] = []
        answer = self._solver.answer()
        if answer is not None:
            state, plans = answered(state, answer, now)
            state, begun = decided(state, now) if plans else (state, [])
            said += [*plans, *begun]
        state, more = step(state, heard, now)
        self._solver.ask(state.question)
        said += more
        self._note(said)
        return state, said


async def _recalled(running: Running[CurtailerSettings], state: State) -> State:
    """Hear the own plan first: it goes on, or it lapses, but it is not made twice."""
    async with running.bus.subscribe(CurtailmentPlan) as plans:
        plan = await plans.next(MEMORY_WAIT_S)
    return state if plan is None else step(state, plan, running.clock.now())[0]
