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
    """The requests that are alive, their bids, and when the first of them ends."""

    requests: Mapping[str, PowerRequest] = field(default_factory=dict)
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
            return _alive({**memory.requests, message.address(): message}, now)
        if memory.first_end is not None and memory.first_end <= now:
            return _alive(memory.requests, now)
        return memory

    def bids(self, memory: Asked, now: datetime, site: SiteView) -> tuple[Bid, ...]:
        """Return what is asked."""
        return memory.made


def _alive(requests: Mapping[str, PowerRequest], now: datetime) -> Asked:
    alive = {address: request for address, request in requests.items() if request.until > now}
    ends = min((request.until for request in alive.values()), default=None)
    return Asked(alive, tuple(of_request(request) for request in alive.values()), ends)
