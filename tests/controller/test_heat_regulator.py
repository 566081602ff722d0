"""The regulator: within bounds, without bumps, patient up and quick down."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus_controller.heat.regulator import Gains, Regulator, paused, regulated

NOW = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)
NOMINAL_W = 3500.0
GAINS = Gains(gain_w_per_k=875, integral_s=9000, rise_s=900, nominal_w=NOMINAL_W)
ROUND_S = 5
BUMP_W = NOMINAL_W / 100
"""The stated figure: what the answer may move by in the five seconds in which its basis changes."""

errors_k = st.floats(-30, 30)
caps_w = st.floats(0, NOMINAL_W)


def played(rows: list[tuple[float, float, str]], gains: Gains = GAINS) -> list[Regulator]:
    """Every regulator of a run: how far it is too cold, what can be reached, from which thermometer."""
    states = [Regulator()]
    for number, (error_k, reachable_w, source) in enumerate(rows):
        now = NOW + timedelta(seconds=ROUND_S * number)
        states.append(regulated(states[-1], error_k, gains, reachable_w=reachable_w, basis=(source,), now=now))
    return states


def held(
    error_k: float, *, minutes: float, reachable_w: float = NOMINAL_W, start: Regulator | None = None
) -> Regulator:
    """Where the regulator is after so long at the same error."""
    state = start or Regulator()
    begin = state.at or NOW
    for number in range(int(minutes * 60 / ROUND_S)):
        now = begin + timedelta(seconds=ROUND_S * (number + 1))
        state = regulated(state, error_k, GAINS, reachable_w=reachable_w, basis=("a",), now=now)
    return state


rows = st.lists(st.tuples(errors_k, caps_w, st.sampled_from("abc")), max_size=60)


@given(rows)
def test_the_answer_is_never_above_what_the_miners_give_and_never_below_nothing(
    run: list[tuple[float, float, str]],
) -> None:
    assert all(0 <= state.output_w <= NOMINAL_W for state in played(run))


@given(rows)
def test_the_integral_stays_within_what_the_miners_give(run: list[tuple[float, float, str]]) -> None:
    assert all(abs(state.integral_w) <= NOMINAL_W for state in played(run))


@given(st.floats(0.1, 30), st.floats(0, NOMINAL_W), st.integers(1, 300))
def test_the_integral_does_not_wind_up_beyond_a_cap(error_k: float, cap_w: float, rounds: int) -> None:
    states = played([(error_k, cap_w, "a")] * rounds)
    assert all(state.integral_w <= max(0.0, cap_w) for state in states)


@given(st.floats(-3, 3), st.floats(-3, 3), st.integers(1, 500), st.booleans())
def test_another_thermometer_does_not_make_the_answer_jump(
    before_k: float, after_k: float, rounds: int, has_other_miners: bool
) -> None:
    last = played([(before_k, NOMINAL_W, "a")] * rounds)[-1]
    now = (last.at or NOW) + timedelta(seconds=ROUND_S)
    nominal_w = NOMINAL_W * 0.99 if has_other_miners else NOMINAL_W
    gains = Gains(nominal_w / 4, 9000, 900, nominal_w)
    after = regulated(last, after_k, gains, reachable_w=nominal_w, basis=("b", nominal_w), now=now)
    assert abs(after.output_w - last.output_w) <= BUMP_W


def test_the_new_thermometer_is_followed_within_the_hour() -> None:
    settled = held(0.5, minutes=60)
    moved = regulated(
        settled, 2.5, GAINS, reachable_w=NOMINAL_W, basis=("b",), now=settled.at + timedelta(seconds=ROUND_S)
    )
    for number in range(720):
        now = moved.at + timedelta(seconds=ROUND_S)
        moved = regulated(moved, 2.5, GAINS, reachable_w=NOMINAL_W, basis=("b",), now=now)
        assert number >= 0
    alone = 2.5 * GAINS.gain_w_per_k + moved.integral_w
    assert moved.output_w == pytest.approx(min(alone, NOMINAL_W), abs=BUMP_W)


def test_it_rises_with_patience_and_falls_at_once() -> None:
    assert held(4, minutes=5).output_w == pytest.approx(NOMINAL_W / 3, rel=0.05)
    risen = held(4, minutes=16)
    assert risen.output_w == NOMINAL_W
    fallen = regulated(risen, -1, GAINS, reachable_w=NOMINAL_W, basis=("a",), now=risen.at + timedelta(seconds=ROUND_S))
    assert fallen.output_w < NOMINAL_W / 4


def test_a_constant_difference_doubles_the_answer_in_the_integral_time() -> None:
    after = held(1, minutes=15)
    later = held(1, minutes=150, start=after)
    assert later.integral_w - after.integral_w == pytest.approx(GAINS.gain_w_per_k, rel=0.01)


def test_what_was_learnt_outlives_a_pause() -> None:
    learnt = held(1, minutes=150)
    resumed = paused(learnt, learnt.at + timedelta(minutes=30))
    assert resumed.integral_w == learnt.integral_w
    first = regulated(
        resumed, 1, GAINS, reachable_w=NOMINAL_W, basis=("a",), now=resumed.at + timedelta(seconds=ROUND_S)
    )
    assert first.output_w <= BUMP_W
    assert held(1, minutes=15, start=first).output_w >= learnt.output_w


def test_a_cap_that_is_lifted_finds_no_wound_up_regulator() -> None:
    capped = held(2, minutes=600, reachable_w=1000)
    assert capped.integral_w <= 1000
    free = held(-0.1, minutes=1, start=capped)
    assert free.output_w <= 1000


def test_a_machine_that_slept_does_not_count_the_night_as_cold() -> None:
    before = held(1, minutes=20)
    woken = regulated(before, 1, GAINS, reachable_w=NOMINAL_W, basis=("a",), now=before.at + timedelta(hours=8))
    assert woken.integral_w - before.integral_w < 10
    back = regulated(woken, 1, GAINS, reachable_w=NOMINAL_W, basis=("a",), now=woken.at - timedelta(hours=1))
    assert back.integral_w == woken.integral_w


def test_the_loss_to_the_weather_is_answered_before_it_is_felt() -> None:
    fed = Gains(875, 9000, 900, NOMINAL_W, feed_w=1800)
    states = played([(0, NOMINAL_W, "a")] * 200, fed)
    assert states[-1].output_w == pytest.approx(1800)
    assert states[-1].integral_w == 0
