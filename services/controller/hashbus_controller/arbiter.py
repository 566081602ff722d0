"""The arbiter: from many bids for one miner to one power, and what each bid came to.

It walks the ranks from the strongest. A bid may only narrow what the ranks above it left: a cap lowers the upper
bound, never below the lower one; a floor raises the lower bound, never above the upper one. Within a rank caps go
before floors. A wish narrows nothing: the greatest of the strongest rank is met as far as the bounds allow. So no
lower rank can undo a higher one, whatever the order of arrival.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hashbus.messages import BidEffect, HeardBid, Rank
from hashbus_controller.bids import Bid

RANKS = tuple(Rank)
"""The strongest first, as the class lists them."""

STRENGTH = {rank: place for place, rank in enumerate(RANKS)}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one bid."""

    bid: Bid
    effect: BidEffect
    blocked_by: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The power a miner may draw, who set it, and what became of every bid."""

    power_w: float
    lower_w: float
    upper_w: float
    winner: str
    rank: Rank | None
    """Of the winner; None when nobody pushes."""
    why: str
    outcomes: tuple[Outcome, ...]
    is_asked: bool = True
    """Whether anybody who has a say asks for anything."""

    @property
    def bids(self) -> tuple[HeardBid, ...]:
        """Return the bids as a decision shows them."""
        return tuple(one.bid.heard(one.effect, one.blocked_by) for one in self.outcomes)


@dataclass(frozen=True, slots=True)
class _Bounds:
    """What is left between the lower and the upper bound, and whose they are."""

    lower_w: float
    upper_w: float
    lower_by: Bid | None = None
    upper_by: Bid | None = None

    def capped(self, bid: Bid, cap_w: float) -> _Bounds:
        upper_w = max(self.lower_w, min(self.upper_w, cap_w))
        if upper_w >= self.upper_w:
            return self
        return _Bounds(self.lower_w, upper_w, self.lower_by, bid)

    def floored(self, bid: Bid, floor_w: float) -> _Bounds:
        lower_w = min(self.upper_w, max(self.lower_w, floor_w))
        if lower_w <= self.lower_w:
            return self
        return _Bounds(lower_w, self.upper_w, bid, self.upper_by)


def arbitrate(bids: Iterable[Bid], highest_w: float, resting_w: float) -> Verdict:
    """Decide between the bids for one miner that can draw from 0 to `highest_w` watts.

    Without any wish the miner rests at `resting_w`, the power it was found at, as far as the bounds allow.
    """
    ordered = sorted(bids, key=_strength)
    bounds = _narrowed(ordered, highest_w)
    wish, wished_w = _wished(ordered, resting_w)
    power_w = min(max(wished_w, bounds.lower_w), bounds.upper_w)
    winner = _winner(bounds, wish, wished_w)
    return Verdict(
        power_w=power_w,
        lower_w=bounds.lower_w,
        upper_w=bounds.upper_w,
        winner=winner.key if winner else "resting",
        rank=winner.rank if winner else None,
        why=winner.why if winner else _rest(ordered, resting_w),
        outcomes=tuple(_outcome(bid, winner, bounds, power_w) for bid in ordered),
        is_asked=bool(ordered),
    )


def power_of(bids: Iterable[Bid], highest_w: float, resting_w: float) -> float:
    """Return the power of `arbitrate` alone, for sharing among thousands of miners."""
    ordered = sorted(bids, key=_strength)
    bounds = _narrowed(ordered, highest_w)
    return min(max(_wished(ordered, resting_w)[1], bounds.lower_w), bounds.upper_w)


def upper_of(bids: Iterable[Bid], highest_w: float) -> float:
    """Return the upper bound that bids leave a miner."""
    return _narrowed(sorted(bids, key=_strength), highest_w).upper_w


def _narrowed(ordered: Sequence[Bid], highest_w: float) -> _Bounds:
    bounds = _Bounds(0.0, highest_w)
    for bid in ordered:
        if bid.cap_w is not None:
            bounds = bounds.capped(bid, bid.cap_w)
        if bid.floor_w is not None:
            bounds = bounds.floored(bid, bid.floor_w)
    return bounds


def _wished(ordered: Sequence[Bid], resting_w: float) -> tuple[Bid | None, float]:
    """Return the wish of the strongest rank that has one; within a rank the greatest, and of equal ones the first."""
    best: Bid | None = None
    for bid in ordered:
        if bid.wish_w is None:
            continue
        if best is not None and bid.rank is not best.rank:
            break
        if best is None or best.wish_w is None or bid.wish_w > best.wish_w:
            best = bid
    return best, resting_w if best is None or best.wish_w is None else best.wish_w


def _rest(bids: Sequence[Bid], resting_w: float) -> str:
    """Say why a miner that nobody pushes draws what it draws."""
    if bids:
        return f"everything that is asked leaves room for its {resting_w:g} W"
    return f"nobody asks for anything; it rests at {resting_w:g} W"


def _strength(bid: Bid) -> tuple[int, bool, float, str]:
    """Order bids: by rank, caps before floors, then what narrows most, then the name, so that arrival never matters."""
    tightest_w = bid.cap_w if bid.cap_w is not None else -(bid.floor_w or 0.0)
    return STRENGTH[bid.rank], bid.cap_w is None, tightest_w, bid.key


def _winner(bounds: _Bounds, wish: Bid | None, wished_w: float) -> Bid | None:
    if wished_w > bounds.upper_w:
        return bounds.upper_by or wish
    if wished_w < bounds.lower_w:
        return bounds.lower_by or wish
    if wish is None and wished_w in (bounds.lower_w, bounds.upper_w):
        return bounds.upper_by if wished_w == bounds.upper_w and bounds.upper_by else bounds.lower_by
    return wish


def _outcome(bid: Bid, winner: Bid | None, bounds: _Bounds, power_w: float) -> Outcome:
    if bid is winner:
        return Outcome(bid, BidEffect.WON)
    if bid.cap_w is not None and power_w > bid.cap_w:
        return Outcome(bid, BidEffect.BLOCKED, _name(bounds.lower_by, f"at least {bounds.lower_w:g} W"))
    if bid.floor_w is not None and power_w < bid.floor_w:
        return Outcome(bid, BidEffect.BLOCKED, _name(bounds.upper_by, f"at most {bounds.upper_w:g} W"))
    if bid in (bounds.upper_by, bounds.lower_by):
        return Outcome(bid, BidEffect.NARROWED)
    if bid.wish_w is not None and bid.wish_w != power_w:
        return Outcome(bid, BidEffect.BLOCKED, winner.key if winner else None)
    return Outcome(bid, BidEffect.IDLE)


def _name(bid: Bid | None, figure: str) -> str:
    return f"{bid.key}: {figure}" if bid else figure
