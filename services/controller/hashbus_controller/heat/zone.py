"""One zone from moment to moment: what it needs, and what its miners are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hashbus.messages import HeatingCurve, ZoneActivity, ZoneControl, ZoneState, ZoneTargets
from hashbus_controller.heat import frost, stages, window
from hashbus_controller.heat.choices import Aim
from hashbus_controller.heat.counters import Counters, counted
from hashbus_controller.heat.curve import supply_c
from hashbus_controller.heat.frost import Frost
from hashbus_controller.heat.heaters import Heater
from hashbus_controller.heat.inputs import Found
from hashbus_controller.heat.regulator import Gains, Regulator, paused, regulated
from hashbus_controller.heat.settings import ZoneSettings
from hashbus_controller.heat.stages import Stages
from hashbus_controller.heat.window import Pause, Window

BANDS_K = {ZoneControl.ROOM: 3.0, ZoneControl.SUPPLY: 15.0}
INTEGRALS_S = {ZoneControl.ROOM: 9000.0, ZoneControl.SUPPLY: 1200.0}
"""Proportional band and integral time of a regulator that nobody tuned. Room controllers of KNX come with 4 K and
100 min for electric heating, and 5 K and 150 min for radiators; tried on houses of 3 to 15 MJ/K, 3 K and 150 min held
rooms closest at the same number of switches. Water answers within minutes."""

RECENT = timedelta(minutes=10)
"""What an earlier run said so lately is gone on from; older, the miners begin anew."""

STILL = timedelta(minutes=30)
"""So long after its own miners were lowered a room may cool quickly without an open window."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a zone at a moment."""

    name: str
    settings: ZoneSettings
    aim: Aim
    targets: ZoneTargets
    curve: HeatingCurve
    found: Found | None
    room: Found | None
    outdoor_c: float | None
    mean_outdoor_c: float | None
    contact: str | None
    heaters: Sequence[Heater]
    is_enabled: bool
    time_zone: ZoneInfo
    now: datetime
    why_blind: str = ""

    @property
    def nominal_w(self) -> float:
        """Return the heat that all miners of the zone give together."""
        return sum(heater.most_w for heater in self.heaters) * self.settings.heat_share

    @property
    def title(self) -> str:
        """Return what people call the zone."""
        return self.settings.name or self.name

    def reachable_w(self) -> float:
        """Return the heat that can be had now: of miners that are reached, as far as the caps of others let them."""
        can = (one for one in self.heaters if one.is_available)
        return sum(min(one.most_w, one.limit_w) for one in can) * self.settings.heat_share


@dataclass(frozen=True, slots=True)
class Zone:
    """What is remembered of a zone, and how it stands."""

    regulator: Regulator = field(default_factory=Regulator)
    stages: Stages = field(default_factory=Stages)
    frost: Frost = field(default_factory=Frost)
    window: Window = field(default_factory=Window)
    counters: Counters = field(default_factory=Counters)
    activity: ZoneActivity = ZoneActivity.OFF
    target_c: float | None = None
    pause: Pause | None = None
    is_too_warm: bool = False
    lowered_at: datetime | None = None
    delivered_w: float | None = None
    loop_heat_w: float | None = None

    @property
    def asked_w(self) -> Mapping[str, float]:
        """Return the most that each miner is asked for, for warmth or against frost."""
        floors_w, warm_w = self.frost.floors_w, self.stages.asked_w
        return {miner: max(warm_w.get(miner, 0.0), floors_w.get(miner, 0.0)) for miner in {*warm_w, *floors_w}}


def advanced(before: Zone, facts: Facts) -> Zone:
    """Return the zone a moment later."""
    now = facts.now
    zone = replace(before, target_c=_target_c(facts), window=_windows(before, facts))
    zone = replace(zone, pause=window.pause(zone.window, facts.settings.window, now))
    zone = _protected(zone, facts)
    zone = _heated(zone, facts)
    return _counted(before, zone, facts)


def recalled(zone: Zone, said: ZoneState, now: datetime) -> Zone:
    """Return the zone with what an earlier run of the controller said of it last."""
    was_just_now = now - said.at < RECENT
    regulator = Regulator(integral_w=said.integral_w, output_w=said.needed_w if was_just_now else 0.0)
    counters = Counters(
        needed_wh=said.needed_wh,
        delivered_wh=said.delivered_wh,
        needed_today_wh=said.needed_today_wh,
        delivered_today_wh=said.delivered_today_wh,
        switches_today=said.switches_today,
        today=said.today,
    )
    asked = Stages(asked_w=said.asked_w, debt_wh=said.debt_wh) if was_just_now else Stages()
    return replace(zone, regulator=regulator, counters=counters, stages=asked)


def _target_c(facts: Facts) -> float:
    if facts.settings.control is ZoneControl.ROOM:
        return facts.aim.room_c
    return supply_c(facts.curve, facts.aim.room_c, facts.mean_outdoor_c, facts.room.value_c if facts.room else None)


def _windows(zone: Zone, facts: Facts) -> Window:
    measured = facts.room if facts.settings.control is ZoneControl.SUPPLY else facts.found
    is_own = zone.lowered_at is not None and facts.now - zone.lowered_at < STILL
    is_watched = measured is not None and not is_own
    return window.watched(
        zone.window,
        facts.settings.window,
        contact=facts.contact,
        temperature_c=measured.value_c if measured and is_watched else None,
        source=measured.key if measured else "",
        now=facts.now,
    )


def _protected(zone: Zone, facts: Facts) -> Zone:
    limit_c, nominal_w = facts.targets.antifreeze_c, facts.nominal_w
    heaters, now = facts.heaters, facts.now
    if facts.found is not None:
        state = frost.watched(zone.frost, facts.found.value_c, limit_c)
        if state.is_on:
            wanted_w = frost.needed_w(facts.found.value_c, limit_c, nominal_w) / facts.settings.heat_share
            why = f"{facts.found.value_c:.1f} °C, frost protection from {limit_c:g} °C"
            state = frost.floored(state, wanted_w, heaters, why, now)
        return replace(zone, frost=state)
    wanted_w = frost.blindly_needed_w(
        facts.outdoor_c,
        limit_c,
        facts.settings.frost,
        loss_w_per_k=facts.settings.regulator.loss_w_per_k,
        nominal_w=nominal_w,
    )
    if wanted_w <= 0 and not zone.frost.floors_w:
        return replace(zone, frost=Frost())
    weather = "and no weather" if facts.outdoor_c is None else f"and {facts.outdoor_c:.1f} °C outdoors"
    why = f"no temperature to go by {weather}: frost protection"
    return replace(zone, frost=frost.floored(zone.frost, wanted_w / facts.settings.heat_share, heaters, why, now))


def _heated(zone: Zone, facts: Facts) -> Zone:
    """Regulate, or rest where heating is off, paused, blind or too warm."""
    found, heaters, now = facts.found, facts.heaters, facts.now
    if not facts.is_enabled:
        return _rested(zone, stages.released(zone.stages, now), ZoneActivity.OFF, now)
    if found is None or zone.target_c is None:
        return _rested(zone, stages.off(zone.stages, heaters, now), ZoneActivity.BLIND, now)
    if zone.pause is not None:
        return _rested(zone, stages.off(zone.stages, heaters, now), ZoneActivity.PAUSED, now)
    error_k = zone.target_c - found.value_c
    reachable_w = facts.reachable_w()
    before, answer = _beginning(zone, facts), gains(facts)
    regulator = regulated(before, error_k, answer, reachable_w=reachable_w, basis=_basis(facts), now=now)
    far_k = facts.settings.too_warm_k
    is_too_warm = -error_k >= (far_k / 2 if zone.is_too_warm else far_k)
    zone = replace(zone, regulator=regulator, is_too_warm=is_too_warm)
    if is_too_warm:
        return replace(zone, stages=stages.off(zone.stages, heaters, now), activity=ZoneActivity.IDLE)
    known = stages.taken_over(zone.stages, heaters, now)
    power_w = regulator.output_w / facts.settings.heat_share
    shared = stages.shared(known, power_w, heaters, facts.settings.steps, now)
    activity = ZoneActivity.HEATING if any(shared.asked_w.values()) else ZoneActivity.IDLE
    return replace(zone, stages=shared, activity=ZoneActivity.FROST if zone.frost.is_on else activity)


def _beginning(zone: Zone, facts: Facts) -> Regulator:
    """Return the regulator; where the miners are only taken over, it begins with the heat that they give already."""
    if zone.stages.asked_w or zone.regulator.output_w > 0:
        return zone.regulator
    given_w = stages.given_w(zone.stages, [heater for heater in facts.heaters if heater.is_available])
    return replace(zone.regulator, output_w=min(given_w * facts.settings.heat_share, facts.nominal_w))


def _rested(zone: Zone, asked: Stages, activity: ZoneActivity, now: datetime) -> Zone:
    shown = ZoneActivity.FROST if zone.frost.floors_w else activity
    return replace(zone, regulator=paused(zone.regulator, now), stages=asked, activity=shown, is_too_warm=False)


def gains(facts: Facts) -> Gains:
    """Return how strongly the zone answers, and what it loses to the weather where that is known."""
    chosen, control = facts.settings.regulator, facts.settings.control
    feed_w = 0.0
    if facts.outdoor_c is not None:
        feed_w = chosen.loss_w_per_k * max(0.0, facts.aim.room_c - facts.outdoor_c)
    return Gains(
        gain_w_per_k=facts.nominal_w / (chosen.band_k or BANDS_K[control]),
        integral_s=chosen.integral_s or INTEGRALS_S[control],
        rise_s=chosen.rise_s,
        nominal_w=facts.nominal_w,
        feed_w=min(feed_w, facts.nominal_w),
    )


def _basis(facts: Facts) -> tuple[object, ...]:
    """Return what the answer rests on: another thermometer or another zone of miners must not make it jump."""
    is_fed = facts.outdoor_c is not None and facts.settings.regulator.loss_w_per_k > 0
    return (facts.found.key if facts.found else "", round(facts.nominal_w), is_fed)


def _counted(before: Zone, zone: Zone, facts: Facts) -> Zone:
    told = [one for one in facts.heaters if one.measured_w is not None]
    loops = [one.loop_w for one in facts.heaters if one.loop_w is not None]
    share = facts.settings.heat_share
    delivered_w = sum(one.measured_w or 0.0 for one in told) * share if told else None
    loop_heat_w = sum(loops) if loops else None
    if facts.settings.measured_by == "loop":
        delivered_w = loop_heat_w
    is_lower = sum(zone.stages.asked_w.values()) < sum(before.stages.asked_w.values())
    counters = counted(
        zone.counters,
        needed_w=zone.regulator.output_w,
        delivered_w=delivered_w,
        switches=zone.stages.switches - before.stages.switches,
        now=facts.now,
        zone=facts.time_zone,
    )
    return replace(
        zone,
        counters=counters,
        delivered_w=delivered_w,
        loop_heat_w=loop_heat_w,
        lowered_at=facts.now if is_lower else zone.lowered_at,
    )
