"""Batteries (S2.29), meters, sensors, and equipment that can be set."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from hashbus.messages import (
    BatteryAvailability,
    BatteryTelemetry,
    EquipmentCommand,
    EquipmentInfo,
    EquipmentOrder,
    Id,
    MeterAvailability,
    MeterTelemetry,
    SensorAvailability,
    SensorTelemetry,
    Setting,
    SettingValue,
)
from hashbus.topics import ID_PATTERN
from hashbus_web.acts.operation import Operation
from hashbus_web.acts.power import SOURCE
from hashbus_web.history.chart import Chart
from hashbus_web.parts import Parts
from hashbus_web.people.callers import Caller
from hashbus_web.people.rights import Right
from hashbus_web.people.secrets import new_id
from hashbus_web.problems import Problem, not_found, wrong
from hashbus_web.routes.dependencies import PROBLEMS, DeviceId, Here, Orderer, Reader, SiteReader, asked
from hashbus_web.routes.past import Window, chart_reply, csv_reply

ORDER_LASTS = timedelta(minutes=2)


class BatteryStatus(BaseModel):
    """How a battery and its inverter are, and how old that is."""

    id: str
    telemetry: BatteryTelemetry | None = None
    availability: BatteryAvailability | None = None
    age_s: float | None = None
    is_stale: bool = True
    commands: tuple[EquipmentCommand, ...] = ()


class Meter(BaseModel):
    """An electricity meter."""

    telemetry: MeterTelemetry | None = None
    availability: MeterAvailability | None = None


class Sensor(BaseModel):
    """A sensor of any kind."""

    telemetry: SensorTelemetry | None = None
    availability: SensorAvailability | None = None


class NewSetting(BaseModel):
    """What to set, and to what."""

    model_config = ConfigDict(extra="forbid")

    setting: Id
    value: SettingValue


def _sees(caller: Caller, battery: str) -> bool:
    return caller.leaves.sight.sees("battery", battery)


async def named_battery(request: Request, here: Here, caller: Reader, battery: DeviceId) -> None:
    """Take the battery from the path."""
    if battery not in here.site.view.batteries() or not _sees(caller, battery):
        raise not_found("battery", battery)
    request.state.battery = battery


async def only_battery(
    request: Request,
    here: Here,
    caller: Reader,
    battery: Annotated[str | None, Query(pattern=ID_PATTERN, description="Where the site has several")] = None,
) -> None:
    """Take the site's only battery, or the one that the query names."""
    known = [one for one in here.site.view.batteries() if _sees(caller, one)]
    if battery is None and len(known) != 1:
        said = f"the site has {len(known)} batteries: say which one" if known else "no battery has been heard yet"
        raise Problem(422 if known else 404, "wrong" if known else "not_found", said, field="battery")
    chosen = battery or known[0]
    if chosen not in known:
        raise not_found("battery", chosen)
    request.state.battery = chosen


async def target(request: Request) -> str:
    """Return the battery that the path or the query named; empty in a request that is refused for another reason."""
    return getattr(request.state, "battery", "")


Target = Annotated[str, Depends(target)]


async def status(here: Here, battery: Target) -> BatteryStatus:
    """How the battery is now."""
    view, now = here.site.view, here.clock.now()
    reading, info = view.one(BatteryTelemetry, battery), view.one(EquipmentInfo, battery)
    return BatteryStatus(
        id=battery,
        telemetry=reading,
        availability=view.one(BatteryAvailability, battery),
        age_s=round(reading.age_s(now), 1) if reading else None,
        is_stale=reading is None or reading.is_stale(now),
        commands=info.commands if info else (),
    )


async def history(here: Here, window: Annotated[Window, Query()], battery: Target) -> Response:
    """How the battery was: a chart of any of its figures."""
    return await chart_reply(here, window, "battery", battery)


async def export(here: Here, window: Annotated[Window, Query()], battery: Target) -> Response:
    """The same as a CSV file."""
    return await csv_reply(here, window, "battery", battery)


async def refresh_session(here: Here, caller: Orderer, battery: Target) -> Operation:
    """Let the poller log in anew at the battery's portal (S2.11)."""
    info = _equipment(here, caller, battery, "battery")
    if EquipmentCommand.REFRESH_SESSION not in info.commands:
        raise Problem(409, "unsupported", f"{battery} has no session that could be renewed ({info.driver})")
    order = _order(here, battery, EquipmentCommand.REFRESH_SESSION)
    return await asked(here, caller, order, act="refresh_session", target=battery, detail={})


def _with_calls(router: APIRouter) -> APIRouter:
    router.get("/status", response_model=BatteryStatus)(status)
    router.get("/history", response_model=Chart)(history)
    router.get("/history.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})(export)
    router.post("/refresh_session", response_model=Operation, status_code=202)(refresh_session)
    return router


only = _with_calls(
    APIRouter(prefix="/api/battery", tags=["battery"], dependencies=[Depends(only_battery)], responses=PROBLEMS)
)
named = _with_calls(
    APIRouter(
        prefix="/api/battery/{battery}", tags=["battery"], dependencies=[Depends(named_battery)], responses=PROBLEMS
    )
)
router = APIRouter(prefix="/api", tags=["equipment"], responses=PROBLEMS)


@router.get("/batteries")
async def batteries(here: Here, caller: Reader) -> list[BatteryStatus]:
    """All batteries."""
    return [await status(here, battery) for battery in here.site.view.batteries() if _sees(caller, battery)]


@router.get("/meters")
async def meters(here: Here, _caller: SiteReader) -> dict[str, Meter]:
    """All electricity meters."""
    view = here.site.view
    names = {*view.all(MeterTelemetry), *view.all(MeterAvailability)}
    return {
        name: Meter(telemetry=view.one(MeterTelemetry, name), availability=view.one(MeterAvailability, name))
        for name in sorted(names)
    }


@router.get("/sensors")
async def sensors(here: Here, _caller: SiteReader) -> dict[str, Sensor]:
    """All sensors, by source and id."""
    view = here.site.view
    names = {*view.all(SensorTelemetry), *view.all(SensorAvailability)}
    return {
        name: Sensor(telemetry=view.one(SensorTelemetry, name), availability=view.one(SensorAvailability, name))
        for name in sorted(names)
    }


@router.get("/equipment")
async def equipment(here: Here, _caller: SiteReader) -> dict[str, EquipmentInfo]:
    """Everything that is no miner and takes orders, with what can be set and within which bounds."""
    return dict(here.site.view.all(EquipmentInfo))


@router.post("/equipment/{equipment}/set", status_code=202)
async def set_equipment(here: Here, caller: Orderer, equipment: DeviceId, body: NewSetting) -> Operation:
    """Set one thing of a pump, a boiler, an inverter or a plug."""
    info = _equipment(here, caller, equipment, "equipment")
    setting = next((one for one in info.settings if one.name == body.setting), None)
    if setting is None:
        known = ", ".join(one.name for one in info.settings) or "nothing"
        raise wrong("setting", f"{equipment} has no setting {body.setting!r}", f"it has {known}")
    _check_value(setting, body.value)
    order = _order(here, equipment, EquipmentCommand.SET, setting=body.setting, value=body.value)
    return await asked(here, caller, order, act="set", target=equipment, detail=body.model_dump())


def _order(here: Parts, equipment: str, command: EquipmentCommand, **more: SettingValue) -> EquipmentOrder:
    now = here.clock.now()
    values = {"site": here.bus.site, "at": now, "equipment": equipment, "source": SOURCE, "id": new_id("o")}
    return EquipmentOrder.model_validate({**values, "command": command, "expires_at": now + ORDER_LASTS, **more})


def _equipment(here: Parts, caller: Caller, name: str, kind: str) -> EquipmentInfo:
    info = here.site.view.one(EquipmentInfo, name)
    group = info.group if info else None
    if not (caller.leaves.sight.sees(kind, name, group) or caller.leaves.sight.sees("equipment", name, group)):
        raise not_found(kind, name)
    if info is None:
        raise Problem(409, "unsupported", f"{name} takes no orders, or has not been read yet")
    if not any(caller.leaves.may_on(Right.ORDER, one, name, group) for one in (kind, "equipment")):
        raise Problem(403, "not_allowed", f"{caller.who} may look at {name}, not act on it (order)")
    return info


def _check_value(setting: Setting, value: SettingValue) -> None:
    if setting.words:
        if value not in setting.words:
            raise wrong("value", f"{value!r} is not one of its words", ", ".join(setting.words))
        return
    if setting.is_switch:
        if not isinstance(value, bool):
            raise wrong("value", f"{value!r} is neither true nor false")
        return
    if isinstance(value, bool | str):
        raise wrong("value", f"{value!r} is not a number")
    lowest, highest = setting.lowest, setting.highest
    if (lowest is not None and value < lowest) or (highest is not None and value > highest):
        raise wrong("value", f"{value:g} {setting.unit or ''} is out of bounds", f"from {lowest} to {highest}")
