"""Limits by settings: what one miner may never exceed, what a group and all miners together may draw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from hashbus.messages import Message, Rank
from hashbus.step import Tick
from hashbus_controller.bids import OWN, RENEWED, SITE, Bid
from hashbus_controller.policy import SiteView


@dataclass(frozen=True, slots=True)
class Made:
    """The bids, and when they were made."""

    at: datetime | None = None
    bids: tuple[Bid, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """The policy: its bids stand as long as the settings do."""

    site_limit_w: float | None = None
    group_limits_w: tuple[tuple[str, float], ...] = ()
    miner_limits_w: tuple[tuple[str, float], ...] = ()
    name: str = "limits"
    hears: tuple[type[Message], ...] = ()

    def begins(self) -> Made:
        """Return no bids yet: the first tick makes them."""
        return Made()

    def heard(self, memory: Made, message: Message | Tick, now: datetime, site: SiteView) -> Made:
        """Make the bids again before they end; settings change only with a restart."""
        is_good = memory.at is not None and memory.at <= now < memory.at + RENEWED / 2
        return memory if is_good else Made(now, tuple(self._made(now + RENEWED)))

    def bids(self, memory: Made, now: datetime, site: SiteView) -> tuple[Bid, ...]:
        """Return the limits."""
        return memory.bids

    def _made(self, until: datetime) -> Iterator[Bid]:
        if self.site_limit_w is not None:
            why = f"all miners together at most {self.site_limit_w:g} W"
            yield Bid(OWN, SITE, "site_limit", Rank.SITE_LIMIT, until, why, cap_w=self.site_limit_w)
        for group, limit_w in self.group_limits_w:
            why = f"all miners of {group} together at most {limit_w:g} W"
            yield Bid(OWN, group, "group_limit", Rank.SITE_LIMIT, until, why, cap_w=limit_w)
        for miner, limit_w in self.miner_limits_w:
            why = f"at most {limit_w:g} W by its settings"
            yield Bid(OWN, miner, "limit", Rank.SAFETY, until, why, cap_w=limit_w)
