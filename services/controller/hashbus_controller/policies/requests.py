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

    by_address: Mapping[str, tuple[datetime, Bid]] = field(default_factory=dict)
    """With when it was asked: an older request, which a broker dug out of its past, never replaces a newer one."""
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
            address = message.address()
            before = memory.by_address.get(address)
            if before is not None and message.at < before[0]:
                return memory
            return _alive({**memory.by_address, address: (message.at, of_request(message))}, now)
        if memory.first_end is not None and memory.first_end <= now:
            return _alive(memory.by_address, now)
        return memory

    def bids(self, memory: Asked, now: datetime, site: SiteView) -> tuple[Bid, ...]:
        """Return what is asked."""
        return memory.made


def _alive(asked: Mapping[str, tuple[datetime, Bid]], now: datetime) -> Asked:
    alive = {address: entry for address, entry in asked.items() if entry[1].until > now}
    bids = tuple(bid for _, bid in alive.values())
    return Asked(alive, bids, min((bid.until for bid in bids), default=None))
