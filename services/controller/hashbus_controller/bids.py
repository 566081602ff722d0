"""Bids for power: what people, policies and plans wish, before anything is decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from hashbus.messages import BidEffect, HeardBid, PowerRequest, Rank

SITE = "site"
"""The scope that means every miner of the site together."""

RENEWED = timedelta(minutes=2)
"""How long a bid of the controller's own policies holds; it is made again at every decision."""

OWN = "controller"
"""The source of the bids that the controller's own policies make."""

AUTOMATIC = (Rank.BATTERY, Rank.HEAT, Rank.ECONOMICS)
"""Bids of these ranks count only while automatic control is switched on (S2.8)."""


@dataclass(frozen=True, slots=True)
class Bid:
    """A cap, a floor or a wish in watts, with a rank and an end.

    On a miner the figures are the miner's own power; on a group or the site they are the power of all its miners
    together.
    """

    source: str
    scope: str
    name: str
    rank: Rank
    until: datetime
    why: str
    cap_w: float | None = None
    floor_w: float | None = None
    wish_w: float | None = None

    @property
    def key(self) -> str:
        """Return how the bid is called in a decision: `web/attic/override`."""
        return f"{self.source}/{self.scope}/{self.name}"

    def asks(self) -> tuple[object, ...]:
        """Return what is asked, without the end that renewing moves; the end of what somebody else asks counts."""
        until = None if self.source == OWN or self.rank in AUTOMATIC else self.until
        return self.key, self.rank, self.why, self.cap_w, self.floor_w, self.wish_w, until

    def heard(self, effect: BidEffect, blocked_by: str | None = None) -> HeardBid:
        """Return the bid as a decision shows it."""
        return HeardBid(
            source=self.source,
            scope=self.scope,
            name=self.name,
            rank=self.rank,
            cap_w=self.cap_w,
            floor_w=self.floor_w,
            wish_w=self.wish_w,
            until=self.until,
            why=self.why,
            effect=effect,
            blocked_by=blocked_by and blocked_by[:200],
        )


def of_heard(bid: HeardBid) -> Bid:
    """Return the bid that a decision shows."""
    return Bid(bid.source, bid.scope, bid.name, bid.rank, bid.until, bid.why, bid.cap_w, bid.floor_w, bid.wish_w)


def of_request(request: PowerRequest) -> Bid:
    """Return the bid that a request on the bus is."""
    return Bid(
        source=request.source,
        scope=request.scope,
        name=request.name,
        rank=request.rank,
        until=request.until,
        why=request.why,
        cap_w=request.cap_w,
        floor_w=request.floor_w,
        wish_w=request.wish_w,
    )
