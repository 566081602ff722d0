"""Bids for a group or the whole site, shared out among its miners: the most efficient keep running."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hashbus_controller.bids import Bid


@dataclass(frozen=True, slots=True)
class Member:
    """A miner that shares in a bid: what it would draw without it, the least it runs at, the most, and its J/TH."""

    miner: str
    power_w: float
    least_w: float
    most_w: float
    efficiency_j_per_th: float | None


def shares(bid: Bid, members: Sequence[Member], *, is_binding: bool = False) -> dict[str, Bid]:
    """Return the part of a shared bid for each miner; of a cap that has room for all only when it `is_binding`.

    A cap is filled with the most efficient miners first, each at what it wants or not at all below its least; a floor
    and a wish are filled the same way up to each miner's most. Miners of unknown efficiency come last, and equal ones
    by name, so that the same miners stay on from one decision to the next.
    """
    caps = _filled(bid.cap_w, members, {member.miner: member.power_w for member in members})
    most = {member.miner: member.most_w for member in members}
    floors, wishes = _filled(bid.floor_w, members, most), _filled(bid.wish_w, members, most)
    total_w = sum(member.power_w for member in members)
    if bid.cap_w is not None and total_w <= bid.cap_w and not is_binding:
        # There is room for all: nobody needs to be told how much.
        caps = {}
    return {
        member.miner: replace(
            bid,
            cap_w=caps.get(member.miner),
            floor_w=floors.get(member.miner),
            wish_w=wishes.get(member.miner),
        )
        for member in members
        if member.miner in caps or member.miner in floors or member.miner in wishes
    }


def _filled(total_w: float | None, members: Sequence[Member], wants: Mapping[str, float]) -> dict[str, float]:
    if total_w is None:
        return {}
    left_w = total_w
    parts = {}
    for member in sorted(members, key=_worth):
        part_w = min(wants[member.miner], left_w)
        if part_w < member.least_w:
            part_w = 0.0
        parts[member.miner] = part_w
        left_w -= part_w
    return parts


def _worth(member: Member) -> tuple[bool, float, str]:
    return member.efficiency_j_per_th is None, member.efficiency_j_per_th or 0.0, member.miner
