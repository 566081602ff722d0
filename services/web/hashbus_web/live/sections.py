"""Which part of the live page a message changes, and how that part is written. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel

from hashbus.messages import (
    Alert,
    AlertAck,
    BatteryAvailability,
    BatteryTelemetry,
    BitcoinPrice,
    ControlState,
    CurrencyRates,
    CurtailmentPlan,
    CurtailmentRequest,
    Decision,
    EquipmentInfo,
    Hashprice,
    HeatProgram,
    HeatState,
    Indicators,
    Message,
    MeterAvailability,
    MeterTelemetry,
    MinerAvailability,
    MinerEconomics,
    MinerInfo,
    MinerTelemetry,
    NetworkState,
    PlanProgress,
    PowerPrice,
    PowerRequest,
    PowerSetpoint,
    ProfileRequest,
    ScanResult,
    SensorAvailability,
    SensorTelemetry,
    ServiceStatus,
    SetpointResult,
    Settlement,
    SiteEconomics,
    ZoneRequest,
    ZoneState,
)
from hashbus_web.view.rows import info_row, miner_detail, miner_row
from hashbus_web.view.site_view import SiteView, key_of

Writer = Callable[[SiteView, str, datetime], bytes | None]
"""Writes one value of a section as JSON; None when it is no more."""


@dataclass(frozen=True, slots=True)
class Place:
    """One value on the page: its section and its name there."""

    section: str
    name: str


DETAILS = "details"
MINER_SECTIONS = frozenset({"infos", "miners", DETAILS})
"""Only who may see the miner gets these."""

_ABOUT_MINERS = (MinerTelemetry, MinerAvailability, PowerSetpoint, SetpointResult, Decision)

_WHOLE: Mapping[type[Message], str] = {
    ServiceStatus: "services",
    EquipmentInfo: "equipment",
    ZoneState: "zones",
    HeatProgram: "programs",
    ZoneRequest: "zone_requests",
    ProfileRequest: "profiles",
    HeatState: "heat",
    ControlState: "control",
    CurtailmentPlan: "plan",
    PlanProgress: "progress",
    Settlement: "settlements",
    CurtailmentRequest: "curtailment_requests",
    PowerRequest: "requests",
    ScanResult: "scans",
}
"""Messages that stand in a section as they are, by their key."""

_MARKET: Mapping[type[Message], str] = {
    BitcoinPrice: "bitcoin",
    NetworkState: "network",
    PowerPrice: "power",
    Hashprice: "hashprice",
    Indicators: "indicators",
    CurrencyRates: "currencies",
    SiteEconomics: "economics",
}

_WITH_AVAILABILITY: Mapping[str, tuple[type[Message], type[Message]]] = {
    "batteries": (BatteryTelemetry, BatteryAvailability),
    "meters": (MeterTelemetry, MeterAvailability),
    "sensors": (SensorTelemetry, SensorAvailability),
}


def places_of(message: Message) -> tuple[Place, ...]:
    """Return which values a message changes."""
    kind, key = type(message), key_of(message)
    if kind is MinerInfo:
        return Place("infos", key), Place("miners", key), Place(DETAILS, key)
    if kind in _ABOUT_MINERS:
        return Place("miners", key), Place(DETAILS, key)
    if kind is MinerEconomics:
        return (Place(DETAILS, key),)
    if isinstance(message, Alert | AlertAck):
        return (Place("alerts", message.key),)
    if isinstance(message, PowerRequest):
        return Place("requests", key), Place(DETAILS, message.scope)
    if kind in _MARKET:
        return (Place("market", _MARKET[kind]),)
    if kind in _WHOLE:
        return (Place(_WHOLE[kind], key),)
    return tuple(Place(section, key) for section, kinds in _WITH_AVAILABILITY.items() if kind in kinds)


def written(view: SiteView, place: Place, now: datetime) -> bytes | None:
    """Return the value that stands there now as JSON; None when nothing does any more."""
    return _WRITERS[place.section](view, place.name, now)


def as_json(model: BaseModel) -> bytes:
    """Return a model as JSON in UTF-8."""
    return model.__pydantic_serializer__.to_json(model)


def _alert(view: SiteView, key: str, _now: datetime) -> bytes | None:
    alert = view.one(Alert, key)
    if alert is None or alert.cleared_at is not None:
        return None
    ack = ack_of(view, alert)
    told = {"acked_by": ack.by or ack.source, "acked_at": ack.at.isoformat()} if ack else {"acked_by": None}
    return alert.encode()[:-1] + b"," + json.dumps(told).encode()[1:]


def ack_of(view: SiteView, alert: Alert) -> AlertAck | None:
    """Return who has seen this very alert."""
    found = (one for one in view.all(AlertAck).values() if one.key == alert.key and one.since >= alert.since)
    return max(found, key=lambda one: one.at, default=None)


def _request(view: SiteView, key: str, now: datetime) -> bytes | None:
    request = view.one(PowerRequest, key)
    return request.encode() if request is not None and request.until > now else None


def _whole(kind: type[Message]) -> Writer:
    def write(view: SiteView, key: str, _now: datetime) -> bytes | None:
        message = view.one(kind, key)
        return message.encode() if message is not None else None

    return write


def _market(view: SiteView, name: str, _now: datetime) -> bytes | None:
    kind = next(kind for kind, one in _MARKET.items() if one == name)
    message = view.one(kind)
    return message.encode() if message is not None else None


def _paired(telemetry: type[Message], availability: type[Message]) -> Writer:
    def write(view: SiteView, key: str, _now: datetime) -> bytes | None:
        parts = (view.one(telemetry, key), view.one(availability, key))
        reading, reached = (part.encode() if part is not None else b"null" for part in parts)
        return b'{"telemetry":' + reading + b',"availability":' + reached + b"}"

    return write


_WRITERS: Mapping[str, Writer] = {
    "infos": lambda view, key, _now: as_json(info_row(view, key)),
    "miners": lambda view, key, _now: as_json(miner_row(view, key)),
    DETAILS: lambda view, key, now: as_json(miner_detail(view, key, now)),
    "alerts": _alert,
    **{section: _whole(kind) for kind, section in _WHOLE.items()},
    "requests": _request,
    "market": _market,
    **{section: _paired(*kinds) for section, kinds in _WITH_AVAILABILITY.items()},
}
