"""What a zone needed and got, counted: since ever, and since midnight of the site."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

LONGEST_S = 60.0
"""What happened in a longer pause of the program nobody saw: it is not counted."""


@dataclass(frozen=True, slots=True)
class Counters:
    """Energy in Wh and changes of power; `today` is the day at the site that the counters of the day are of."""

    needed_wh: float = 0.0
    delivered_wh: float = 0.0
    needed_today_wh: float = 0.0
    delivered_today_wh: float = 0.0
    switches_today: int = 0
    today: str = ""
    at: datetime | None = None


def counted(
    before: Counters, *, needed_w: float, delivered_w: float | None, switches: int, now: datetime, zone: ZoneInfo
) -> Counters:
    """Add what flowed since the last time; unknown heat is not added, and a new day begins at nothing."""
    elapsed_s = 0.0 if before.at is None else min(LONGEST_S, max(0.0, (now - before.at).total_seconds()))
    needed_wh, delivered_wh = needed_w * elapsed_s / 3600, (delivered_w or 0.0) * elapsed_s / 3600
    today = now.astimezone(zone).date().isoformat()
    if before.today != today:
        before = replace(before, needed_today_wh=0.0, delivered_today_wh=0.0, switches_today=0, today=today)
    return Counters(
        needed_wh=before.needed_wh + needed_wh,
        delivered_wh=before.delivered_wh + delivered_wh,
        needed_today_wh=before.needed_today_wh + needed_wh,
        delivered_today_wh=before.delivered_today_wh + delivered_wh,
        switches_today=before.switches_today + switches,
        today=today,
        at=now,
    )
