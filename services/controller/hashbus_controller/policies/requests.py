"""What people and other services ask for, with their own ranks and ends: overrides, wishes, orders of the grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hashbus.messages import Message, PowerRequest
from hashbus.step import Tick
from hashbus_controller.bids import Bid, of_request
from hashbus_controller.policy import SiteView


@dataclass(frozen=True, slots=True)
class Asked:
    """The bids of the requests that are alive, by address, and when the first of them ends."""

    by_address: Mapping[str, Bid] = field(default_factory=dict)
    made: tuple[Bid, ...] = ()
    first_end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Requests:
    """The policy: it passes on what is asked, until it ends."""

    name: str = "requests"
    hears: tuple[type[Message], ...] = (PowerRequest,)

    def begins(self) -> Asked:
        """Start with nobody asking; what is asked is retained on the bus."""
        return Asked()

    def heard(self, memory: Asked, message: Message | Tick, now: datetime, site: SiteView) -> Asked:
        """Take a request in place of the last of the same name, and forget those that have ended."""
        if isinstance(message, PowerRequest):
            return _alive({**memory.by_address, message.address(): of_request(message)}, now)
        if memory.first_end is not None and memory.first_end <= now:
            return _alive(memory.by_address, now)
        return memory

    def bids(self, memory: Asked, now: datetime, site: SiteView) -> tuple[Bid, ...]:
        """Return what is asked."""
        return memory.made


def _alive(bids: Mapping[str, Bid], now: datetime) -> Asked:
    alive = {address: bid for address, bid in bids.items() if bid.until > now}
    return Asked(alive, tuple(alive.values()), min((bid.until for bid in alive.values()), default=None))
