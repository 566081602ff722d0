"""Who can give up how much: from what the miners say of themselves, candidates, and for the others the reason.

A candidate counts with the power of a fresh reading only. At a lower power a miner is taken to lose hashrate in
proportion: firmware does a little better, so a plan never loses more than it says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from hashbus.messages import MinerInfo, MinerState, MinerTelemetry, ZoneActivity, ZoneState
from hashbus.power import target
from hashbus_curtailer.settings import CurtailerSection, SparedZones
from hashbus_curtailer.shelf import Shelf

STEPS = 6
"""A miner that takes any number of watts is looked at in so many steps; the last one of a plan is fitted exactly."""

RAMP_S = 300.0
"""How long a miner takes to its full hashrate after a restart, where neither its driver nor experience says."""

HEATING = ("heating", "anti-freezing")
"""Words of `heat_mode` (WhatsMiner hydro models) that mean that somebody needs the warmth."""


WARMING: Mapping[SparedZones, tuple[ZoneActivity, ...]] = MappingProxyType(
    {
        SparedZones.NONE: (),
        SparedZones.FROST: (ZoneActivity.FROST,),
        SparedZones.HEATING: (ZoneActivity.FROST, ZoneActivity.HEATING),
    }
)


class Skip(StrEnum):
    """Why a miner takes no part."""

    OTHER_GROUP = "not in the groups that were asked"
    PROTECTED = "protected by the settings"
    HEAT_DUTY = "heats something"
    OFFLINE = "offline"
    NEVER_READ = "never read"
    STALE = "its last reading is too old"
    PARTIAL = "its last reading is cut short"
    UNKNOWN_POWER = "does not say what it draws"
    FAULT = "has a fault"
    TUNING = "is tuning, its power is not settled"
    ALREADY_OFF = "already off"
    CANNOT_CHANGE = "cannot be told a power"
    NOTHING_TO_GIVE = "already at the least it can draw"
    RECENTLY_BACK = "has only just come back"
    REFUSED = "did not follow this plan"


@dataclass(frozen=True, slots=True)
class Option:
    """One power a miner could go down to, what that saves, and what it loses."""

    cap_w: float
    saves_w: float
    loses_ths: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A miner that can give up power: what it draws now, and what it could go down to, least saving first.

    `step_w` and `least_w` are given for a miner that takes any number of watts from `least_w` up.
    """

    miner: str
    power_w: float
    hashrate_ths: float
    options: tuple[Option, ...]
    step_w: float | None = None
    least_w: float = 0.0
    restarts: bool = True
    ramp_s: float = RAMP_S


@dataclass(frozen=True)
class Fleet:
    """What is known about the miners of the site."""

    infos: Shelf[MinerInfo] = field(default_factory=Shelf)
    readings: Shelf[MinerTelemetry] = field(default_factory=Shelf)
    gone: frozenset[str] = frozenset()
    """Miners that the poller does not reach."""
    back_at: Mapping[str, datetime] = field(default_factory=dict)
    zones: Mapping[str, ZoneState] = field(default_factory=dict)

    def is_offline(self, miner: str) -> bool:
        """Say whether the poller does not reach it."""
        return miner in self.gone

    def group_of(self, miner: str) -> str | None:
        """Return the group of a miner."""
        info = self.infos.get(miner)
        return info.group if info else None

    def drawn_w(self, miner: str, now: datetime, asleep_w: float) -> float | None:
        """Return what a miner draws by a fresh reading; None when that is not known.

        A firmware that sleeps and is silent about its power draws `asleep_w`.
        """
        reading = self.readings.get(miner)
        if reading is None or reading.is_stale(now) or self.is_offline(miner):
            return None
        if reading.power_w is None and reading.state is MinerState.SLEEPING:
            return asleep_w
        return reading.power_w


def candidates(
    fleet: Fleet,
    settings: CurtailerSection,
    now: datetime,
    *,
    refused: Collection[str] = (),
    in_plan: Collection[str] = (),
    groups: Collection[str] = (),
) -> tuple[list[Candidate], dict[str, Skip]]:
    """Return who can take part, and why each of the others cannot; who is `in_plan` already is neither.

    With `groups` only their miners take part.
    """
    found, skipped = [], {}
    warming = _warming(fleet, settings, now)
    for miner in (fleet.infos.keys() | fleet.readings.keys()) - {*in_plan}:
        one = Skip.REFUSED if miner in refused else _judged(fleet, settings, miner, now)
        if miner in warming and isinstance(one, Candidate):
            one = Skip.HEAT_DUTY
        if groups and fleet.group_of(miner) not in groups:
            one = Skip.OTHER_GROUP
        if isinstance(one, Candidate):
            found.append(one)
        else:
            skipped[miner] = one
    return sorted(found, key=lambda candidate: candidate.miner), dict(sorted(skipped.items()))


def _warming(fleet: Fleet, settings: CurtailerSection, now: datetime) -> set[str]:
    """Return the miners whose zone needs them now, by what the heating said a moment ago."""
    spared = WARMING[settings.spare_zones]
    zones = [zone for zone in fleet.zones.values() if zone.activity in spared and not zone.is_stale(now)]
    return {miner for zone in zones for miner in zone.miners}


def _judged(fleet: Fleet, settings: CurtailerSection, miner: str, now: datetime) -> Candidate | Skip:
    info, reading = fleet.infos.get(miner), fleet.readings.get(miner)
    named = {miner, info.group if info else None}
    if named & {*settings.protected}:
        return Skip.PROTECTED
    if named & {*settings.heat_duty} or (reading and reading.heat_mode in HEATING):
        return Skip.HEAT_DUTY
    if info is None:
        return Skip.CANNOT_CHANGE
    if fleet.is_offline(miner):
        return Skip.OFFLINE
    if reading is None:
        return Skip.NEVER_READ
    back_at = fleet.back_at.get(miner)
    if back_at is not None and now - back_at < timedelta(seconds=settings.min_on_s):
        return Skip.RECENTLY_BACK
    return _unfit(reading, now) or _candidate(info, reading, settings)


def _unfit(reading: MinerTelemetry, now: datetime) -> Skip | None:
    """Return why a reading does not tell what the miner could give."""
    reasons = (
        (reading.is_stale(now), Skip.STALE),
        (reading.state is MinerState.SLEEPING, Skip.ALREADY_OFF),
        (reading.state is MinerState.FAULT, Skip.FAULT),
        (reading.state is MinerState.TUNING, Skip.TUNING),
        (reading.power_w is None and reading.is_partial, Skip.PARTIAL),
        (reading.power_w is None, Skip.UNKNOWN_POWER),
        (reading.power_w == 0, Skip.ALREADY_OFF),
    )
    return next((skip for is_so, skip in reasons if is_so), None)


def _candidate(info: MinerInfo, reading: MinerTelemetry, settings: CurtailerSection) -> Candidate | Skip:
    power_w, hashrate_ths = reading.power_w or 0.0, reading.hashrate_ths or 0.0
    if target(0.0, info) is None:
        return Skip.CANNOT_CHANGE
    caps_w = {goal.power_w for asked_w in _asked(info, power_w) if (goal := target(asked_w, info))}
    options = tuple(
        option
        for cap_w in sorted(caps_w, reverse=True)
        if (option := _option(cap_w, power_w, hashrate_ths, settings)).saves_w >= settings.min_saving_w
    )
    if not options:
        return Skip.NOTHING_TO_GIVE
    takes_any_w = not info.power_levels and bool(info.min_power_w) and bool(info.power_step_w)
    return Candidate(
        miner=info.miner,
        power_w=power_w,
        hashrate_ths=hashrate_ths,
        options=options,
        step_w=info.power_step_w if takes_any_w else None,
        least_w=info.min_power_w or 0.0,
        restarts=info.power_change.restarts_mining,
        ramp_s=RAMP_S if info.power_change.ramp_s is None else info.power_change.ramp_s,
    )


def _asked(info: MinerInfo, power_w: float) -> Iterator[float]:
    yield 0.0
    yield from _levels(info, power_w)


def _levels(info: MinerInfo, power_w: float) -> Iterable[float]:
    if info.power_levels:
        return [level.power_w for level in info.power_levels if level.power_w < power_w]
    least_w = info.min_power_w
    if not least_w or not info.power_step_w or power_w <= least_w:
        return ()
    return [least_w + (power_w - least_w) * step / STEPS for step in range(STEPS)]


def _option(cap_w: float, power_w: float, hashrate_ths: float, settings: CurtailerSection) -> Option:
    saves_w = power_w - max(cap_w, settings.asleep_draws_w)
    share = 1.0 if cap_w == 0 else saves_w / power_w
    return Option(cap_w, saves_w, hashrate_ths * share)
