"""Chooses which miners give up how much: the least cost that saves at least what is asked, at once.

The choice is a knapsack with several options a miner. Its linear relaxation is solved exactly by taking steps in the
order of cost per watt (Sinha and Zoltners 1979, "The multiple-choice knapsack problem"); that also gives the bound
that no choice can beat. The last step overshoots, and is traded for others near the margin until the overshoot is
small. Identical miners are counted, not listed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from hashbus_curtailer.fleet import Candidate, Option
from hashbus_curtailer.strategy import Aim
from hashbus_curtailer.trim import trimmed

Cost = Callable[[Candidate, Option], float]


@dataclass(frozen=True, slots=True)
class Group:
    """Identical miners: how much each option saves and costs; option 0 is to leave them alone."""

    members: tuple[Candidate, ...]
    saves_w: tuple[float, ...]
    costs: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One chosen miner and what it goes down to."""

    candidate: Candidate
    option: Option


@dataclass(frozen=True, slots=True)
class Selection:
    """Which miners give up how much, what it costs by the strategy, and what no choice could go below.

    `price` is the cost of the last watt: the multiplier that gives the bound.
    """

    parts: tuple[Part, ...]
    target_w: float
    cost: float = 0.0
    bound: float = 0.0
    price: float = 0.0
    missing_w: float = 0.0

    @property
    def saves_w(self) -> float:
        """Return what it saves together."""
        return sum(part.option.saves_w for part in self.parts)

    @property
    def loses_ths(self) -> float:
        """Return the hashrate it loses."""
        return sum(part.option.loses_ths for part in self.parts)

    @property
    def overshoot_w(self) -> float:
        """Return how much more than asked it saves; 0 when it saves too little."""
        return max(0.0, self.saves_w - self.target_w)

    @property
    def gap(self) -> float:
        """Return how far above the bound its cost is at most, as a fraction of the cost."""
        return max(0.0, (self.cost - self.bound) / self.cost) if self.cost > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Climb:
    """One step of the relaxation: all members of a group go from one option to the next."""

    price: float
    group: int
    start: int
    end: int


USUAL = Aim()

Counts = list[list[int]]
"""For each group, how many members take each option."""


def select(
    candidates: Sequence[Candidate],
    target_w: float,
    *,
    aim: Aim = USUAL,
    overshoot_w: float = 0.0,
) -> Selection:
    """Return a choice that saves at least `target_w`, near the least cost.

    It saves at most `overshoot_w` more wherever trading near the margin finds such a choice. When all together save
    too little, everything they have is chosen and `missing_w` says what is not there.
    """
    if target_w <= 0:
        return Selection((), target_w)
    groups = grouped(candidates, aim.cost)
    climbs = sorted(_climbs(groups), key=lambda climb: climb.price)
    counts: Counts = [[len(group.members)] + [0] * (len(group.saves_w) - 1) for group in groups]
    saved_w, bound = 0.0, 0.0
    for index, climb in enumerate(climbs):
        group = groups[climb.group]
        step_w = group.saves_w[climb.end] - group.saves_w[climb.start]
        step_cost = group.costs[climb.end] - group.costs[climb.start]
        needed = _needed(target_w - saved_w, step_w, len(group.members))
        counts[climb.group][climb.start] -= needed
        counts[climb.group][climb.end] += needed
        is_last = saved_w + needed * step_w >= target_w
        bound += step_cost * ((target_w - saved_w) / step_w if is_last else needed)
        saved_w += needed * step_w
        if is_last:
            near = [one.group for one in climbs[max(0, index - NEAR) : index + NEAR]]
            counts = trimmed(groups, counts, near, saved_w - target_w, overshoot_w, climb.price)
            return fitted(chosen(groups, counts, Selection((), target_w, bound=bound, price=climb.price)), aim)
    return _everything(groups, target_w)


NEAR = 200
"""So many steps on each side of the margin are looked at for trades; farther ones cost too much."""


def _needed(left_w: float, step_w: float, available: int) -> int:
    """Return how many steps bring what is left, but not more than there are."""
    needed = min(available, int(left_w / step_w))
    while needed < available and needed * step_w < left_w:
        needed += 1
    return needed


def grouped(candidates: Sequence[Candidate], cost: Cost) -> list[Group]:
    """Return identical candidates together, in the order of their first names."""
    alike: dict[tuple[object, ...], list[Candidate]] = defaultdict(list)
    for one in candidates:
        alike[(one.options, one.hashrate_ths, one.restarts, one.ramp_s)].append(one)
    return [
        Group(
            members=tuple(members),
            saves_w=(0.0, *(option.saves_w for option in members[0].options)),
            costs=(0.0, *(cost(members[0], option) for option in members[0].options)),
        )
        for members in alike.values()
    ]


def _climbs(groups: Sequence[Group]) -> Iterator[Climb]:
    for index, group in enumerate(groups):
        for start, end in pairwise(_hull(group)):
            price = (group.costs[end] - group.costs[start]) / (group.saves_w[end] - group.saves_w[start])
            yield Climb(price, index, start, end)


def _hull(group: Group) -> list[int]:
    """Return the options on the lower convex hull of cost over saving: each next watt costs more than the last."""
    hull: list[int] = []
    for option in sorted(range(len(group.saves_w)), key=lambda one: (group.saves_w[one], group.costs[one])):
        if hull and group.saves_w[option] <= group.saves_w[hull[-1]]:
            continue
        while len(hull) > 1 and _slope(group, hull[-2], hull[-1]) >= _slope(group, hull[-1], option):
            hull.pop()
        hull.append(option)
    return hull


def _slope(group: Group, start: int, end: int) -> float:
    return (group.costs[end] - group.costs[start]) / (group.saves_w[end] - group.saves_w[start])


def _everything(groups: Sequence[Group], target_w: float) -> Selection:
    counts = []
    for group in groups:
        most = max(range(len(group.saves_w)), key=lambda option, group=group: group.saves_w[option])  # type: ignore[misc]
        counts.append([len(group.members) if option == most else 0 for option in range(len(group.saves_w))])
    selection = chosen(groups, counts, Selection((), target_w))
    return replace(selection, bound=selection.cost, missing_w=max(0.0, target_w - selection.saves_w))


def chosen(groups: Sequence[Group], counts: Counts, before: Selection) -> Selection:
    """Return the counts as a selection of miners by name, with the target and the bound of the one before."""
    parts, cost = [], 0.0
    for group, taken in zip(groups, counts, strict=True):
        first = 0
        for option in range(len(group.saves_w) - 1, 0, -1):
            members = group.members[first : first + taken[option]]
            parts += [Part(member, member.options[option - 1]) for member in members]
            cost += group.costs[option] * len(members)
            first += len(members)
    return replace(before, parts=tuple(parts), cost=cost, bound=min(before.bound, cost))


def fitted(selection: Selection, aim: Aim) -> Selection:
    """Give back what is saved too much, to one miner that takes any number of watts."""
    spare_w = selection.overshoot_w
    best: tuple[float, int, Option] | None = None
    for index, part in enumerate(selection.parts):
        raised = _raised(part, spare_w) if spare_w > 0 else None
        if raised and (best is None or raised.saves_w - part.option.saves_w < best[0]):
            best = (raised.saves_w - part.option.saves_w, index, raised)
    if best is None:
        return selection
    _, index, option = best
    part, cost = selection.parts[index], aim.cost
    parts = (*selection.parts[:index], replace(part, option=option), *selection.parts[index + 1 :])
    saved = cost(part.candidate, option) - cost(part.candidate, part.option)
    # What only the fit can reach lies outside the options, and so does the bound.
    return replace(
        selection, parts=parts, cost=selection.cost + saved, bound=min(selection.bound, selection.cost + saved)
    )


def _raised(part: Part, spare_w: float) -> Option | None:
    candidate, option = part.candidate, part.option
    if candidate.step_w is None or option.cap_w == 0:
        return None
    top_w = option.cap_w + spare_w
    cap_w = candidate.least_w + (top_w - candidate.least_w) // candidate.step_w * candidate.step_w
    saves_w = option.saves_w - (cap_w - option.cap_w)
    if cap_w <= option.cap_w or saves_w <= 0:
        return None
    return Option(cap_w, saves_w, candidate.hashrate_ths * saves_w / candidate.power_w)
