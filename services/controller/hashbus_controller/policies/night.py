"""Night: lower power at quiet hours (S4.52), and fans no louder than the neighbours like (S4.51).

Nobody can tell a miner how loud it may be; but its fans follow its heat. So while they turn too fast in quiet hours,
its power is lowered step by step, and what was found quiet is where the next night begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator
from rpds import HashTrieMap

from hashbus.messages import Id, Message, MinerInfo, MinerTelemetry, PolicyMemory, Rank
from hashbus.step import Tick
from hashbus.units import OverdrivePercent, Percent, Rpm, Seconds, Watts
from hashbus_controller.bids import OWN, RENEWED, SITE, Bid
from hashbus_controller.hours import Hours
from hashbus_controller.policy import SiteView

QUIETER = 0.9
"""A step down where the fans are too fast: fans follow roughly the heat, so a tenth of it is heard."""
PROBING = 1.05
"""Each night begins a little above what was quiet before, so that a cold night gives back what a hot one took."""


class NightSettings(Hours):
    """Quiet hours, and what holds in them."""

    scope: Id = Field(SITE, description="Which miners: a miner, a group, or `site`")
    max_power_w: Watts | None = Field(None, description="Most that they draw together")
    max_power_pct: Percent | None = Field(None, description="Most of its highest power that each of them draws")
    max_fan_pct: OverdrivePercent | None = Field(None, description="Faster fans lower the power of their miner")
    max_fan_rpm: Rpm | None = Field(None, description="The same by revolutions a minute")
    settle_s: Annotated[Seconds, Field(ge=60)] = Field(600, description="How long fans take to follow a lower power")

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        limits = (self.max_power_w, self.max_power_pct, self.max_fan_pct, self.max_fan_rpm)
        if all(limit is None for limit in limits):
            raise ValueError("needs max_power_w, max_power_pct, max_fan_pct or max_fan_rpm")
        return self


@dataclass(frozen=True, slots=True)
class Quiet:
    """Whether it is night, and the power at which each miner was found quiet."""

    is_night: bool = False
    quiet_w: HashTrieMap[str, float] = field(default_factory=HashTrieMap)
    lowered_at: HashTrieMap[str, datetime] = field(default_factory=HashTrieMap)
    why: HashTrieMap[str, str] = field(default_factory=HashTrieMap)
    made_at: datetime | None = None
    made: tuple[Bid, ...] = ()


@dataclass(frozen=True, slots=True)
class Night:
    """The policy: caps that heat, battery and cloud keep, and that a person may override."""

    key: str
    settings: NightSettings
    zone: ZoneInfo
    hears: tuple[type[Message], ...] = (MinerTelemetry,)

    @property
    def name(self) -> str:
        """Return `night-` and its key."""
        return f"night-{self.key}"[:64]

    def begins(self) -> Quiet:
        """Start by day."""
        return Quiet()

    def heard(self, memory: Quiet, message: Message | Tick, now: datetime, site: SiteView) -> Quiet:
        """Look at the clock, and by night at the fans."""
        if isinstance(message, MinerTelemetry):
            return self._listened(memory, message, now, site) if memory.is_night else memory
        is_night = self.settings.is_now(now, self.zone)
        is_young = memory.made_at is not None and timedelta(0) <= now - memory.made_at < RENEWED / 4
        if is_night == memory.is_night and is_young:
            return memory
        if is_night and not memory.is_night:
            memory = _probing(memory)
        memory = replace(memory, is_night=is_night, made_at=now)
        return replace(memory, made=tuple(self._made(memory, now, site)) if is_night else ())

    def _listened(self, memory: Quiet, reading: MinerTelemetry, now: datetime, site: SiteView) -> Quiet:
        loud = too_loud(reading, self.settings)
        power_w = reading.power_w or reading.power_limit_w
        settled_at = memory.lowered_at.get(reading.miner)
        if loud is None or not power_w or not self._is_inside(reading.miner, site):
            return memory
        if settled_at is not None and now - settled_at < timedelta(seconds=self.settings.settle_s):
            return memory
        info = site.infos.get(reading.miner)
        least_w = info.min_power_w or 0.0 if info else 0.0
        quiet_w = max(least_w, min(power_w, memory.quiet_w.get(reading.miner, power_w)) * QUIETER)
        memory = replace(
            memory,
            quiet_w=memory.quiet_w.insert(reading.miner, round(quiet_w)),
            lowered_at=memory.lowered_at.insert(reading.miner, now),
            why=memory.why.insert(reading.miner, loud),
        )
        return replace(memory, made=tuple(self._made(memory, now, site)))

    def _is_inside(self, miner: str, site: SiteView) -> bool:
        info = site.infos.get(miner)
        return self.settings.scope in (SITE, miner) or (info is not None and info.group == self.settings.scope)

    def _made(self, memory: Quiet, now: datetime, site: SiteView) -> Iterator[Bid]:
        settings, until = self.settings, now + RENEWED
        if settings.max_power_w is not None:
            why = f"quiet hours {settings.words}: together at most {settings.max_power_w:g} W"
            yield Bid(OWN, settings.scope, self.name, Rank.CLOUD, until, why, cap_w=settings.max_power_w)
        if settings.max_power_pct is not None:
            yield from self._shares(settings.max_power_pct, until, site)
        for miner, cap_w in memory.quiet_w.items():
            heard = memory.why.get(miner, "as in the nights before")
            why = f"quiet hours {settings.words}: {heard}"
            yield Bid(OWN, miner, f"{self.name[:58]}-noise", Rank.CLOUD, until, why, cap_w=cap_w)

    def _shares(self, max_power_pct: float, until: datetime, site: SiteView) -> Iterator[Bid]:
        why = f"quiet hours {self.settings.words}: at most {max_power_pct:g} % of its power"
        for miner, info in site.infos.items():
            highest_w = _highest(info)
            if highest_w and self._is_inside(miner, site):
                cap_w = highest_w * max_power_pct / 100
                yield Bid(OWN, miner, f"{self.name[:58]}-power", Rank.CLOUD, until, why, cap_w=cap_w)

    def bids(self, memory: Quiet, now: datetime, site: SiteView) -> tuple[Bid, ...]:
        """Return the caps of the night."""
        return memory.made

    def kept(self, memory: Quiet) -> PolicyMemory:
        """Keep the power at which each miner was found quiet."""
        return PolicyMemory(numbers=dict(memory.quiet_w.items()))

    def recalled(self, memory: Quiet, kept: PolicyMemory) -> Quiet:
        """Take it back."""
        return replace(memory, quiet_w=HashTrieMap(kept.numbers), made_at=None)


def too_loud(reading: MinerTelemetry, settings: NightSettings) -> str | None:
    """Return in words how fast the fans are, if that is too fast; None when they are quiet or say nothing."""
    if settings.max_fan_pct is not None and reading.fan_pct is not None and reading.fan_pct > settings.max_fan_pct:
        return f"fans at {reading.fan_pct:g} %, more than {settings.max_fan_pct:g} %"
    fastest_rpm = max(reading.fans_rpm, default=None)
    if settings.max_fan_rpm is not None and fastest_rpm is not None and fastest_rpm > settings.max_fan_rpm:
        return f"a fan at {fastest_rpm:g} rpm, more than {settings.max_fan_rpm:g} rpm"
    return None


def _probing(memory: Quiet) -> Quiet:
    probed = {miner: round(quiet_w * PROBING) for miner, quiet_w in memory.quiet_w.items()}
    return replace(memory, quiet_w=HashTrieMap(probed), lowered_at=HashTrieMap(), why=HashTrieMap())


def _highest(info: MinerInfo) -> float | None:
    return info.max_power_w or max((level.power_w for level in info.power_levels), default=None) or info.rated_power_w
