"""What the heating knows: temperatures, choices, programs and the miners of each zone; and out of it a zone's facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import exp
from zoneinfo import ZoneInfo

from hashbus.messages import HeatProgram, MinerInfo, SensorTelemetry, SwitchPoint, ZoneControl
from hashbus_controller.heat.choices import Choices, aim
from hashbus_controller.heat.heaters import heaters_of
from hashbus_controller.heat.inputs import OUTDOOR_C, ROOM_C, SUPPLY_C, Found, Thermometers, chosen, why_none
from hashbus_controller.heat.settings import HeatSettings, OutdoorSettings, ZoneSettings
from hashbus_controller.heat.window import open_contact
from hashbus_controller.heat.zone import Facts, Zone
from hashbus_controller.policy import SiteView


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that was heard, and the weather as a house feels it."""

    sensors: Mapping[str, SensorTelemetry] = field(default_factory=dict)
    choices: Choices = field(default_factory=dict)
    programs: Mapping[str, HeatProgram] = field(default_factory=dict)
    infos: Mapping[str, MinerInfo] | None = None
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    outdoor: Found | None = None
    mean_outdoor_c: float | None = None
    at: datetime | None = None
    is_fast: bool = False
    """Whether this site modulates tuned miners below their limits."""


def with_members(known: Known, settings: HeatSettings, site: SiteView) -> Known:
    """Find the miners of each zone; anew only when some miner has said who it is."""
    if known.infos is site.infos:
        return known
    zones = {member: zone for zone, one in settings.zones.items() for member in one.miners}
    members: dict[str, list[str]] = {zone: [] for zone in settings.zones}
    for miner, info in site.infos.items():
        # A miner that is named itself stays with its zone, whatever its group heats.
        zone = zones.get(miner) or zones.get(info.group or "")
        if zone is not None:
            members[zone].append(miner)
    return replace(known, infos=site.infos, members={zone: tuple(miners) for zone, miners in members.items()})


def with_weather(known: Known, settings: OutdoorSettings, site: SiteView, now: datetime) -> Known:
    """Look at the weather: as it is, and as a house feels it, which is a lag of first order behind the thermometer."""
    found = chosen(settings.inputs, Thermometers(known.sensors, site.readings), now, within_c=OUTDOOR_C)
    mean_c = known.mean_outdoor_c
    if found is not None and mean_c is None:
        mean_c = found.value_c
    elif found is not None and mean_c is not None and known.at is not None:
        elapsed_s = max(0.0, (now - known.at).total_seconds())
        mean_c += (found.value_c - mean_c) * (1 - exp(-elapsed_s / max(1.0, settings.smoothing_s)))
    return replace(known, outdoor=found, mean_outdoor_c=mean_c, at=now)


def silent(known: Known, zones: Mapping[str, ZoneSettings], site: SiteView, now: datetime) -> list[str]:
    """Return the zones of which no temperature is known."""
    thermometers = Thermometers(known.sensors, site.readings)
    return [name for name, one in zones.items() if not chosen(one.inputs, thermometers, now, within_c=bounds_c(one))]


def bounds_c(settings: ZoneSettings) -> tuple[float, float]:
    """Return between which temperatures a zone's thermometer can be believed."""
    return ROOM_C if settings.control is ZoneControl.ROOM else SUPPLY_C


def schedule_of(known: Known, name: str, settings: ZoneSettings) -> tuple[SwitchPoint, ...]:
    """Return the week in force: of the newest program, else of the site file."""
    program = known.programs.get(name)
    return settings.schedule if program is None or program.schedule is None else program.schedule


def facts_of(
    name: str, zone: Zone, known: Known, settings: ZoneSettings, time_zone: ZoneInfo, site: SiteView, now: datetime
) -> Facts:
    """Return what is known of a zone at this moment."""
    program = known.programs.get(name)
    targets = program.targets if program is not None and program.targets is not None else settings.targets
    thermometers = Thermometers(known.sensors, site.readings)
    is_room, within_c = settings.control is ZoneControl.ROOM, bounds_c(settings)
    found = chosen(settings.inputs, thermometers, now, within_c=within_c)
    return Facts(
        name=name,
        settings=settings,
        aim=aim(
            name,
            known.choices,
            targets=targets,
            schedule=schedule_of(known, name, settings),
            otherwise=settings.profile,
            time_zone=time_zone,
            now=now,
        ),
        targets=targets,
        curve=program.curve if program is not None and program.curve is not None else settings.curve,
        found=found,
        room=found if is_room else chosen(settings.room_inputs, thermometers, now, within_c=ROOM_C),
        outdoor_c=known.outdoor.value_c if known.outdoor else None,
        mean_outdoor_c=known.mean_outdoor_c if known.outdoor else None,
        contact=open_contact(settings.window, known.sensors),
        heaters=heaters_of(known.members.get(name, ()), site, zone.asked_w, now, is_fast=known.is_fast),
        is_enabled=site.is_enabled,
        time_zone=time_zone,
        now=now,
        why_blind="" if found else why_none(settings.inputs, thermometers, now, within_c=within_c),
    )
