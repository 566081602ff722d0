"""What was last decided for a miner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Held:
    """The power a miner was last given, when it was said and changed, and how it was explained."""

    power_w: float
    decision: str
    said_at: datetime
    changed_at: datetime
    due_at: datetime | None = None
    """When to look again: to renew the lease, or because a change that waits may be made."""
    limit_w: float | None = None
    """The standing limit below which it is modulated; None where the power is a limit of its own."""
    explained: tuple[object, ...] = ()
    winner: str = ""
    """The bid that set it: `controller/attic/heat`."""
    lower_w: float = 0.0
    upper_w: float = 0.0
    """Between which bounds the bids left it: what a loop that integrates must know, so that it does not wind up."""
    restarts_at: tuple[datetime, ...] = ()
    """Changes of the last 24 h that restarted its mining."""
