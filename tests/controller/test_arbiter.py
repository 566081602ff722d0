"""The arbiter: no lower rank ever undoes a higher one, whatever the order of arrival."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import BidEffect, Rank
from hashbus_controller.arbiter import RANKS, arbitrate
from hashbus_controller.bids import Bid
from hashbus_controller.sharing import Member, shares

UNTIL = datetime(2026, 3, 1, 13, 0, tzinfo=UTC)
HIGHEST_W = 3600.0

watts = st.none() | st.floats(0, 5000)


@st.composite
def bids(draw: st.DrawFn) -> Bid:
    cap_w, floor_w, wish_w = draw(watts), draw(watts), draw(watts)
    if cap_w is not None and floor_w is not None and floor_w > cap_w:
        cap_w, floor_w = floor_w, cap_w
    name = f"bid-{draw(st.integers(0, 10_000))}"
    return Bid("web", "attic", name, draw(st.sampled_from(Rank)), UNTIL, "test", cap_w, floor_w, wish_w)


many = st.lists(bids(), max_size=8, unique_by=lambda bid: bid.key)


def rank_of(bid: Bid) -> int:
    return RANKS.index(bid.rank)


@given(many, st.permutations(range(8)))
def test_the_order_of_arrival_does_not_matter(all_bids: list[Bid], order: list[int]) -> None:
    shuffled = [all_bids[index] for index in order if index < len(all_bids)]
    assert arbitrate(all_bids, HIGHEST_W, 3000) == arbitrate(shuffled, HIGHEST_W, 3000)


@given(many, bids())
def test_no_lower_rank_ever_widens_what_the_ranks_above_left(all_bids: list[Bid], late: Bid) -> None:
    above = [bid for bid in all_bids if rank_of(bid) < rank_of(late)]
    before = arbitrate(above, HIGHEST_W, 3000)
    after = arbitrate([*above, late], HIGHEST_W, 3000)
    assert after.lower_w >= before.lower_w
    assert after.upper_w <= before.upper_w


@given(many, bids())
def test_a_cap_never_raises_power(all_bids: list[Bid], late: Bid) -> None:
    cap = Bid("grid", "attic", "late", late.rank, UNTIL, "test", cap_w=late.cap_w or 0.0)
    before = arbitrate(all_bids, HIGHEST_W, 3000).power_w
    assert arbitrate([*all_bids, cap], HIGHEST_W, 3000).power_w <= before


@given(many)
def test_the_power_stays_within_the_miner_and_the_bounds(all_bids: list[Bid]) -> None:
    verdict = arbitrate(all_bids, HIGHEST_W, 3000)
    assert 0 <= verdict.lower_w <= verdict.power_w <= verdict.upper_w <= HIGHEST_W


@given(many)
def test_the_strongest_cap_always_holds_unless_a_stronger_floor_stands_against_it(all_bids: list[Bid]) -> None:
    verdict = arbitrate(all_bids, HIGHEST_W, 3000)
    for bid in all_bids:
        floors = [o.floor_w for o in all_bids if o.floor_w is not None and rank_of(o) < rank_of(bid)]
        if bid.cap_w is not None and not floors:
            assert verdict.power_w <= bid.cap_w


@given(many)
def test_a_verdict_can_be_computed_again_from_the_bids_it_shows(all_bids: list[Bid]) -> None:
    verdict = arbitrate(all_bids, HIGHEST_W, 3000)
    again = [Bid(b.source, b.scope, b.name, b.rank, b.until, b.why, b.cap_w, b.floor_w, b.wish_w) for b in verdict.bids]
    assert arbitrate(again, HIGHEST_W, 3000) == verdict


def bid(rank: Rank, name: str = "x", **watts_of: float) -> Bid:
    return Bid("web", "attic", name, rank, UNTIL, f"{name} says so", **watts_of)


@pytest.mark.parametrize(
    ("all_bids", "power_w", "winner"),
    [
        ([], 3000, "resting"),
        ([bid(Rank.ECONOMICS, "profit", wish_w=3600)], 3600, "web/attic/profit"),
        ([bid(Rank.BATTERY, "soc", cap_w=2160), bid(Rank.ECONOMICS, "profit", wish_w=3600)], 2160, "web/attic/soc"),
        ([bid(Rank.ANTIFREEZE, "frost", floor_w=800), bid(Rank.GRID, "order", cap_w=0)], 800, "web/attic/order"),
        ([bid(Rank.SAFETY, "hot", cap_w=0), bid(Rank.OVERRIDE, "me", floor_w=3000)], 0, "web/attic/hot"),
        (
            [bid(Rank.OVERRIDE, "me", floor_w=3000, cap_w=3000), bid(Rank.BATTERY, "soc", cap_w=500)],
            3000,
            "web/attic/me",
        ),
    ],
)
def test_who_wins(all_bids: list[Bid], power_w: float, winner: str) -> None:
    verdict = arbitrate(all_bids, HIGHEST_W, 3000)
    assert verdict.power_w == power_w
    assert verdict.winner == winner


def test_a_decision_names_who_was_blocked_and_by_which_figure() -> None:
    verdict = arbitrate([bid(Rank.SAFETY, "hot", cap_w=1000), bid(Rank.OVERRIDE, "me", floor_w=3000)], 3600, 3000)
    blocked = next(one for one in verdict.bids if one.name == "me")
    assert blocked.effect is BidEffect.BLOCKED
    assert blocked.blocked_by == "web/attic/hot: at most 1000 W"


members = st.lists(
    st.builds(
        Member,
        miner=st.integers(0, 50).map(str),
        power_w=st.floats(0, 4000),
        least_w=st.floats(0, 1000),
        most_w=st.just(4000.0),
        efficiency_j_per_th=st.none() | st.floats(10, 60),
    ),
    max_size=12,
    unique_by=lambda member: member.miner,
)


@given(members, st.floats(0, 30_000))
def test_the_parts_of_a_site_cap_are_together_below_it(all_members: list[Member], cap_w: float) -> None:
    parts = shares(Bid("controller", "site", "limit", Rank.SITE_LIMIT, UNTIL, "test", cap_w=cap_w), all_members)
    left = sum(member.power_w for member in all_members if member.miner not in parts)
    capped = sum(part.cap_w or 0.0 for part in parts.values())
    assert left + capped <= cap_w + 1e-6 or not parts
    if not parts:
        assert left <= cap_w


def test_under_a_site_cap_the_most_efficient_keep_running() -> None:
    three = [
        Member("old", 3000, 1500, 3000, 34.0),
        Member("new", 3500, 1000, 3500, 17.0),
        Member("mid", 3200, 1000, 3200, 25),
    ]
    parts = shares(Bid("controller", "site", "limit", Rank.SITE_LIMIT, UNTIL, "test", cap_w=5000), three)
    assert {miner: part.cap_w for miner, part in parts.items()} == {"new": 3500, "mid": 1500, "old": 0}
