"""What always holds, whoever asks what in whatever order, and whoever dies when."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashbus.messages import Decision, PowerSetpoint, Rank
from hashbus_controller.arbiter import RANKS, arbitrate
from hashbus_controller.bids import Bid
from hashbus_controller.replay import replayed
from hashbus_controller.split import Sharer, split
from tests.controller.home import DAY, Home, info

UNTIL = DAY + timedelta(days=1)
MINERS = ("a1", "a2", "b1", "b2", "b3")
GROUP = {"a1": "a", "a2": "a", "b1": "b", "b2": "b", "b3": "b"}
scopes = st.sampled_from(("site", "a", "b", *MINERS))
watts = st.sampled_from((0.0, 700.0, 1500.0, 3000.0, 5200.0, 9000.0))


@st.composite
def bids(draw: st.DrawFn) -> Bid:
    kind, power_w = draw(st.sampled_from(("cap_w", "floor_w", "wish_w"))), draw(watts)
    name = f"bid-{draw(st.integers(0, 99))}"
    return Bid("web", draw(scopes), name, draw(st.sampled_from(Rank)), UNTIL, "test", **{kind: power_w})


def shared_out(asked: list[Bid]) -> dict[str, list[Bid]]:
    own = {miner: [bid for bid in asked if bid.scope == miner] for miner in MINERS}
    sharers = [Sharer(m, GROUP[m], own[m], 500, 3600, 3000, 17.0 + number) for number, m in enumerate(MINERS)]
    parts = split([bid for bid in asked if bid.scope not in MINERS], sharers)
    return {miner: [*own[miner], *parts[miner]] for miner in MINERS}


def inside(scope: str) -> list[str]:
    return [miner for miner in MINERS if scope in ("site", GROUP[miner], miner)]


@given(st.lists(bids(), max_size=8, unique_by=lambda bid: bid.key))
def test_the_caps_of_groups_and_the_site_hold_unless_a_stronger_floor_stands_against_them(asked: list[Bid]) -> None:
    power_w = {miner: arbitrate(parts, 3600, 3000).power_w for miner, parts in shared_out(asked).items()}
    for cap in asked:
        stronger = [bid for bid in asked if bid.floor_w and RANKS.index(bid.rank) < RANKS.index(cap.rank)]
        if cap.cap_w is not None and not stronger:
            assert sum(power_w[miner] for miner in inside(cap.scope)) <= cap.cap_w + 1e-6, cap


@given(st.lists(bids(), max_size=8, unique_by=lambda bid: bid.key), st.permutations(range(8)))
def test_the_order_of_arrival_does_not_matter_to_those_who_share(asked: list[Bid], order: list[int]) -> None:
    shuffled = [asked[index] for index in order if index < len(asked)]
    before, after = shared_out(asked), shared_out(shuffled)
    for miner in MINERS:
        assert arbitrate(before[miner], 3600, 3000).power_w == arbitrate(after[miner], 3600, 3000).power_w


def test_what_a_capped_miner_cannot_take_goes_to_another() -> None:
    asked = [
        Bid("controller", "a", "limit", Rank.SITE_LIMIT, UNTIL, "row a", cap_w=1000),
        Bid("controller", "site", "surplus", Rank.BATTERY, UNTIL, "sun", floor_w=4000),
        Bid("web", "site", "rest", Rank.ECONOMICS, UNTIL, "rest", wish_w=0),
    ]
    power_w = {miner: arbitrate(parts, 3600, 3000).power_w for miner, parts in shared_out(asked).items()}
    assert power_w == {"a1": 1000, "a2": 0, "b1": 3000, "b2": 0, "b3": 0}


EVENTS = st.one_of(
    st.tuples(st.just("soc"), st.sampled_from((100.0, 95.0, 80.0, 61.0, 55.0, 34.0, 31.0, 30.0, 12.0))),
    st.tuples(st.just("hot"), st.sampled_from((60.0, 90.0, 101.0))),
    st.tuples(st.just("price"), st.sampled_from((0.1, 0.27, 0.35))),
    st.tuples(st.just("override"), st.sampled_from((0.0, 1200.0, 3000.0))),
    st.tuples(st.just("grid"), st.sampled_from((0.0, 2000.0))),
    st.tuples(st.just("switch"), st.sampled_from((0.0, 1.0))),
    st.tuples(st.just("wait"), st.sampled_from((5.0, 60.0, 130.0, 400.0))),
)

SITE = {
    "auto_control": "remembered",
    "soc": {"battery": "house", "base_w": 3600},
    "price": {"stop_above_per_kwh": 0.30, "start_below_per_kwh": 0.25},
    "restarts_per_day": 6,
}


def happens(home: Home, event: tuple[str, float]) -> None:
    kind, figure = event
    if kind == "soc":
        home.hear(home.battery(figure))
    elif kind == "hot":
        home.hear(home.reading(chip_max_c=figure))
    elif kind == "price":
        home.hear(home.price(figure))
    elif kind == "override":
        home.request("me", Rank.OVERRIDE, lasts_s=300, cap_w=figure, floor_w=figure)
    elif kind == "grid":
        home.request("order", Rank.GRID, lasts_s=300, cap_w=figure)
    elif kind == "switch":
        home.switches(on=bool(figure))
    home.passes(figure if kind == "wait" else 1)


@settings(max_examples=40, deadline=None)
@given(st.lists(EVENTS, max_size=25))
def test_every_setpoint_follows_from_its_decision_alone_and_ends_with_its_lease(
    events: list[tuple[str, float]],
) -> None:
    home = Home(SITE)
    home.switches(on=True)
    for event in events:
        happens(home, event)
    decisions = {one.id: one for one in home.said if isinstance(one, Decision)}
    for setpoint in (one for one in home.said if isinstance(one, PowerSetpoint)):
        assert setpoint.decision is not None
        assert replayed(decisions[setpoint.decision]) == setpoint.power_w
        assert timedelta(0) < setpoint.valid_until - setpoint.at <= timedelta(seconds=300)


@settings(max_examples=40, deadline=None)
@given(st.lists(EVENTS, min_size=1, max_size=14), st.data())
def test_a_controller_that_dies_at_any_step_decides_as_one_that_lives(
    events: list[tuple[str, float]], data: st.DataObject
) -> None:
    dies_after = data.draw(st.integers(0, len(events) - 1))
    lives, dies = Home(SITE), Home(SITE)
    for home in (lives, dies):
        home.switches(on=True)
        home.hear(home.battery(90))
        home.hear(home.price(0.1))
        home.passes(10)
    for number, event in enumerate(events):
        happens(lives, event)
        happens(dies, event)
        if number == dies_after:
            dies.restarts()
            lives.passes(10)
            dies.passes(10)
        # It decides the same, or it is a moment late: what it found retained is as old as it was.
        assert remembered(lives) == remembered(dies), event
    for home in (lives, dies):
        home.passes(200)
    assert lives.setpoint_w() == dies.setpoint_w()


def remembered(home: Home) -> tuple[Any, ...]:
    """What must never be forgotten: latch, cut, stop, switch, overrides, and the restarts of the day."""
    memories, held = home.state.memories, home.state.held.get("attic")
    return (
        memories["soc"].ratchet,
        memories["price"].is_stopped,
        home.state.switch.is_enabled,
        sorted(memories["requests"].by_address),
        len(held.restarts_at) if held else 0,
    )


@pytest.mark.parametrize("lease_s", [30, 300])
def test_a_lease_is_renewed_in_time_however_large_the_farm(lease_s: int) -> None:
    names = [f"m{number}" for number in range(300)]
    home = Home({"lease_s": lease_s, "site_limit_w": 500_000}, miners=())
    for name in names:
        home.hear(info(name))
        home.hear(home.reading(name))
    ends: dict[str, Any] = {}
    for _ in range(3 * lease_s):
        before = len(home.said)
        home.passes(1)
        said = [one for one in home.said[before:] if isinstance(one, PowerSetpoint)]
        ends |= {one.miner: one.valid_until for one in said}
        assert all(end > home.now for end in ends.values())
        assert len(said) <= 300
    assert len(ends) == 300
