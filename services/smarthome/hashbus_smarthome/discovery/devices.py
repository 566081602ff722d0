"""Which messages tell of which device, and the one discovery message of each. Needs Home Assistant 2024.12 or newer."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import Any

from hashbus.messages import (
    BatteryAvailability,
    BatteryTelemetry,
    BitcoinPrice,
    CurtailmentPlan,
    Decision,
    EquipmentInfo,
    Hashprice,
    HeatState,
    Message,
    MeterAvailability,
    MeterTelemetry,
    MinerAvailability,
    MinerEconomics,
    MinerInfo,
    MinerTelemetry,
    NetworkState,
    PowerPrice,
    PowerSetpoint,
    SensorAvailability,
    SensorTelemetry,
    SetpointResult,
    SiteEconomics,
    SiteSummary,
    ZoneState,
)
from hashbus_smarthome.discovery.climate import of_zone
from hashbus_smarthome.discovery.controls import of_miner
from hashbus_smarthome.discovery.entities import entities
from hashbus_smarthome.discovery.equipment import of_equipment
from hashbus_smarthome.discovery.place import CONTROLLER, Component, Place
from hashbus_smarthome.discovery.site import of_site

SUPPORT = "https://github.com/hashbus/hashbus"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of device: what it says itself, what others say of it with the words that go before, who says it lives.

    `anchor` is the retained message without which there is no such device.
    """

    name: str
    own: type[Message]
    anchor: type[Message]
    presence: type[Message] | None = None
    others: Mapping[type[Message], tuple[str, ...]] = field(default_factory=dict)


KINDS = (
    Kind(
        "miner",
        MinerTelemetry,
        MinerInfo,
        MinerAvailability,
        {
            PowerSetpoint: ("setpoint",),
            SetpointResult: ("setpoint", "result"),
            Decision: ("decision",),
            MinerEconomics: ("economics",),
        },
    ),
    Kind("battery", BatteryTelemetry, BatteryTelemetry, BatteryAvailability),
    Kind("meter", MeterTelemetry, MeterTelemetry, MeterAvailability),
    Kind("sensor", SensorTelemetry, SensorTelemetry, SensorAvailability),
    Kind("zone", ZoneState, ZoneState),
    Kind(
        "site",
        SiteSummary,
        SiteSummary,
        None,
        {
            HeatState: ("heating",),
            CurtailmentPlan: ("curtailment",),
            BitcoinPrice: ("bitcoin",),
            NetworkState: ("network",),
            PowerPrice: ("electricity",),
            Hashprice: ("market",),
            SiteEconomics: ("economics",),
        },
    ),
)
"""Every kind of device that Home Assistant is shown."""

KIND_OF: Mapping[type[Message], Kind] = MappingProxyType(
    {
        message: kind
        for kind in KINDS
        for message in (kind.own, kind.anchor, *([kind.presence] if kind.presence else []), *kind.others)
    }
)
"""Which kind of device a message tells of."""


@dataclass(frozen=True)
class Device:
    """What is known of one device: who it is, and the keys of all that was ever told of it."""

    kind: Kind
    place: Place
    told: Mapping[type[Message], frozenset[str]] = field(default_factory=dict)
    currency: Mapping[type[Message], str] = field(default_factory=dict)
    about: MinerInfo | EquipmentInfo | ZoneState | None = None
    name: str | None = None
    heard_at: datetime | None = None
    is_there: bool = False


def place_of(message: Message) -> Place | None:
    """Return the device that a message tells of; None when that is shown nowhere."""
    if isinstance(message, EquipmentInfo):
        kind = next(one for one in KINDS if one.name == message.kind.value)
        levels = {kind.name: message.equipment}
        if kind.name == "sensor":
            levels = {"source": "poller", **levels}
        return Place(message.site, kind.name, tuple(levels.items()), kind.presence)
    found = KIND_OF.get(type(message))
    if found is None:
        return None
    levels = message.levels()
    levels.pop("site")
    return Place(message.site, found.name, tuple(levels.items()), found.presence)


@dataclass(frozen=True, slots=True)
class Around:
    """What the site has beside a device: the services that were ever there, heating, and how much its miners draw."""

    services: frozenset[str] = frozenset()
    has_heating: bool = False
    most_w: float = 0.0


def discovery(device: Device, around: Around) -> dict[str, Any]:
    """Return the discovery message of a device, by the option names of Home Assistant's documentation."""
    place, told = device.place, device.told
    components = entities(
        place, device.kind.own, told.get(device.kind.own, frozenset()), currency=device.currency.get(device.kind.own)
    )
    for message, words in device.kind.others.items():
        if message in told:
            components |= entities(place, message, told[message], words=words, currency=device.currency.get(message))
    components |= _controls(device, around)
    found: dict[str, Any] = {
        "device": _device(device),
        "origin": {"name": "hashbus", "sw_version": _version(), "support_url": SUPPORT},
        "components": components,
    }
    if availability := place.availability():
        found |= {"availability": availability}
    return found | {"availability_mode": "all"}


def _controls(device: Device, around: Around) -> dict[str, Component]:
    place, about = device.place, device.about
    if isinstance(about, MinerInfo):
        told = device.told.get(MinerTelemetry, frozenset())
        return of_miner(place, about, told, has_controller=CONTROLLER in around.services)
    if isinstance(about, EquipmentInfo):
        return of_equipment(place, about)
    if isinstance(about, ZoneState):
        return of_zone(place, about)
    if device.kind.own is SiteSummary:
        return of_site(place, around.services, has_heating=around.has_heating, most_w=around.most_w)
    return {}


def _device(device: Device) -> dict[str, Any]:
    place, about = device.place, device.about
    found: dict[str, Any] = {"identifiers": [place.identifier], "name": device.name or place.id}
    if device.kind.own is SiteSummary:
        # Home Assistant calls too many things "home" already.
        return found | {"name": f"hashbus {place.site}", "manufacturer": "hashbus", "model": "Site"}
    found["via_device"] = Place(place.site, "site").identifier
    if isinstance(about, MinerInfo):
        found |= _miner(about)
    elif isinstance(about, EquipmentInfo):
        found |= _known(model=about.title)
    return found


def _miner(about: MinerInfo) -> dict[str, Any]:
    firmware = " ".join(word for word in (about.firmware, about.firmware_version) if word)
    found = _known(
        manufacturer=about.make,
        model=about.model,
        serial_number=about.serial,
        sw_version=firmware,
        hw_version=about.control_board,
        configuration_url=_page(about.host),
    )
    return found | ({"connections": [["mac", about.mac]]} if about.mac else {})


def _known(**values: str | None) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _page(host: str | None) -> str | None:
    """Return the web page of a device; None when Home Assistant would refuse its address."""
    if not host:
        return None
    try:
        return f"http://[{host}]/" if ipaddress.ip_address(host).version == 6 else f"http://{host}/"
    except ValueError:
        is_name = len(host) <= 253 and all(
            part and len(part) <= 63 and part.replace("-", "").isalnum() and part.isascii() for part in host.split(".")
        )
        return f"http://{host}/" if is_name else None


def _version() -> str:
    try:
        return version("hashbus-common")
    except PackageNotFoundError:
        return "unknown"
