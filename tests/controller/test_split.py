"""What is asked of several miners together reaches each of them, the caps too."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import Rank
from hashbus_controller.bids import SITE, Bid
from hashbus_controller.split import Sharer, split

NOW = datetime(2026, 3, 14, 17, 53, tzinfo=UTC)


def sharer(name: str, most_w: float) -> Sharer:
    return Sharer(name, None, (), least_w=1000, most_w=most_w, resting_w=most_w, efficiency_j_per_th=20)


def bid(name: str, rank: Rank, **watts: float) -> Bid:
    return Bid(source="controller", scope=SITE, name=name, rank=rank, until=NOW, why=name, **watts)  # type: ignore[arg-type]


@given(
    most_w=st.lists(st.integers(1500, 4000), min_size=1, max_size=6),
    wish_w=st.integers(0, 30_000),
    cap_w=st.integers(0, 25_000),
)
def test_a_cap_that_binds_stands_among_the_bids_of_each_miner(most_w: list[int], wish_w: int, cap_w: int) -> None:
    sharers = [sharer(f"m{number}", watts) for number, watts in enumerate(most_w)]
    wish, cap = bid("surplus", Rank.BATTERY, wish_w=wish_w), bid("soc", Rank.BATTERY, cap_w=cap_w)
    parts = split([wish, cap], sharers)
    caps = [one.cap_w for mine in parts.values() for one in mine if one.cap_w is not None]
    if min(wish_w, sum(most_w)) > cap_w + 4000:
        # Without it in sight, less power would wait for the restart budget like any other change.
        assert len(caps) == len(sharers)
    assert sum(caps) <= cap_w or not caps
