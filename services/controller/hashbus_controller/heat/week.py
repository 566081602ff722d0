"""The week of a zone: which profile its schedule is in, and when it switches next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hashbus.messages import Profile, SwitchPoint, Weekday

DAYS = tuple(Weekday)
WEEK = 7


def in_force(schedule: Sequence[SwitchPoint], now: datetime, zone: ZoneInfo) -> tuple[Profile, datetime] | None:
    """Return the profile of the schedule and when it switches next, in UTC; None without a schedule.

    Times are of the clock on the wall. A time that summer time skips comes an hour later; one that comes twice counts
    the first time.
    """
    if not schedule:
        return None
    today = now.astimezone(zone).date()
    past = (profile for moment, profile in _back(schedule, today, zone) if moment <= now)
    following = (moment for moment, _ in _ahead(schedule, today, zone) if moment > now)
    return next(past), next(following)


def _back(schedule: Sequence[SwitchPoint], today: date, zone: ZoneInfo) -> Iterator[tuple[datetime, Profile]]:
    for days in range(WEEK + 2):
        yield from reversed(_of_day(schedule, today - timedelta(days=days), zone))


def _ahead(schedule: Sequence[SwitchPoint], today: date, zone: ZoneInfo) -> Iterator[tuple[datetime, Profile]]:
    for days in range(WEEK + 2):
        yield from _of_day(schedule, today + timedelta(days=days), zone)


def _of_day(schedule: Sequence[SwitchPoint], day: date, zone: ZoneInfo) -> list[tuple[datetime, Profile]]:
    weekday = DAYS[day.weekday()]
    points = (point for point in schedule if weekday in point.days)
    return sorted((_moment(day, point.local_time, zone), point.profile) for point in points)


def _moment(day: date, local_time: str, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.fromisoformat(local_time), zone).astimezone(UTC)
