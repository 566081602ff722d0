"""What is known of a Zigbee network, and what is said of it on the bus. Pure: the time is handed in.

A sensor is there while Zigbee2MQTT is, reaches it, and has heard it lately. A retained value is as old as its
`last_seen`; one that does not say when is nothing to go by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hashbus.messages import AvailabilityState, Message, SensorAvailability, SensorTelemetry
from hashbus_smarthome.zigbee.exposes import ZigbeeSensor, sensors_of
from hashbus_smarthome.zigbee.values import document, heard

SOURCE = "zigbee2mqtt"
_STATES = frozenset(AvailabilityState)


@dataclass
class Network:
    """All sensors of one Zigbee2MQTT."""

    site: str
    max_age: timedelta
    leave_out: tuple[str, ...] = ()
    sensors: Mapping[str, ZigbeeSensor] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    is_bridge_online: bool | None = None
    _reached: dict[str, bool] = field(default_factory=dict)
    _heard_at: dict[str, datetime] = field(default_factory=dict)
    _said: dict[str, SensorAvailability] = field(default_factory=dict)
    _is_listed: bool = False

    def recall(self, message: Message) -> None:
        """Take back what an earlier run said of a sensor."""
        if isinstance(message, SensorTelemetry) and message.source == SOURCE:
            self._heard_at.setdefault(message.sensor, message.at)
        elif isinstance(message, SensorAvailability) and message.source == SOURCE:
            self._said.setdefault(message.sensor, message)

    def hear_bridge(self, payload: bytes) -> None:
        """Take in `bridge/state`: JSON since version 2, a bare word before."""
        state = _state(payload)
        if state is not None:
            self.is_bridge_online = state is AvailabilityState.ONLINE

    def hear_devices(self, payload: bytes) -> bool:
        """Take in `bridge/devices`; True when the sensors are others than before."""
        devices = document(payload)
        if not isinstance(devices, list):
            self.problems["bridge/devices"] = "the list of devices is no JSON list"
            return False
        self.problems.pop("bridge/devices", None)
        before, self._is_listed = self.sensors, True
        self.sensors = {sensor.id: sensor for sensor in sensors_of(devices, self.leave_out)}
        return dict(before) != dict(self.sensors)

    @property
    def names(self) -> set[str]:
        """Return the friendly names that are worth listening to."""
        return {sensor.topic_name for sensor in self.sensors.values() if not sensor.is_disabled}

    def hear_availability(self, name: str, payload: bytes) -> None:
        """Take in whether Zigbee2MQTT reaches a device."""
        state = _state(payload)
        if state is not None:
            self._reached[name] = state is AvailabilityState.ONLINE

    def hear_device(self, name: str, payload: bytes, at: datetime, *, is_retained: bool) -> list[SensorTelemetry]:
        """Return the readings in what a device says; `at` is when it arrived."""
        said = []
        for sensor in self.sensors.values():
            if sensor.topic_name == name and not sensor.is_disabled:
                reading = self._reading(sensor, payload, at, is_retained=is_retained)
                if reading is not None:
                    said.append(reading)
        return said

    def _reading(
        self, sensor: ZigbeeSensor, payload: bytes, at: datetime, *, is_retained: bool
    ) -> SensorTelemetry | None:
        found = heard(payload, sensor.values)
        if found.problems:
            self.problems[sensor.name] = "; ".join(found.problems)
        else:
            self.problems.pop(sensor.name, None)
        if is_retained and found.seen_at is None:
            return None
        seen_at = min(at, found.seen_at or at)
        before = self._heard_at.get(sensor.id)
        if not found.values or (is_retained and before is not None and seen_at <= before):
            return None
        self._heard_at[sensor.id] = max(seen_at, before or seen_at)
        return SensorTelemetry.model_validate(
            {
                "site": self.site,
                "at": seen_at,
                "source": SOURCE,
                "sensor": sensor.id,
                "name": sensor.name,
                "taken_at": found.seen_at and seen_at,
                **found.values,
            }
        )

    def availabilities(self, now: datetime) -> list[SensorAvailability]:
        """Return who came or went since the last time."""
        return [said for sensor in self.sensors.values() if (said := self._changed(sensor, now)) is not None]

    def _changed(self, sensor: ZigbeeSensor, now: datetime) -> SensorAvailability | None:
        reason = self._why_not(sensor, now)
        state = AvailabilityState.ONLINE if reason is None else AvailabilityState.OFFLINE
        before = self._said.get(sensor.id)
        if before is not None and (before.state, before.reason) == (state, reason):
            return None
        since = before.since if before is not None and before.state is state else now
        said = SensorAvailability(
            site=self.site, at=now, source=SOURCE, sensor=sensor.id, state=state, since=since, reason=reason
        )
        self._said[sensor.id] = said
        return said

    def _why_not(self, sensor: ZigbeeSensor, now: datetime) -> str | None:
        if self.is_bridge_online is False:
            return "Zigbee2MQTT is offline"
        if sensor.is_disabled:
            return "it is disabled in Zigbee2MQTT"
        if self._reached.get(sensor.topic_name) is False:
            return "Zigbee2MQTT does not reach it"
        at = self._heard_at.get(sensor.id)
        if at is None:
            return "nothing heard yet"
        if now - at > self.max_age:
            return f"nothing heard since {at:%Y-%m-%d %H:%M} UTC"
        return None

    def gone(self) -> Iterable[str]:
        """Return the sensors that were once said and are not in the network any more, and forget them."""
        if not self._is_listed:
            return []
        left = sorted((set(self._said) | set(self._heard_at)) - set(self.sensors))
        for sensor in left:
            self._said.pop(sensor, None)
            self._heard_at.pop(sensor, None)
        return left


def _state(payload: bytes) -> AvailabilityState | None:
    """Read `online` or `offline`, bare or as JSON; None when it is neither."""
    said = document(payload)
    word = said.get("state") if isinstance(said, dict) else payload.decode(errors="replace").strip()
    return AvailabilityState(word) if isinstance(word, str) and word in _STATES else None
