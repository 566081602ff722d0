"""Splits what is asked of groups and the site among their miners, so that the parts together keep every cap.

Floors and wishes are split first, for they say what each miner wants; then the caps, from the strongest rank down,
among miners at the power that all this leaves them. Where caps bind, it is done once more, so that what a capped miner
cannot take goes to another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hashbus_controller.arbiter import STRENGTH, power_of, upper_of
from hashbus_controller.bids import SITE, Bid
from hashbus_controller.sharing import Member, shares


@dataclass(frozen=True, slots=True)
class Sharer:
    """A miner that may share: its group, its own bids, its bounds, and its J/TH."""

    miner: str
    group: str | None
    own: Sequence[Bid]
    least_w: float
    most_w: float
    resting_w: float
    efficiency_j_per_th: float | None

    def member(self, bids: Sequence[Bid], *, as_power: bool) -> Member:
        """Return it as a member at the power, or the upper bound, that its own bids and these leave it."""
        every = [*self.own, *bids]
        upper_w = upper_of(every, self.most_w)
        power_w = power_of(every, self.most_w, self.resting_w) if as_power else upper_w
        return Member(self.miner, power_w, self.least_w, upper_w, self.efficiency_j_per_th)


def split(shared: Sequence[Bid], sharers: Sequence[Sharer]) -> dict[str, list[Bid]]:
    """Return the parts of shared bids for each miner."""
    ordered = sorted(shared, key=lambda bid: (STRENGTH[bid.rank], bid.key))
    asks = [replace(bid, cap_w=None) for bid in ordered if bid.floor_w is not None or bid.wish_w is not None]
    caps = [replace(bid, floor_w=None, wish_w=None) for bid in ordered if bid.cap_w is not None]
    nothing: dict[str, list[Bid]] = {}
    wanted = _parts(asks, sharers, nothing, as_power=False)
    capped = _parts(caps, sharers, wanted, as_power=True)
    if asks and capped:
        # What is wished is within these caps now, and would hide that they bind: a miner that still draws more must see
        # the cap in its own bids, or less would wait like any other change.
        binding = frozenset(part.key for parts in capped.values() for part in parts)
        wanted = _parts(asks, sharers, capped, as_power=False)
        capped = _parts(caps, sharers, wanted, as_power=True, binding=binding)
    return {one.miner: _merged(wanted.get(one.miner, []), capped.get(one.miner, [])) for one in sharers}


def _parts(
    bids: Sequence[Bid],
    sharers: Sequence[Sharer],
    given: Mapping[str, Sequence[Bid]],
    *,
    as_power: bool,
    binding: frozenset[str] = frozenset(),
) -> dict[str, list[Bid]]:
    parts: dict[str, list[Bid]] = {}
    members = {one.miner: one.member(given.get(one.miner, ()), as_power=as_power) for one in sharers} if bids else {}
    for bid in bids:
        inside = [one for one in sharers if bid.scope in (SITE, one.group)]
        among = [members[one.miner] for one in inside]
        for miner, part in shares(bid, among, is_binding=bid.key in binding).items():
            parts.setdefault(miner, []).append(part)
        if not as_power:
            continue
        # A weaker cap counts what a stronger one has already taken.
        for one in inside:
            if one.miner in parts:
                every = [*given.get(one.miner, ()), *parts[one.miner]]
                members[one.miner] = one.member(every, as_power=True)
    return parts


def _merged(wanted: Sequence[Bid], capped: Sequence[Bid]) -> list[Bid]:
    """Return one part a bid: a bid that asked for a cap and a floor was split as two."""
    parts = {part.key: part for part in wanted}
    for part in capped:
        before = parts.get(part.key)
        parts[part.key] = part if before is None else replace(before, cap_w=part.cap_w)
    return list(parts.values())
