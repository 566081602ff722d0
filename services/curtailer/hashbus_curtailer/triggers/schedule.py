"""Recurring hours in which power is given up: `weekdays 16:00 to 20:00 in June to September`; pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from hashbus.messages import Id
from hashbus_curtailer.triggers.ask import AHEAD, Ask, HowMuch

SOURCE = "schedule"


class Day(StrEnum):
    """A day of the week."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


DAYS = tuple(Day)


def _of_yaml(value: Any) -> Any:
    """Take an hour without quotes: YAML 1.1 reads 16:00 as the number 960, in base sixty."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 60:
        return time(*divmod(value, 60))
    if value in ("24:00", 24 * 60):
        return time(0)
    return value


ClockTime = Annotated[time, BeforeValidator(_of_yaml)]
"""A time of the day on the clock of the site: 16:00."""


class Window(HowMuch):
    """One window that comes again: on these days, in these months, between two times of the day."""

    name: Id
    begins: ClockTime = Field(description="Time of the day on the clock of the site")
    ends: ClockTime = Field(description="At or before `begins` is on the next day")
    days: tuple[Day, ...] = Field(DAYS, min_length=1, description="Days on which it begins")
    months: tuple[Annotated[int, Field(ge=1, le=12)], ...] = Field(tuple(range(1, 13)), min_length=1)
    except_on: tuple[date, ...] = Field((), description="Dates on which it does not begin, such as holidays")


def asked(windows: tuple[Window, ...], zone: ZoneInfo, now: datetime) -> Ask | None:
    """Return the window we are in, of several the first of the list; else the next of the coming day."""
    found = [(window, *when) for window in windows for when in occurrences(window, zone, now)]
    begun = [one for one in found if one[1] <= now]
    if begun:
        return _ask(*begun[0])
    coming = [one for one in found if one[1] - now <= AHEAD]
    return _ask(*min(coming, key=lambda one: one[1])) if coming else None


def occurrences(window: Window, zone: ZoneInfo, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield begin and end of the window, of yesterday to the day after tomorrow, as far as they are not over.

    Hours are those of the clock on the wall: on the days of the change of summer time a window may be an hour longer
    or shorter. One that begins in the hour that does not exist begins an hour later.
    """
    today = now.astimezone(zone).date()
    for offset in (-1, 0, 1, 2):
        day = today + timedelta(days=offset)
        if DAYS[day.weekday()] not in window.days or day.month not in window.months or day in window.except_on:
            continue
        last = day if window.ends > window.begins else day + timedelta(days=1)
        starts_at = datetime.combine(day, window.begins, zone).astimezone(UTC)
        ends_at = datetime.combine(last, window.ends, zone).astimezone(UTC)
        if starts_at < ends_at and now < ends_at:
            yield starts_at, ends_at


def _ask(window: Window, starts_at: datetime, ends_at: datetime) -> Ask:
    why = f"schedule {window.name}, {window.begins:%H:%M} to {window.ends:%H:%M}"
    return Ask(f"{window.name}-{starts_at:%Y%m%d}", starts_at, ends_at, window, why)
