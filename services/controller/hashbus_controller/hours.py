"""Hours of the week on the clock of the people: windows by day and time, also over midnight and through summer time."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from hashbus.settings import Section

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "weekday", "weekend"]


def _clock(value: object) -> object:
    """Read `19:00`. YAML 1.1 reads an unquoted 19:00 as the number 1140, minutes in base 60; so is it meant here."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 60:
        return time(value // 60, value % 60)
    if isinstance(value, str):
        try:
            return time.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value!r} is no time of day; write it as 19:00") from None
    return value


Clock = Annotated[time, BeforeValidator(_clock)]
"""A time of day on the clock of the site's time zone."""


class Hours(Section):
    """A window that comes again: on these days, from one time to another."""

    days: tuple[Day, ...] = Field((), description="mon to sun, weekday, weekend; empty: every day")
    begins: Clock = time(0)
    ends: Clock = Field(time(0), description="At or before `begins` it is on the next day")

    def holds_on(self, day: date) -> bool:
        """Say whether a window begins on this day."""
        name = DAYS[day.weekday()]
        kind = "weekend" if day.weekday() >= 5 else "weekday"
        return not self.days or name in self.days or kind in self.days

    def is_now(self, now: datetime, zone: ZoneInfo) -> bool:
        """Say whether `now` is inside, by the wall clock: an hour that summer time repeats counts twice."""
        local = now.astimezone(zone)
        clock, today = local.time(), local.date()
        if self.begins < self.ends:
            return self.begins <= clock < self.ends and self.holds_on(today)
        is_evening = clock >= self.begins and self.holds_on(today)
        return is_evening or (clock < self.ends and self.holds_on(today - timedelta(days=1)))

    @property
    def words(self) -> str:
        """Say which hours."""
        days = f"{', '.join(self.days)} " if self.days else ""
        return f"{days}{self.begins:%H:%M} to {self.ends:%H:%M}"
