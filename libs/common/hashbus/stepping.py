"""The shell around a pure step: hear, decide, say. It is the same for every service that decides."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hashbus import metrics
from hashbus.step import TICK, State, Step

if TYPE_CHECKING:
    from hashbus.bus import Bus
    from hashbus.clock import Clock
    from hashbus.messages import Message


async def run_steps(
    bus: Bus,
    step: Step[State],
    state: State,
    *,
    hears: tuple[type[Message], ...],
    clock: Clock,
    tick_s: float,
    rounds: int | None = None,
) -> State:
    """Feed everything that is heard into `step` and say what comes out; a `Tick` at least every `tick_s` seconds.

    A step that fails is a mistake in the program: it ends the service, and the supervisor starts it anew. `rounds` ends
    the loop after so many steps and returns the last state.
    """
    seconds = metrics.STEP_SECONDS.labels(bus.account)
    done = 0
    next_tick = clock.monotonic() + tick_s
    async with bus.subscribe(*hears) as heard:
        while rounds is None or done < rounds:
            # Others in this process have their turn, and the tick comes on time, however much there is to hear.
            await asyncio.sleep(0)
            left_s = next_tick - clock.monotonic()
            message = await heard.next(left_s) if left_s > 0 else None
            if message is None:
                next_tick = clock.monotonic() + tick_s
            with seconds.time():
                state, said = step(state, message or TICK, clock.now())
            for one in said:
                bus.publish(one)
            done += 1
    return state
