"""Sunset: with enough in the battery when the sun has set, mining goes on through the night (S2.6, decision D6).

It wishes for the full power; the ratchet's cap stands, so the miners run at the latched level and not above.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from astral import Observer
from astral.sun import elevation
from pydantic import Field

from hashbus.messages import BatteryTelemetry, Message, PolicyMemory, Rank
from hashbus.settings import PlaceSettings, Section
from hashbus.step import Tick
from hashbus.units import Percent
from hashbus_controller.bids import OWN, RENEWED, Bid
from hashbus_controller.hours import Clock, Hours
from hashbus_controller.policies.soc import SocSettings
from hashbus_controller.policy import SiteView

HORIZON_DEG = -0.833
"""Where the upper edge of the sun meets the horizon: half its width and the air's refraction (Meeus, chapter 15)."""

CHECKED_EVERY = timedelta(seconds=20)


class SunsetSettings(Section):
    """When mining is turned on for the night."""

    begins: Clock | Literal["sunset"] = Field("sunset", description="A time of day, or with `place` the sun's own")
    ends: Clock | Literal["sunrise"] = Field("sunrise", description="A time of day, or with `place` the sun's own")
    above_pct: Percent = Field(60, description="Only with more than this in the battery")

    @property
    def needs_place(self) -> bool:
        """Say whether it goes by the sun."""
        return self.begins == "sunset" or self.ends == "sunrise"


@dataclass(frozen=True, slots=True)
class Night:
    """Whether it is night, and whether mining was turned on for it."""

    is_night: bool = False
    is_on: bool = False
    soc_pct: float = 0.0
    """What was in the battery when it was turned on."""
    battery: BatteryTelemetry | None = None
    checked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sunset:
    """The policy: a wish for the night."""

    settings: SunsetSettings
    soc: SocSettings
    zone: ZoneInfo
    place: PlaceSettings | None
    name: str = "sunset"
    hears: tuple[type[Message], ...] = (BatteryTelemetry,)

    def begins(self) -> Night:
        """Start by day."""
        return Night()

    def heard(self, memory: Night, message: Message | Tick, now: datetime, site: SiteView) -> Night:
        """See whether the sun has set, and once it has, whether the battery has enough; that holds until sunrise."""
        if isinstance(message, BatteryTelemetry):
            if message.battery != self.soc.battery:
                return memory
            memory = replace(memory, battery=message)
        elif memory.checked_at is not None and timedelta(0) <= now - memory.checked_at < CHECKED_EVERY:
            return memory
        is_night, battery = self.is_night(now), memory.battery
        if not is_night:
            return replace(memory, is_night=False, is_on=False, checked_at=now)
        turns_on = battery is not None and not battery.is_stale(now) and battery.soc_pct > self.settings.above_pct
        if turns_on and battery is not None and not memory.is_on:
            return replace(memory, is_night=True, is_on=True, soc_pct=battery.soc_pct, checked_at=now)
        return replace(memory, is_night=True, checked_at=now)

    def is_night(self, now: datetime) -> bool:
        """Say whether the night of the settings has begun and has not ended: by the sun, the clock, or one of each."""
        begins, ends = self.settings.begins, self.settings.ends
        if begins != "sunset" and ends != "sunrise":
            return Hours(begins=begins, ends=ends).is_now(now, self.zone)
        is_dark, clock = self._is_dark(now), now.astimezone(self.zone).time()
        if begins != "sunset":
            return _from(begins, clock, is_dark=is_dark)
        if ends != "sunrise":
            return _until(ends, clock, is_dark=is_dark)
        return is_dark

    def _is_dark(self, now: datetime) -> bool:
        if self.place is None:
            return False
        return elevation(Observer(self.place.latitude_deg, self.place.longitude_deg), now) < HORIZON_DEG

    def bids(self, memory: Night, now: datetime, site: SiteView) -> tuple[Bid, ...]:
        """Wish for the full power, which the ratchet narrows to its latch."""
        if not memory.is_on:
            return ()
        why = f"the sun has set with {memory.soc_pct:g} % in the battery, more than {self.settings.above_pct:g} %"
        until, base_w = now + RENEWED, self.soc.base_w
        return (Bid(OWN, self.soc.scope, self.name, Rank.ECONOMICS, until, why, wish_w=base_w),)

    def kept(self, memory: Night) -> PolicyMemory:
        """Keep that mining was turned on for this night."""
        return PolicyMemory(flags={"is_on": memory.is_on}, numbers={"soc_pct": memory.soc_pct} if memory.is_on else {})

    def recalled(self, memory: Night, kept: PolicyMemory) -> Night:
        """Take it back; the next look at the sun ends it if the night is over."""
        return replace(memory, is_on=kept.flags.get("is_on", False), soc_pct=kept.numbers.get("soc_pct", 0.0))


NOON = time(12)


def _from(begins: time, clock: time, *, is_dark: bool) -> bool:
    """Say whether it is between a time of day, in the evening or after midnight, and sunrise."""
    if begins < NOON:
        return begins <= clock < NOON and is_dark
    return is_dark if clock < NOON else clock >= begins


def _until(ends: time, clock: time, *, is_dark: bool) -> bool:
    """Say whether it is between sunset and a time of day, in the evening or after midnight."""
    if ends >= NOON:
        return NOON <= clock < ends and is_dark
    return clock < ends if clock < NOON else is_dark
