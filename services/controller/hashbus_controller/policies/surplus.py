"""Surplus following: what the site would export goes to the miners, in steps, and a passing cloud restarts nobody.

Available is what the miners draw now plus what flows out to the grid (and into the battery, once that is full enough).
Power rises when so much was available without a break for a while, and falls when too little was for a while, or when
bridging a cloud from the grid has used up its budget.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from hashbus.messages import BatteryTelemetry, Id, Message, MeterTelemetry, PolicyMemory, Rank
from hashbus.settings import Section
from hashbus.step import Tick
from hashbus.units import Percent, Seconds, WattHours, Watts
from hashbus_controller.bids import OWN, RENEWED, SITE, Bid
from hashbus_controller.policy import SiteView

FIRST_READING = timedelta(seconds=90)

RANKS = {"battery": Rank.BATTERY, "economics": Rank.ECONOMICS}


class SurplusSettings(Section):
    """What is measured, and how patiently the miners follow."""

    meter: Id | None = Field(None, description="The meter at the grid; the first choice where a battery is given too")
    battery: Id | None = Field(None, description="A battery or inverter that knows the grid, or sun and load")
    scope: Id = Field(SITE, description="Which miners follow: a miner, a group, or `site`; they hang behind the meter")
    step_w: Annotated[Watts, Field(gt=0)] = Field(100, description="Power moves in such steps")
    import_w: Watts = Field(0, description="What may always be drawn from the grid beside the surplus")
    bridge_wh: WattHours = Field(100, description="Energy an hour that may be bought to bridge clouds")
    raise_after_s: Seconds = Field(300, description="So long there must be enough before power rises")
    lower_after_s: Seconds = Field(180, description="So long there must be too little before power falls")
    charge_first_pct: Percent = Field(95, description="From here on what charges the battery is surplus too")
    is_only: bool = Field(False, description="Never draw more than the surplus, whoever wishes it")
    rank: Literal["battery", "economics"] = Field(
        "battery", description="battery: before heating; economics: rooms come first, the rest of the surplus is left"
    )

    @model_validator(mode="after")
    def _measures_something(self) -> Self:
        if self.meter is None and self.battery is None:
            raise ValueError("surplus needs a meter or a battery to measure with")
        return self


@dataclass(frozen=True, slots=True)
class Flow:
    """What is known of the surplus, and the power that follows from it."""

    level_w: float = 0.0
    meter: MeterTelemetry | None = None
    battery: BatteryTelemetry | None = None
    seen_at: datetime | None = None
    enough_since: datetime | None = None
    enough_w: float = 0.0
    """The least that was available since then."""
    little_since: datetime | None = None
    little_w: float = 0.0
    """The most that was available since then."""
    bridged_wh: float = 0.0
    why: str = "no surplus yet"
    begun_at: datetime | None = None
    """When it was first asked for a surplus that an earlier run had seen."""


@dataclass(frozen=True, slots=True)
class Surplus:
    """The policy: a floor at the surplus, so that weaker wishes may add to it, and a wish when nobody else has any."""

    settings: SurplusSettings
    name: str = "surplus"
    hears: tuple[type[Message], ...] = (MeterTelemetry, BatteryTelemetry)

    def begins(self) -> Flow:
        """Start at nothing."""
        return Flow()

    def heard(self, memory: Flow, message: Message | Tick, now: datetime, site: SiteView) -> Flow:
        """Take in a reading of the meter or the battery."""
        if isinstance(message, MeterTelemetry) and message.meter == self.settings.meter:
            memory = replace(memory, meter=message)
        elif isinstance(message, BatteryTelemetry) and message.battery == self.settings.battery:
            memory = replace(memory, battery=message)
            if self.settings.meter is not None and memory.meter is not None and not memory.meter.is_stale(now):
                return memory
        elif isinstance(message, Tick) and memory.level_w > 0 and self._export_w(memory, now) is None:
            return self._silenced(memory, now)
        else:
            return memory
        export_w = self._export_w(memory, now)
        if export_w is None:
            return memory
        available_w = max(0.0, self._drawn_w(now, site) + export_w + self.settings.import_w)
        return followed(memory, available_w, self.settings, now)

    def _silenced(self, memory: Flow, now: datetime) -> Flow:
        """Let go of the surplus when nothing is known of it; right after a start the first reading has time to come."""
        is_new = memory.meter is None and memory.battery is None
        if is_new and memory.begun_at is None:
            return replace(memory, begun_at=now)
        if is_new and memory.begun_at is not None and now - memory.begun_at < FIRST_READING:
            return memory
        return replace(memory, level_w=0.0, why=f"{self._source} is silent: nothing is known of a surplus")

    @property
    def _source(self) -> str:
        return f"meter {self.settings.meter}" if self.settings.meter else f"battery {self.settings.battery}"

    def _export_w(self, memory: Flow, now: datetime) -> float | None:
        """Return what flows out, negative while buying; None when nothing fresh says it."""
        battery = memory.battery if memory.battery and not memory.battery.is_stale(now) else None
        flow_w = battery.battery_w or 0.0 if battery else 0.0
        is_full = battery is not None and battery.soc_pct >= self.settings.charge_first_pct
        # What empties the battery is no surplus, whatever the meter says; what charges it is, when it is full enough.
        stored_w = flow_w if is_full or flow_w < 0 else 0.0
        if memory.meter is not None and not memory.meter.is_stale(now):
            return stored_w - memory.meter.power_w
        if battery is None:
            return None
        if battery.grid_w is not None:
            return stored_w - battery.grid_w
        if battery.pv_w is None or battery.load_w is None:
            return None
        # Without a figure of the grid: what the sun gives beyond the load, and beyond what charges the battery first.
        return battery.pv_w - battery.load_w - (0.0 if is_full else max(0.0, flow_w))

    def _drawn_w(self, now: datetime, site: SiteView) -> float:
        scope = self.settings.scope
        drawn_w = 0.0
        for miner, reading in site.readings.items():
            info = site.infos.get(miner)
            is_inside = scope in (SITE, miner) or (info is not None and info.group == scope)
            if is_inside and reading.power_w and not reading.is_stale(now):
                drawn_w += reading.power_w
        return drawn_w

    def bids(self, memory: Flow, now: datetime, site: SiteView) -> tuple[Bid, ...]:
        """Ask for the surplus."""
        until, scope, level_w, rank = now + RENEWED, self.settings.scope, memory.level_w, RANKS[self.settings.rank]
        made = [Bid(OWN, scope, f"{self.name}-wish", Rank.ECONOMICS, until, memory.why, wish_w=level_w)]
        if self.settings.is_only or level_w > 0:
            cap_w = level_w if self.settings.is_only else None
            made.append(Bid(OWN, scope, self.name, rank, until, memory.why, cap_w=cap_w, floor_w=level_w))
        return tuple(made)

    def kept(self, memory: Flow) -> PolicyMemory:
        """Keep the level, so that a restart of the controller restarts no miner."""
        return PolicyMemory(numbers={"level_w": memory.level_w})

    def recalled(self, memory: Flow, kept: PolicyMemory) -> Flow:
        """Take back the level; it falls again when there is too little."""
        return replace(memory, level_w=kept.numbers.get("level_w", 0.0), why="as before the controller's restart")

    def waits_for(self, memory: Flow) -> str | None:
        """Wait for the first reading."""
        return None if memory.meter or memory.battery else self._source


def followed(flow: Flow, available_w: float, settings: SurplusSettings, now: datetime) -> Flow:
    """Follow what is available at `now`: the level rises and falls late, and at once when the bridge is used up."""
    gap = timedelta(0) if flow.seen_at is None else max(timedelta(0), now - flow.seen_at)
    missing_w = flow.level_w - available_w
    # The budget comes back over an hour, and with whatever flows out meanwhile.
    bridged_wh = max(0.0, flow.bridged_wh + (missing_w - settings.bridge_wh) * min(gap.total_seconds(), 300) / 3600)
    flow = replace(flow, seen_at=now, bridged_wh=bridged_wh)
    stepped_w = math.floor(available_w / settings.step_w) * settings.step_w
    if stepped_w > flow.level_w:
        return _perhaps_raised(replace(flow, little_since=None), stepped_w, settings, now)
    flow = replace(flow, enough_since=None)
    if missing_w <= 0:
        return replace(flow, little_since=None)
    return _perhaps_lowered(flow, stepped_w, settings, now)


def _perhaps_raised(flow: Flow, stepped_w: float, settings: SurplusSettings, now: datetime) -> Flow:
    since = flow.enough_since
    if since is None:
        return replace(flow, enough_since=now, enough_w=stepped_w)
    flow = replace(flow, enough_w=min(flow.enough_w, stepped_w))
    if now - since < timedelta(seconds=settings.raise_after_s):
        return flow
    why = f"{flow.enough_w:g} W of surplus for {settings.raise_after_s / 60:g} min, more than {flow.level_w:g} W"
    return _at(flow, flow.enough_w, why)


def _perhaps_lowered(flow: Flow, stepped_w: float, settings: SurplusSettings, now: datetime) -> Flow:
    if flow.bridged_wh > settings.bridge_wh:
        why = f"{settings.bridge_wh:g} Wh were bridged; {stepped_w:g} W of surplus are left of {flow.level_w:g} W"
        return _at(flow, stepped_w, why)
    since = flow.little_since
    if since is None:
        return replace(flow, little_since=now, little_w=stepped_w)
    flow = replace(flow, little_w=max(flow.little_w, stepped_w))
    if now - since < timedelta(seconds=settings.lower_after_s):
        return flow
    why = f"{flow.little_w:g} W of surplus for {settings.lower_after_s / 60:g} min, less than {flow.level_w:g} W"
    return _at(flow, flow.little_w, why)


def _at(flow: Flow, level_w: float, why: str) -> Flow:
    return replace(flow, level_w=level_w, why=why, enough_since=None, little_since=None, bridged_wh=0.0)
