"""What a zone says of itself: its state for people and pages, and the bids for its miners with their reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from math import isfinite
from zoneinfo import ZoneInfo

from hashbus.messages import Rank, SwitchPoint, ZoneControl, ZoneState
from hashbus_controller.bids import OWN, RENEWED, Bid
from hashbus_controller.heat.curve import ASSUMED_OUTDOOR_C
from hashbus_controller.heat.zone import Facts, Zone
from hashbus_controller.policy import SiteView

FEW = 3
"""So many miners are named in a sentence; the others are counted."""


def reason(zone: Zone, facts: Facts) -> str:
    """Say in one sentence how warm the zone is and what it needs: `18.6 °C, 0.9 below 19.5: 1,240 W wanted`."""
    if zone.frost.floors_w:
        return zone.frost.why
    if facts.found is None or zone.target_c is None:
        return f"no temperature to go by: {facts.why_blind}; off"
    stands = f"{facts.found.value_c:.1f} °C, {_beside(facts.found.value_c, zone.target_c)}"
    if not facts.is_enabled:
        return f"{stands}: automatic control is off"
    if zone.pause is not None:
        return f"{stands}: paused, {zone.pause.why}, until {_clock(zone.pause.until, facts.time_zone)} at the latest"
    if zone.is_too_warm:
        return f"{stands}: too warm for anybody to mine here"
    return f"{stands}: {_watts(zone.regulator.output_w)} wanted"


def _beside(value_c: float, target_c: float) -> str:
    off_k = value_c - target_c
    if abs(off_k) < 0.05:
        return f"just {target_c:.1f}"
    return f"{abs(off_k):.1f} {'above' if off_k > 0 else 'below'} {target_c:.1f}"


def _watts(power_w: float) -> str:
    return f"{power_w:,.0f} W" if power_w >= 1 else "nothing"


def _clock(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%H:%M}"


def limited_by(zone: Zone, facts: Facts, site: SiteView) -> str | None:
    """Say what keeps the miners from giving what the zone needs; None when nothing does."""
    if not facts.is_enabled:
        return "automatic control is off"
    if facts.found is None:
        return facts.why_blind
    obstacles = list(_obstacles(zone, facts, site))
    if not obstacles and zone.regulator.output_w >= facts.nominal_w > 0:
        obstacles.append(f"its miners give {_watts(facts.nominal_w)} at most")
    if facts.settings.control is ZoneControl.SUPPLY and facts.mean_outdoor_c is None:
        obstacles.append(f"the weather is not known: water as for {ASSUMED_OUTDOOR_C:g} °C")
    if not facts.heaters:
        obstacles.append("none of its miners can be told its power")
    more = [f"and {len(obstacles) - FEW} more"] if len(obstacles) > FEW else []
    return "; ".join([*obstacles[:FEW], *more]) or None


def _obstacles(zone: Zone, facts: Facts, site: SiteView) -> Iterator[str]:
    all_asked_w = zone.asked_w
    for heater in facts.heaters:
        asked_w, held = all_asked_w.get(heater.miner, 0.0), site.held.get(heater.miner)
        if not heater.is_available:
            yield f"{heater.miner} is not there"
        elif isfinite(heater.limit_w) and held is not None:
            yield f"{heater.miner}: {held.winner} leaves {heater.limit_w:,.0f} of {asked_w:,.0f} W"


def state(facts: Facts, zone: Zone, site: SiteView, schedule: Sequence[SwitchPoint]) -> ZoneState:
    """Return the zone's state as it is published; figures are rounded, so that noise is no news."""
    aim, found, counters = facts.aim, facts.found, zone.counters
    return ZoneState(
        site=site.site,
        at=facts.now,
        zone=facts.name,
        name=facts.settings.name,
        control=facts.settings.control,
        activity=zone.activity,
        profile=aim.profile,
        profile_by=aim.by,
        profile_until=aim.until,
        temperature_c=_tenths(found.value_c if found else None),
        target_c=_tenths(zone.target_c),
        room_c=_tenths(facts.room.value_c if facts.room else None),
        room_target_c=_tenths(aim.room_c),
        outdoor_c=_tenths(facts.outdoor_c),
        input=found.key if found else None,
        input_age_s=round(found.age_s) if found else None,
        is_window_open=facts.contact is not None,
        paused_until=zone.pause.until if zone.pause else None,
        needed_w=round(zone.regulator.output_w),
        wished_w=round(sum(zone.stages.asked_w.values())),
        delivered_w=None if zone.delivered_w is None else round(zone.delivered_w),
        loop_heat_w=None if zone.loop_heat_w is None else round(zone.loop_heat_w),
        capacity_w=round(facts.reachable_w()),
        needed_wh=round(counters.needed_wh, 1),
        delivered_wh=round(counters.delivered_wh, 1),
        needed_today_wh=round(counters.needed_today_wh, 1),
        delivered_today_wh=round(counters.delivered_today_wh, 1),
        switches_today=counters.switches_today,
        limited_by=_short(limited_by(zone, facts, site)),
        reason=_short(reason(zone, facts)) or "",
        miners=tuple(heater.miner for heater in facts.heaters),
        asked_w=dict(zone.stages.asked_w),
        targets=facts.targets,
        schedule=tuple(schedule),
        curve=facts.curve if facts.settings.control is ZoneControl.SUPPLY else None,
        integral_w=round(zone.regulator.integral_w, 1),
        debt_wh=round(zone.stages.debt_wh, 1),
        today=counters.today,
    )


def _tenths(value_c: float | None) -> float | None:
    return None if value_c is None else round(value_c, 1)


def _short(text: str | None) -> str | None:
    return text and text[:1000]


def bids(zone: Zone, facts: Facts) -> tuple[Bid, ...]:
    """Return what the zone asks of its miners: a wish or a floor for its warmth, and floors against frost."""
    why, until = _short(f"{facts.title} {reason(zone, facts)}") or "", facts.now + RENEWED
    known = (heater for heater in facts.heaters if heater.miner in zone.stages.asked_w)
    wanted = (_wish(heater.miner, zone, facts, why, until) for heater in known)
    frost_why = _short(f"{facts.title} {zone.frost.why}") or ""
    against_frost = (
        Bid(OWN, miner, "frost", Rank.ANTIFREEZE, until, frost_why, floor_w=floor_w)
        for miner, floor_w in zone.frost.floors_w.items()
    )
    return (*wanted, *against_frost)


def _wish(miner: str, zone: Zone, facts: Facts, why: str, until: datetime) -> Bid:
    asked_w = zone.stages.asked_w[miner]
    cap_w = 0.0 if zone.is_too_warm else None
    is_free = facts.settings.when_warm == "free" and not zone.is_too_warm
    return Bid(
        OWN,
        miner,
        "heat",
        Rank.HEAT,
        until,
        why,
        cap_w=cap_w,
        floor_w=asked_w if is_free else None,
        wish_w=None if is_free else asked_w,
    )
