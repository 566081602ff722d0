"""Devices are shared among pollers evenly, and few move when a poller comes or goes."""

from hypothesis import given
from hypothesis import strategies as st

from hashbus_poller.sharding import part_of

DEVICES = [f"miner-{number}" for number in range(5_000)]


@given(st.text(min_size=1, max_size=64), st.integers(1, 50))
def test_every_device_has_exactly_one_poller(device: str, parts: int) -> None:
    assert 1 <= part_of(device, parts) <= parts
    assert part_of(device, parts) == part_of(device, parts)


def test_each_poller_has_its_share() -> None:
    for part in range(1, 5):
        share = sum(part_of(device, 4) == part for device in DEVICES)
        assert 1_100 < share < 1_400


def test_with_one_poller_more_only_its_own_share_moves() -> None:
    moved = [device for device in DEVICES if part_of(device, 4) != part_of(device, 5)]
    assert all(part_of(device, 5) == 5 for device in moved)
    assert len(moved) < 1_200
