"""Which miners give up how much: enough whenever there is enough, for the least hashrate, and never too much."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus_curtailer.fleet import Candidate, Option
from hashbus_curtailer.improve import improved
from hashbus_curtailer.question import Question
from hashbus_curtailer.select import Selection, select
from hashbus_curtailer.strategy import Aim, Strategy
from tests.curtailer.miners import LEVELS, candidate, mixed

BY_ROUNDING_W = 1e-6

miners = st.lists(
    st.builds(
        candidate,
        st.uuids().map(str),
        st.floats(100, 10_000),
        st.floats(0, 400),
        st.lists(st.sampled_from(LEVELS), max_size=3, unique=True),
    ),
    max_size=25,
)
alike = st.builds(
    lambda count, power_w, hashrate_ths: [candidate(f"m{n}", power_w, hashrate_ths) for n in range(count)],
    st.integers(0, 30),
    st.sampled_from([3250.0, 3600.0, 1400.0]),
    st.sampled_from([110.0, 126.0]),
)
farms = st.one_of(miners, alike, st.tuples(miners, alike).map(lambda both: both[0] + both[1]))
fractions = st.floats(0.01, 1.3)
strategies = st.sampled_from(Strategy)


def most_w(farm: list[Candidate]) -> float:
    return sum(max(option.saves_w for option in one.options) for one in farm)


def bettered(
    farm: list[Candidate], selection: Selection, strategy: Strategy = Strategy.PERFORMANCE_PRIORITY
) -> Selection:
    return improved(Question("p", tuple(farm), selection, Aim(strategy), overshoot_w=50, within_s=5)).selection


def test_five_megawatts_take_1539_miners_and_lose_petahashes() -> None:
    farm = [candidate(f"m{n}", 3250, 110) for n in range(2000)]
    selection = select(farm, 5e6, overshoot_w=50)
    assert len(selection.parts) == 1539
    assert selection.saves_w == 1539 * 3250 >= 5e6
    assert selection.loses_ths / 1000 == pytest.approx(169.29)


def test_1538_miners_are_too_few_for_five_megawatts_and_it_says_by_how_much() -> None:
    selection = select([candidate(f"m{n}", 3250, 110) for n in range(1538)], 5e6)
    assert len(selection.parts) == 1538
    assert selection.missing_w == pytest.approx(1500)


def test_the_worst_efficiency_goes_first() -> None:
    old, new = candidate("old", 3400, 90), candidate("new", 3400, 200)
    [part] = select([new, old], 3000).parts
    assert part.candidate.miner == "old"


@given(farms, fractions, strategies)
def test_whenever_there_is_enough_at_least_what_is_asked_is_given_up(
    farm: list[Candidate], fraction: float, strategy: Strategy
) -> None:
    target_w = most_w(farm) * fraction
    selection = select(farm, target_w, aim=Aim(strategy), overshoot_w=50)
    if target_w <= most_w(farm):
        assert selection.saves_w >= target_w - BY_ROUNDING_W
        assert selection.missing_w < BY_ROUNDING_W
    else:
        assert selection.missing_w == pytest.approx(target_w - most_w(farm), abs=1e-3)
        assert selection.saves_w == pytest.approx(most_w(farm))


@given(farms, fractions, strategies)
def test_each_miner_takes_one_part_with_a_power_it_has(
    farm: list[Candidate], fraction: float, strategy: Strategy
) -> None:
    selection = select(farm, most_w(farm) * fraction, aim=Aim(strategy))
    names = [part.candidate.miner for part in selection.parts]
    assert len(names) == len(set(names))
    assert all(part.option in part.candidate.options for part in selection.parts)


@given(farms, fractions, strategies)
def test_no_choice_costs_less_than_the_bound(farm: list[Candidate], fraction: float, strategy: Strategy) -> None:
    selection = select(farm, most_w(farm) * fraction, aim=Aim(strategy))
    assert selection.bound <= selection.cost + 1e-9


@pytest.mark.parametrize("levels", [(), LEVELS], ids=["asleep only", "six levels"])
@pytest.mark.parametrize("count", [100, 1538])
def test_a_mixed_farm_overshoots_by_fifty_watts_at_most(count: int, levels: tuple[float, ...]) -> None:
    selection = select(mixed(count, levels), count * 1300, overshoot_w=50)
    assert 0 <= selection.overshoot_w <= 50


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize("count", [3, 12, 60, 300])
def test_the_solver_never_makes_it_worse(count: int, strategy: Strategy) -> None:
    farm = mixed(count, LEVELS if count % 2 == 0 else (), seed=count)
    for target_w in (900.0, count * 700.0, count * 3000.0):
        first = select(farm, target_w, aim=Aim(strategy), overshoot_w=50)
        better = bettered(farm, first, strategy)
        assert better.cost <= first.cost
        assert better.saves_w >= target_w - BY_ROUNDING_W
        assert better.overshoot_w <= max(50, first.overshoot_w) + BY_ROUNDING_W


def test_the_solver_finds_what_trading_misses() -> None:
    farm = mixed(100)
    first = select(farm, 130_000, overshoot_w=50)
    better = bettered(farm, first)
    assert better.cost < first.cost
    assert better.gap < 0.002


def test_the_fewest_restarts_take_the_fewest_miners() -> None:
    farm = [candidate(f"small{n}", 1200, 20) for n in range(10)] + [candidate("big", 6000, 270)]
    assert len(select(farm, 5500, aim=Aim(Strategy.FEWEST_RESTARTS)).parts) == 1
    assert len(select(farm, 5500).parts) == 5


def test_a_miner_that_takes_any_power_is_fitted_to_the_watt() -> None:
    heater = Candidate(
        "heater",
        3500,
        120,
        (Option(2000, 1500, 51), Option(500, 3000, 103), Option(0, 3500, 120)),
        step_w=1,
        least_w=500,
    )
    [part] = select([heater], 1000).parts
    assert part.option.cap_w == 2500
    assert part.option.saves_w == 1000


def test_nothing_is_asked_and_nothing_is_given() -> None:
    assert select(mixed(3), 0).parts == ()
    assert select([], 1000).missing_w == 1000


@pytest.mark.parametrize(
    ("strategy", "lasts_h", "chosen"),
    [
        # By hashrate alone the one that loses 30 TH/s goes before the one that loses 40.
        (Strategy.PERFORMANCE_PRIORITY, 0.25, "restarts"),
        # For a quarter of an hour its two ramps of fifteen minutes cost more than 10 TH/s; over eight hours less.
        (Strategy.REVENUE, 0.25, "glides"),
        (Strategy.REVENUE, 8, "restarts"),
        (Strategy.FEWEST_RESTARTS, 8, "glides"),
    ],
)
def test_what_a_restart_costs_decides_by_how_long_the_plan_lasts(
    strategy: Strategy, lasts_h: float, chosen: str
) -> None:
    slow = Candidate("restarts", 3000, 110, (Option(2000, 1000, 30),), restarts=True, ramp_s=900)
    fast = Candidate("glides", 3000, 110, (Option(2000, 1000, 40),), restarts=False)
    [part] = select([slow, fast], 1000, aim=Aim(strategy, lasts_h * 3600)).parts
    assert part.candidate.miner == chosen
