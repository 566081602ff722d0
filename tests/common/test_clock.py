"""A clock that jumps is noticed, and waits grow without ever being in step."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus import metrics
from hashbus.backoff import Backoff
from hashbus.service import _watch_clock
from hashbus.testing.hand_clock import HandClock


@pytest.mark.parametrize("by_s", [3600.0, -86_400.0])
async def test_a_jump_of_the_clock_is_counted_and_said(by_s: float, capsys: pytest.CaptureFixture[str]) -> None:
    clock = HandClock()
    before = metrics.CLOCK_JUMPS._value.get()
    watch = asyncio.create_task(_watch_clock(clock))
    await asyncio.sleep(0)
    await clock.move(20)
    assert metrics.CLOCK_JUMPS._value.get() == before
    clock.jump(by_s)
    await clock.move(20)
    watch.cancel()
    assert metrics.CLOCK_JUMPS._value.get() == before + 1
    said = capsys.readouterr()
    assert "the clock jumped" in said.out + said.err


@given(st.floats(0.1, 10), st.floats(10, 600), st.integers(1, 200))
def test_waits_grow_up_to_the_longest_and_are_never_nothing(first_s: float, longest_s: float, tries: int) -> None:
    backoff = Backoff(first_s=first_s, longest_s=longest_s)
    waits = [backoff.next_s() for _ in range(tries)]
    assert all(first_s / 2 <= wait <= longest_s for wait in waits)
    assert waits[0] <= first_s
    backoff.reset()
    assert backoff.next_s() <= first_s
