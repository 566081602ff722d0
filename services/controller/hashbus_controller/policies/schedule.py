"""Schedules: what the miners may or shall draw at which hours: by the week, by a calendar, in the cheapest hours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from hashbus.messages import CalendarWindows, Id, Message, PowerPrice, Rank
from hashbus.settings import Section
from hashbus.step import Tick
from hashbus.units import Watts
from hashbus_controller.bids import OWN, RENEWED, SITE, Bid
from hashbus_controller.hours import Hours
from hashbus_controller.policy import SiteView

RANKS = {"cloud": Rank.CLOUD, "battery": Rank.BATTERY, "heat": Rank.HEAT, "economics": Rank.ECONOMICS}


class Power(Section):
    """What is asked for, in watts of all the miners in the scope together."""

    cap_w: Watts | None = Field(None, description="At most; 0 is off")
    wish_w: Watts | None = Field(None, description="Preferably")

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if self.cap_w is None and self.wish_w is None:
            raise ValueError("needs cap_w or wish_w")
        return self


class ScheduleWindow(Power, Hours):
    """Hours that come again every week, and the power in them."""


class CheapestHours(Section):
    """The cheapest hours of each day, by the tariff's known prices; outside of them the miners are capped."""

    hours: Annotated[float, Field(gt=0, le=24)] = Field(description="So many hours of a day")
    else_cap_w: Watts = Field(0, description="At most this outside of them; 0 is off")


class ScheduleSettings(Section):
    """One schedule: whom it is about, and its hours."""

    scope: Id = Field(SITE, description="Which miners: a miner, a group, or `site`")
    windows: tuple[ScheduleWindow, ...] = ()
    calendar: Id | None = Field(None, description="One of `calendars`; its events ask for what their title says")
    event: Power | None = Field(None, description="What an event asks for whose title says no watts")
    cheapest: CheapestHours | None = None
    rank: Literal["cloud", "battery", "heat", "economics"] = Field(
        "economics", description="Before whom it goes: cloud is before battery and heat; people go before all of them"
    )


@dataclass(frozen=True, slots=True)
class Known:
    """The tariff and the calendar, as they were last heard, and the bids of this minute."""

    price: PowerPrice | None = None
    calendar: CalendarWindows | None = None
    made_at: datetime | None = None
    made: tuple[Bid, ...] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """The policy: one bid for each window, event or tariff hour that holds now."""

    key: str
    settings: ScheduleSettings
    zone: ZoneInfo
    hears: tuple[type[Message], ...] = (PowerPrice, CalendarWindows)

    @property
    def name(self) -> str:
        """Return `schedule-` and its key."""
        return f"schedule-{self.key}"[:64]

    def begins(self) -> Known:
        """Start without tariff and calendar; both are retained on the bus."""
        return Known()

    def heard(self, memory: Known, message: Message | Tick, now: datetime, site: SiteView) -> Known:
        """Take a tariff or its calendar; look at the clock every second."""
        if isinstance(message, PowerPrice) and self.settings.cheapest:
            memory = replace(memory, price=message)
        elif isinstance(message, CalendarWindows) and message.calendar == self.settings.calendar:
            memory = replace(memory, calendar=message)
        elif not isinstance(message, Tick):
            return memory
        made = tuple(self._made(memory, now))
        same = [one.asks() for one in made] == [one.asks() for one in memory.made]
        is_young = memory.made_at is not None and timedelta(0) <= now - memory.made_at < RENEWED / 2
        return memory if same and is_young else replace(memory, made_at=now, made=made)

    def bids(self, memory: Known, now: datetime, site: SiteView) -> tuple[Bid, ...]:
        """Return what holds now."""
        return memory.made

    def _made(self, memory: Known, now: datetime) -> Iterator[Bid]:
        until = now + RENEWED
        for number, window in enumerate(self.settings.windows):
            if window.is_now(now, self.zone):
                yield self._bid(f"window-{number}", f"{window.words} by schedule {self.key}", window, until)
        yield from self._of_calendar(memory.calendar, now)
        yield from self._of_tariff(memory.price, now)

    def _of_calendar(self, calendar: CalendarWindows | None, now: datetime) -> Iterator[Bid]:
        for event in calendar.events if calendar and now < calendar.known_until else ():
            if not event.starts_at <= now < event.ends_at:
                continue
            asked = self.settings.event if event.power_w is None else Power(cap_w=event.power_w, wish_w=event.power_w)
            if asked is not None:
                why = f"{event.title!r} in calendar {self.settings.calendar}, until {event.ends_at:%Y-%m-%d %H:%M} UTC"
                yield self._bid("event", why, asked, now + RENEWED)
                return

    def _of_tariff(self, price: PowerPrice | None, now: datetime) -> Iterator[Bid]:
        cheapest = self.settings.cheapest
        if cheapest is None or price is None or price.is_stale(now) or is_cheap(price, cheapest.hours, now, self.zone):
            return
        why = f"outside the cheapest {cheapest.hours:g} h of the day by tariff {price.tariff}"
        yield self._bid("tariff", why, Power(cap_w=cheapest.else_cap_w, wish_w=None), now + RENEWED)

    def _bid(self, part: str, why: str, asked: Power, until: datetime) -> Bid:
        rank, scope = RANKS[self.settings.rank], self.settings.scope
        name = f"{self.name[:50]}-{part}"
        return Bid(OWN, scope, name, rank, until, why, cap_w=asked.cap_w, wish_w=asked.wish_w)


def is_cheap(price: PowerPrice, hours: float, now: datetime, zone: ZoneInfo) -> bool:
    """Say whether `now` is in one of the cheapest hours of its day on the people's clock.

    A day of which no prices are known is cheap: nobody is switched off by what nobody knows.
    """
    today = now.astimezone(zone).date()
    windows = [one for one in price.windows if one.starts_at.astimezone(zone).date() == today]
    current = next((one for one in windows if one.starts_at <= now < one.ends_at), None)
    if current is None:
        return True
    left_s = hours * 3600
    for one in sorted(windows, key=lambda window: (window.price_per_kwh, window.starts_at)):
        if left_s <= 0:
            return False
        if one is current:
            return True
        left_s -= (one.ends_at - one.starts_at).total_seconds()
    return False
