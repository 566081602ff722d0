"""Trades near the margin: the smallest overshoot for the least cost, by one or two changes of option."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashbus_curtailer.select import Counts, Group

KEPT = 300
"""So many of the cheapest changes are paired with each other: 90,000 differences, dense enough for a watt."""

LOOKED_AT = 12
"""So many partners are looked at for each change."""

ROUNDS = 12


@dataclass(frozen=True, slots=True)
class Change:
    """One member of a group goes to another option: what more it saves, and what that costs above the margin."""

    saves_w: float
    excess: float
    group: int
    start: int
    end: int


NOTHING = Change(0.0, 0.0, -1, 0, 0)


def trimmed(
    groups: Sequence[Group], counts: Counts, near: Iterable[int], spare_w: float, allowed_w: float, price: float
) -> Counts:
    """Return counts that save at most `allowed_w` too much, or as little as is found; never too little.

    `near` are the groups whose cost per watt is near `price`, that of the margin.
    """
    close = list(dict.fromkeys(near))
    for _ in range(ROUNDS):
        changes = sorted(_changes(groups, counts, close, price), key=lambda change: change.excess)[:KEPT]
        pair = _best(changes, counts, spare_w, allowed_w, price)
        if pair is None:
            break
        for change in pair:
            if change is not NOTHING:
                counts[change.group][change.start] -= 1
                counts[change.group][change.end] += 1
                spare_w += change.saves_w
        if spare_w <= allowed_w:
            break
    return counts


def _changes(groups: Sequence[Group], counts: Counts, near: Iterable[int], price: float) -> Iterator[Change]:
    for index in near:
        group = groups[index]
        for start, count in enumerate(counts[index]):
            if not count:
                continue
            for end in range(len(group.saves_w)):
                if end != start:
                    saves_w = group.saves_w[end] - group.saves_w[start]
                    yield Change(saves_w, group.costs[end] - group.costs[start] - price * saves_w, index, start, end)


def _best(
    changes: Sequence[Change], counts: Counts, spare_w: float, allowed_w: float, price: float
) -> tuple[Change, Change] | None:
    """Return the change or two that bring the overshoot within what is allowed at the least cost; None: stay."""
    by_saving = sorted([*changes, NOTHING], key=lambda change: change.saves_w)
    savings = [change.saves_w for change in by_saving]
    best, pair = _worth(spare_w, 0.0, allowed_w), None
    for first in by_saving:
        lowest = bisect_left(savings, -spare_w - first.saves_w)
        for second in by_saving[lowest : lowest + LOOKED_AT]:
            left_w = spare_w + first.saves_w + second.saves_w
            cost = first.excess + second.excess + price * (left_w - spare_w)
            worth = _worth(left_w, cost, allowed_w)
            if worth < best and _fit_together(first, second, counts):
                best, pair = worth, (first, second)
    return pair


def _worth(left_w: float, cost: float, allowed_w: float) -> tuple[float, float]:
    """Order outcomes: too much beyond what is allowed first, then the cost. A gain below rounding is none."""
    return max(0.0, round(left_w - allowed_w, 3)), round(cost, 6)


def _fit_together(first: Change, second: Change, counts: Counts) -> bool:
    """Say whether both changes can be made: two members of one group need two members at the start."""
    if first.group != second.group or first is NOTHING:
        return True
    return first.start != second.start or counts[first.group][first.start] > 1
