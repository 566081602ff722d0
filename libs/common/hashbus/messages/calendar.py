"""What calendars say: events that ask for power, already on the clock of the world."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from hashbus.messages.base import Id, Message, Moment, Part, Text, Word
from hashbus.topics import Topic
from hashbus.units import Watts


class CalendarEvent(Part):
    """One event, each repetition of its own."""

    starts_at: Moment
    ends_at: Moment
    title: Word
    power_w: Watts | None = Field(None, description="Where the title says it: `1500 W`, `2 kW` or `off`")


class CalendarWindows(Message):
    """The events of a calendar in the days ahead. After `known_until` nothing is known of it."""

    topic: ClassVar[Topic] = Topic("calendar/{calendar}", writers=("controller",), retain=True)

    calendar: Id
    events: tuple[CalendarEvent, ...] = ()
    read_at: Moment | None = Field(None, description="When the calendar itself was last read")
    known_until: Moment
    problem: Text | None = Field(None, description="Why it cannot be read now; what was read before still holds")
