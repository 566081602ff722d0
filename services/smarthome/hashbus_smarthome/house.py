"""What is known of the site for Home Assistant, and which discovery messages follow from it. No I/O."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hashbus.messages import Alert as AlertMessage
from hashbus.messages import (
    AvailabilityState,
    EquipmentInfo,
    HeatState,
    Message,
    MinerInfo,
    PlanProgress,
    SensorTelemetry,
    ServiceStatus,
    SiteSummary,
    ZoneState,
)
from hashbus.topics import service_of_source
from hashbus_smarthome.discovery.controls import bounds_w
from hashbus_smarthome.discovery.devices import KIND_OF, KINDS, Around, Device, discovery, place_of
from hashbus_smarthome.discovery.facts import keys_of
from hashbus_smarthome.discovery.place import ACCOUNT, CONTROLLER, Place
from hashbus_smarthome.settings import HomeAssistantSection
from hashbus_smarthome.summary import Known

HEARS: tuple[type[Message], ...] = (
    *sorted({*KIND_OF} - {SiteSummary}, key=lambda kind: kind.__name__),
    EquipmentInfo,
    ServiceStatus,
    PlanProgress,
    AlertMessage,
)
"""Everything that Home Assistant is shown, or that a command needs."""

HEARD_STEP = timedelta(minutes=5)
"""When a device was heard last is known this exactly."""

Who = tuple[str, str]
"""Kind and id of a device."""


class House:
    """The devices of a site and what was ever told of them.

    What a firmware is silent about is not shown; what it said once stays shown.
    """

    def __init__(self, site: str, settings: HomeAssistantSection) -> None:
        """Know of nothing but the site itself."""
        whole = Device(KINDS[-1], Place(site, "site"), is_there=True)
        self.site = site
        self.known = Known()
        self.services: frozenset[str] = frozenset()
        self.has_controller = False
        self.has_heating = False
        self._settings = settings
        self._devices: dict[Who, Device] = {("site", site): whole}
        self._changed: set[Who] = {("site", site)}

    def hear(self, message: Message) -> None:
        """Take in one message."""
        self.known.hear(message)
        if isinstance(message, ServiceStatus):
            self._hear_service(message)
            return
        if isinstance(message, HeatState) and not self.has_heating:
            self.has_heating = True
            self._changed.add(("site", self.site))
        place = place_of(message)
        if place is None or not self._is_shown(place, message):
            return
        who = (place.kind, place.id)
        before = self._devices.get(who) or Device(next(kind for kind in KINDS if kind.name == place.kind), place)
        self._devices[who], is_news = _told(before, message)
        if is_news:
            self._changed.add(who)
            if isinstance(message, MinerInfo):
                self._changed.add(("site", self.site))

    def _is_shown(self, place: Place, message: Message) -> bool:
        """Leave out what the site file leaves out, and what reached us from the smart home itself."""
        is_ours = isinstance(message, SensorTelemetry) and service_of_source(message.source) == ACCOUNT
        is_unwanted = place.id in self._settings.leave_out or (place.kind == "miner" and not self._settings.miners)
        return not is_ours and not is_unwanted

    def _hear_service(self, status: ServiceStatus) -> None:
        if status.service == CONTROLLER:
            self.has_controller = status.state is AvailabilityState.ONLINE
        if status.service in self.services:
            return
        self.services |= {status.service}
        self._changed.add(("site", self.site))
        if status.service == CONTROLLER:
            # From now on power can be asked for.
            self._changed |= {who for who in self._devices if who[0] == "miner"}

    def about(self, kind: str, device: str) -> MinerInfo | EquipmentInfo | ZoneState | None:
        """Return what a device said of itself."""
        found = self._devices.get((kind, device))
        return found.about if found else None

    def forget(self, place: Place) -> None:
        """Leave a device out whose retained messages were taken away."""
        who = (place.kind, place.id)
        if who in self._devices and place.kind != "site":
            self._devices[who] = Device(self._devices[who].kind, place)
            self._changed.add(who)
        if place.kind == "miner":
            self.known.forget(place.id)

    def age(self, now: datetime) -> None:
        """Leave out the devices that have been silent for too long; with their next reading they are back."""
        oldest = now - timedelta(days=self._settings.forget_days)
        for who, device in self._devices.items():
            if device.is_there and device.heard_at is not None and device.heard_at < oldest:
                self._devices[who] = replace(device, is_there=False)
                self._changed.add(who)

    def changed(self, most: int) -> Iterator[tuple[str, bytes]]:
        """Return the topics and payloads of discovery messages that may be news, empty to take one out."""
        # The site first: the others stand below it, and Home Assistant wants to know it before them.
        for who in sorted(self._changed, key=lambda one: (one[0] != "site", one))[:most]:
            self._changed.discard(who)
            device = self._devices[who]
            yield self.topic(device.place), self._payload(device)

    @property
    def most_w(self) -> float:
        """Return what all miners together can draw in W, as far as they say it."""
        abouts = (device.about for device in self._devices.values() if device.is_there)
        bounds = [bounds_w(about) for about in abouts if isinstance(about, MinerInfo)]
        return sum(one[1] for one in bounds if one is not None)

    @property
    def is_settled(self) -> bool:
        """Say whether everything known was handed out."""
        return not self._changed

    def topic(self, place: Place) -> str:
        """Return the topic of a device's discovery message."""
        node, name = place.node
        return f"{self._settings.discovery_prefix}/device/{node}/{name}/config"

    def _payload(self, device: Device) -> bytes:
        if not device.is_there:
            return b""
        found = discovery(device, Around(self.services, self.has_heating, self.most_w))
        return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode() if found["components"] else b""


def _told(device: Device, message: Message) -> tuple[Device, bool]:
    """Return the device with what a message tells, and whether its discovery message may be another now."""
    kind = type(message)
    news = {**_new_keys(device, message), **_new_names(device, message)}
    is_own = kind is device.kind.own and device.about is not None
    if not device.is_there and (kind is device.kind.anchor or is_own):
        news["is_there"] = True
    changes = dict(news)
    if isinstance(message, MinerInfo | EquipmentInfo | ZoneState):
        if device.about is None or _looks(message) != _looks(device.about):
            news["about"] = message
        changes["about"] = message
    if kind in (device.kind.own, device.kind.presence) and _is_later(message.at, device.heard_at):
        changes["heard_at"] = message.at
    return (replace(device, **changes) if changes else device), bool(news)


def _new_keys(device: Device, message: Message) -> dict[str, Any]:
    kind = type(message)
    if kind is not device.kind.own and kind not in device.kind.others:
        return {}
    keys, known = keys_of(message) - {"site", *kind.topic.levels}, device.told.get(kind, frozenset())
    return {} if keys <= known else {"told": {**device.told, kind: known | keys}}


def _new_names(device: Device, message: Message) -> dict[str, Any]:
    kind, news = type(message), dict[str, Any]()
    name = message.name if isinstance(message, ZoneState | SensorTelemetry) else None
    if name and name != device.name:
        news["name"] = name
    currency = getattr(message, "currency", None)
    if currency and device.currency.get(kind) != currency:
        news["currency"] = {**device.currency, kind: currency}
    return news


def _looks(about: MinerInfo | EquipmentInfo | ZoneState) -> object:
    """Return what the discovery message takes from it, without what changes with every reading."""
    if isinstance(about, ZoneState):
        return about.control, about.targets
    return about.model_copy(update={"at": None})


def _is_later(at: datetime, before: datetime | None) -> bool:
    """Say whether a moment is so much later that it is worth noting: days count, not seconds."""
    return before is None or at - before > HEARD_STEP
