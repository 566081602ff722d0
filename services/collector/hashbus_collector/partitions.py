"""The history is cut into days: a day is made before it comes and dropped whole when its time is over. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

DAYS_AHEAD = 3
"""How many days are ready before they come: also when upkeep stands still for a weekend, uploads do not."""

_NAME = "history_%Y%m%d"


def wanted(now: datetime, keep_days: int) -> list[date]:
    """Return the days there must be a partition for: those that are kept, today, and the next few."""
    today = now.astimezone(UTC).date()
    return [today + timedelta(days=number) for number in range(-keep_days, DAYS_AHEAD + 1)]


def name_of(day: date) -> str:
    """Return the name of a day's partition."""
    return day.strftime(_NAME)


def day_of(name: str) -> date | None:
    """Return the day of a partition; None when the name is not one of ours."""
    try:
        return datetime.strptime(name, _NAME).replace(tzinfo=UTC).date()
    except ValueError:
        return None


def outlived(names: list[str], now: datetime, keep_days: int) -> list[str]:
    """Return the partitions in which there is nothing left that is kept."""
    oldest = now.astimezone(UTC).date() - timedelta(days=keep_days)
    return [name for name in names if (day := day_of(name)) is not None and day < oldest]


def making(day: date) -> str:
    """Return the statement that makes a day's partition where it is missing."""
    start, end = (moment.isoformat() for moment in (day, day + timedelta(days=1)))
    return (
        f"CREATE TABLE IF NOT EXISTS {name_of(day)} PARTITION OF history "
        f"FOR VALUES FROM ('{start} 00:00:00+00') TO ('{end} 00:00:00+00')"
    )


def dropping(name: str) -> str:
    """Return the statement that drops a partition with all that is in it."""
    return f"DROP TABLE IF EXISTS {name}"
