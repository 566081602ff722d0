"""Reads an iCalendar file into events: pure, from its text to moments on the clock of the world."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import recurring_ical_events  # type: ignore[import-untyped]
from icalendar import Calendar, Event

from hashbus.messages import CalendarEvent

AHEAD = timedelta(days=8)
"""How far events are looked up: a week and a day, so that a calendar that cannot be read for a week still holds."""

MOST_EVENTS = 1000
TOO_OFTEN = ("SECONDLY", "MINUTELY")
"""Repetitions that no schedule of miners needs, and that would take minutes to write out."""

_WATTS = re.compile(r"(?<![\w.])(\d+(?:[.,]\d+)?)\s*(k?)W\b", re.IGNORECASE)
_OFF = re.compile(r"\boff\b", re.IGNORECASE)


class BadCalendar(ValueError):
    """A calendar that cannot be used, and why."""


def events_of(text: bytes, now: datetime, zone: ZoneInfo) -> tuple[CalendarEvent, ...]:
    """Return what happens from now on, each repetition of its own; BadCalendar when it is none.

    Times without a zone, and whole days, are on the clock of `zone`.
    """
    try:
        calendar = Calendar.from_ical(text)
        _refuse_too_often(calendar)
        found = recurring_ical_events.of(calendar, skip_bad_series=True).between(now, now + AHEAD)
    except BadCalendar:
        raise
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError) as error:
        # The parser's own errors are of all these kinds; whatever it is, the calendar cannot be used.
        raise BadCalendar(f"is no iCalendar: {str(error)[:200] or type(error).__name__}") from None
    events = [_event(one, zone) for one in found if isinstance(one, Event)]
    if len(events) > MOST_EVENTS:
        raise BadCalendar(f"has {len(events)} events in {AHEAD.days} days; at most {MOST_EVENTS} are read")
    return tuple(sorted((one for one in events if one.ends_at > now), key=lambda one: (one.starts_at, one.title)))


def _refuse_too_often(calendar: Calendar) -> None:
    for component in calendar.walk("VEVENT"):
        rules = component.get("RRULE", [])
        for rule in rules if isinstance(rules, list) else [rules]:
            if any(str(word).upper() in TOO_OFTEN for word in rule.get("FREQ", ())):
                raise BadCalendar(f"repeats {str(component.get('SUMMARY', 'an event'))!r} more often than hourly")


def _event(event: Event, zone: ZoneInfo) -> CalendarEvent:
    title = str(event.get("SUMMARY", "")).strip()[:200]
    starts_at = _moment(event.start, zone)
    ends_at = _moment(event.end, zone)
    return CalendarEvent(starts_at=starts_at, ends_at=max(starts_at, ends_at), title=title, power_w=power_in(title))


def _moment(value: date | datetime, zone: ZoneInfo) -> datetime:
    if not isinstance(value, datetime):
        return datetime.combine(value, time(0), zone)
    return value if value.tzinfo is not None else value.replace(tzinfo=zone)


def power_in(title: str) -> float | None:
    """Return the watts that a title asks for: `mine at 2.5 kW`, `heating 800 W`, `off`; None when it says none."""
    match = _WATTS.search(title)
    if match:
        return float(match[1].replace(",", ".")) * (1000 if match[2] else 1)
    return 0.0 if _OFF.search(title) else None
