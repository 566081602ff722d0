"""Heat: zones, profiles, and the programs that people change at run time (S4.24, S4.65, S4.66)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, ValidationError

from hashbus.messages import (
    HeatingCurve,
    HeatProgram,
    HeatState,
    Moment,
    Profile,
    ProfileRequest,
    SwitchPoint,
    ZoneRequest,
    ZoneState,
    ZoneTargets,
)
from hashbus.messages.heat import TargetCelsius
from hashbus_web.acts.operation import Operation
from hashbus_web.acts.power import SOURCE
from hashbus_web.parts import Parts
from hashbus_web.people.callers import Caller
from hashbus_web.people.rights import Right
from hashbus_web.problems import not_found, of_validation, wrong
from hashbus_web.routes.dependencies import PROBLEMS, DeviceId, Here, May, SiteReader, asked

router = APIRouter(prefix="/api/heat", tags=["heat"], responses=PROBLEMS)

Heater = Annotated[Caller, Depends(May(Right.HEAT, on_site=True))]


class Heat(BaseModel):
    """The heating as it is."""

    house: HeatState | None
    zones: dict[str, ZoneState]
    programs: dict[str, HeatProgram]


class ProfileBody(BaseModel):
    """How the house shall live; `is_cancelled` goes back to the schedules."""

    model_config = ConfigDict(extra="forbid")

    profile: Profile = Profile.MANUAL
    until: Moment | None = None
    is_cancelled: bool = False


class ZoneBody(ProfileBody):
    """How one zone shall live, perhaps at a temperature of its own."""

    target_c: TargetCelsius | None = None


class ProgramBody(BaseModel):
    """Temperatures, week and heating curve of a zone; what is not given stays as the site file has it."""

    model_config = ConfigDict(extra="forbid")

    targets: ZoneTargets | None = None
    schedule: tuple[SwitchPoint, ...] | None = None
    curve: HeatingCurve | None = None


@router.get("")
async def heat(here: Here, _caller: SiteReader) -> Heat:
    """All zones, with what is in force and why."""
    view = here.site.view
    return Heat(house=view.one(HeatState), zones=dict(view.all(ZoneState)), programs=dict(view.all(HeatProgram)))


@router.post("/profile", status_code=202)
async def set_profile(here: Here, caller: Heater, body: ProfileBody) -> Operation:
    """Choose a profile for the house."""
    _check_until(here, body.until)
    request = ProfileRequest(
        site=here.bus.site,
        at=here.clock.now(),
        source=SOURCE,
        profile=body.profile,
        until=body.until,
        is_cancelled=body.is_cancelled,
    )
    detail = body.model_dump(mode="json", exclude_none=True)
    return await asked(here, caller, request, act="profile", target="site", detail=detail)


@router.post("/zones/{zone}", status_code=202)
async def set_zone(here: Here, caller: Heater, zone: DeviceId, body: ZoneBody) -> Operation:
    """Choose a profile or a temperature for one zone."""
    _check_zone(here, zone)
    _check_until(here, body.until)
    values = {"site": here.bus.site, "at": here.clock.now(), "zone": zone, "source": SOURCE, **dict(body)}
    request = ZoneRequest.model_validate(values)
    detail = body.model_dump(mode="json", exclude_none=True)
    return await asked(here, caller, request, act="zone", target=zone, detail=detail)


@router.put("/zones/{zone}/program", status_code=202)
async def set_program(here: Here, caller: Heater, zone: DeviceId, body: ProgramBody) -> Operation:
    """Change a zone's temperatures, week or heating curve; all of it is given each time."""
    _check_zone(here, zone)
    values = {"site": here.bus.site, "at": here.clock.now(), "zone": zone, "source": SOURCE, **dict(body)}
    try:
        program = HeatProgram.model_validate(values)
    except ValidationError as error:
        raise of_validation(error) from None
    detail = body.model_dump(mode="json", exclude_none=True)
    return await asked(here, caller, program, act="program", target=zone, detail=detail)


def _check_zone(here: Parts, zone: str) -> None:
    if here.site.view.one(ZoneState, zone) is None:
        raise not_found("zone", zone)


def _check_until(here: Parts, until: Moment | None) -> None:
    if until is not None and until <= here.clock.now():
        raise wrong("until", f"{until.isoformat()} is over already")
