"""From heat to the powers of miners: the mean is right, changes are few, the most efficient come first."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashbus.messages import Capability, MinerInfo, PowerChange, PowerLevel
from hashbus_controller.heat.heaters import Heater
from hashbus_controller.heat.settings import StepSettings
from hashbus_controller.heat.stages import Stages, given_w, off, shared, swing_wh, taken_over, total_w
from tests.controller.heated import heater, switched

NOW = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)
STEPS = StepSettings()
ROUND_S = 60
LEVELS = (PowerLevel(name="low", power_w=1500), PowerLevel(name="high", power_w=3000))
FREE = PowerChange(restarts_mining=False, min_interval_s=60)


def as_heater(info: MinerInfo, **more: Any) -> Heater:
    levels = [level.power_w for level in info.power_levels]
    can_limit = Capability.POWER_LIMIT in info.capabilities
    most_w = info.max_power_w or max(levels)
    fields = {
        "least_w": min(levels, default=info.min_power_w or 0) if can_limit else most_w,
        "free_to_w": inf if can_limit and not info.power_change.restarts_mining else 0.0,
        "efficiency_j_per_th": (info.rated_power_w or 1) / (info.rated_hashrate_ths or 1),
    }
    return Heater(info.miner, info, most_w=most_w, **{**fields, **more})


def run(
    heaters: list[Heater], needed_w: float, *, hours: float, stages: Stages | None = None, steps: StepSettings = STEPS
) -> tuple[Stages, float]:
    """Let a constant need run; returns the stages and the mean power of miners that follow at once."""
    stages = stages or Stages()
    begin = stages.at or NOW
    total_wh = 0.0
    rounds = int(hours * 3600 / ROUND_S)
    for number in range(rounds):
        stages = shared(stages, needed_w, heaters, steps, begin + timedelta(seconds=ROUND_S * (number + 1)))
        total_wh += total_w(stages, heaters) * ROUND_S / 3600
    return stages, total_wh / hours


ONE_EACH = [
    as_heater(switched("attic")),
    as_heater(heater("attic", power_levels=LEVELS, max_power_w=3000)),
    as_heater(heater("attic", min_power_w=1200)),
    as_heater(heater("attic", power_change=FREE)),
]


@pytest.mark.parametrize("one", ONE_EACH, ids=["on and off", "levels", "any watt, restarts", "any watt, free"])
@settings(max_examples=25)
@given(needed_w=st.floats(0, 3000))
def test_in_the_mean_the_heat_is_right_and_a_day_has_few_changes(one: Heater, needed_w: float) -> None:
    steps = STEPS.model_copy(update={"most_changes": 1000})
    stages, mean_w = run([one], needed_w, hours=24, steps=steps)
    # At the end of the day as much as one swing may still be owed, and what is within the dead band is let be.
    assert mean_w == pytest.approx(needed_w, abs=STEPS.dead_band_w + swing_wh([one], STEPS) / 24)
    assert stages.switches <= 2 * STEPS.cycles_per_day + 1


@given(st.lists(st.floats(0, 8000), min_size=1, max_size=80))
def test_nothing_is_ever_asked_that_a_miner_cannot_take_or_before_its_time(needs_w: list[float]) -> None:
    heaters = [ONE_EACH[0], as_heater(heater("b", power_levels=LEVELS)), as_heater(heater("c"))]
    stages = Stages()
    for number, needed_w in enumerate(needs_w):
        now = NOW + timedelta(minutes=7 * number)
        before, stages = stages, shared(stages, needed_w, heaters, STEPS, now)
        for one in heaters:
            asked_w, was_w = stages.asked_w.get(one.miner, 0.0), before.asked_w.get(one.miner, 0.0)
            assert asked_w == one.below(asked_w)
            assert asked_w == 0 or one.least_w <= asked_w <= one.most_w
            if was_w > 0 and asked_w == 0 and one.miner in before.since:
                assert now - before.since[one.miner] >= timedelta(seconds=STEPS.min_on_s)
            if was_w == 0 and asked_w > 0 and one.miner in before.since:
                assert now - before.since[one.miner] >= timedelta(seconds=STEPS.min_off_s)
        assert abs(stages.debt_wh) <= swing_wh(heaters, STEPS)


@pytest.mark.parametrize(
    ("needed_w", "asked"),
    [
        (0, {}),
        (1000, {"new": 1000}),
        (3000, {"new": 3000}),
        (5000, {"new": 3500, "mid": 1500}),
        (8000, {"new": 3500, "mid": 3500, "old": 1000}),
        (20_000, {"new": 3500, "mid": 3500, "old": 3500}),
    ],
)
def test_the_most_efficient_heat_first(needed_w: float, asked: dict[str, float]) -> None:
    fleet = [
        as_heater(heater("new", rated_hashrate_ths=200)),
        as_heater(heater("mid", rated_hashrate_ths=150)),
        as_heater(heater("old", rated_hashrate_ths=100)),
    ]
    stages, _ = run(fleet, needed_w, hours=2)
    assert {miner: power_w for miner, power_w in stages.asked_w.items() if power_w} == asked
    assert stages.switches == len(asked)


def test_more_heat_changes_one_miner_and_less_heat_the_least_efficient_one() -> None:
    fleet = [as_heater(heater(name, rated_hashrate_ths=ths)) for name, ths in [("new", 200), ("old", 100)]]
    stages, _ = run(fleet, 5000, hours=2)
    assert stages.asked_w == {"new": 3500, "old": 1500}
    stages, _ = run(fleet, 6000, hours=3, stages=stages)
    assert stages.asked_w == {"new": 3500, "old": 2500}
    stages, _ = run(fleet, 4100, hours=3, stages=stages)
    assert stages.asked_w == {"new": 3500, "old": 600}
    assert {miner: len(times) for miner, times in stages.changed_at.items()} == {"new": 1, "old": 3}


def test_a_miner_that_changes_for_nothing_takes_up_the_difference() -> None:
    fleet = [
        as_heater(heater("free", power_change=FREE, rated_hashrate_ths=50)),
        as_heater(switched("whole", 2000, rated_hashrate_ths=200)),
    ]
    stages, _ = run(fleet, 4000, hours=3)
    assert stages.asked_w == {"whole": 2000, "free": 2000}
    for needed_w in (3600, 4400, 3000, 5000):
        stages, mean_w = run(fleet, needed_w, hours=1, stages=stages)
        assert mean_w == pytest.approx(needed_w, rel=0.01)
    assert {miner: len(times) for miner, times in stages.changed_at.items()} == {"whole": 1, "free": 1}


def test_below_the_limit_of_a_tuned_miner_the_power_follows_without_a_restart() -> None:
    fast = [as_heater(heater("fast"), free_from_w=1000.0, free_to_w=2500.0)]
    stages = Stages(asked_w={"fast": 2500.0}, at=NOW)
    for needed_w, asked_w in [(1800, 1800), (2400, 2400), (800, 1000)]:
        stages, _ = run(fast, needed_w, hours=0.2, stages=stages)
        assert stages.asked_w == {"fast": asked_w}
    assert stages.switches == 0
    stages, _ = run(fast, 3200, hours=1, stages=stages)
    assert stages.asked_w == {"fast": 3200}
    assert stages.switches == 1, "beyond the limit it costs a restart"


def test_a_miner_under_somebodys_cap_is_helped_by_another_and_stays_asked() -> None:
    capped = as_heater(heater("new", rated_hashrate_ths=200), limit_w=1000)
    other = as_heater(heater("old", rated_hashrate_ths=100))
    stages = Stages(asked_w={"new": 3500.0}, at=NOW)
    stages, mean_w = run([capped, other], 3000, hours=6, stages=stages)
    assert stages.asked_w == {"new": 3500, "old": 2000}
    assert mean_w == pytest.approx(3000, rel=0.1)


def test_a_miner_that_nobody_reaches_is_left_as_it_is() -> None:
    gone = as_heater(heater("gone"), is_available=False)
    stages = Stages(asked_w={"gone": 2000.0}, at=NOW)
    stages, _ = run([gone, as_heater(heater("here", rated_hashrate_ths=100))], 1500, hours=2, stages=stages)
    assert stages.asked_w == {"gone": 2000, "here": 1500}


def test_heat_that_others_give_already_is_counted() -> None:
    # It was asked to sleep, but somebody mines with what the sun gives.
    sunny = as_heater(heater("attic"), measured_w=3500.0)
    stages = Stages(asked_w={"attic": 0.0}, at=NOW)
    stages, _ = run([sunny], 2000, hours=6, stages=stages)
    assert stages.asked_w == {"attic": 0}
    assert given_w(stages, [sunny]) == 3500


def test_nothing_needed_means_off_once_the_miner_had_its_time() -> None:
    one = [as_heater(heater("attic"))]
    woken = Stages(asked_w={"attic": 3000.0}, since={"attic": NOW}, at=NOW)
    early = shared(woken, 0, one, STEPS, NOW + timedelta(seconds=STEPS.min_on_s - 1))
    assert early.asked_w["attic"] == 3000
    assert shared(early, 0, one, STEPS, NOW + timedelta(seconds=STEPS.min_on_s)).asked_w["attic"] == 0


def test_a_restless_day_ends_with_longer_waits_and_not_in_the_cold() -> None:
    one = [as_heater(switched("attic", 3000))]
    stages = Stages()
    for number in range(36 * 60):
        # The need swings between nothing and everything each hour.
        needed_w = 3000 if number // 60 % 2 else 0
        stages = shared(stages, needed_w, one, STEPS, NOW + timedelta(minutes=number))
        assert len(stages.changed_at.get("attic", ())) <= STEPS.most_changes + 1, "the last one may turn it off"
    changed_at = stages.changed_at["attic"]
    waits = [later - earlier for earlier, later in pairwise(changed_at)]
    assert max(waits) <= timedelta(hours=6)
    assert changed_at[-1] >= NOW + timedelta(hours=32)


def test_a_miner_is_taken_over_as_it_is_found_and_forgotten_when_it_leaves() -> None:
    running = as_heater(heater("attic"), found_w=2345.0)
    stages = taken_over(Stages(asked_w={"old": 500.0}), [running], NOW)
    assert stages.asked_w == {"attic": 2345}
    assert stages.switches == 0
    assert off(stages, [running], NOW).asked_w == {"attic": 0}


@given(st.floats(0, 5000))
def test_what_is_above_is_never_below_and_the_other_way(power_w: float) -> None:
    for one in ONE_EACH:
        assert one.below(power_w) <= power_w
        assert one.above(power_w) >= min(power_w, one.most_w)


def test_a_thousand_miners_are_shared_at_once() -> None:
    fleet = [as_heater(heater(f"m{number:04}", rated_hashrate_ths=100 + number / 10)) for number in range(1000)]
    fleet.sort(key=lambda one: one.order)
    stages = shared(Stages(debt_wh=1e9, at=NOW), 2_000_100, fleet, STEPS, NOW + timedelta(seconds=5))
    assert total_w(stages, fleet) == pytest.approx(2_000_100, abs=STEPS.dead_band_w + 500)
    assert len([power_w for power_w in stages.asked_w.values() if power_w]) == 572
