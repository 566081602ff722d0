"""One device as the poller runs it: its settings, its driver, and the lock that lets one request through at a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from hashbus.messages import (
    AvailabilityState,
    BatteryAvailability,
    BatteryTelemetry,
    MeterAvailability,
    MeterTelemetry,
    MinerAvailability,
    SensorAvailability,
    SensorTelemetry,
)
from hashbus_poller.drivers.contract import DeviceKind

if TYPE_CHECKING:
    from datetime import datetime

    from hashbus.clock import Clock
    from hashbus.messages import Message
    from hashbus_poller.drivers.contract import DriverSpec
    from hashbus_poller.settings import DeviceSettings
    from hashbus_poller.tapes import Ring

SOURCE = "poller"
"""Under which name the poller's own sensors stand on the bus."""

AVAILABILITY: dict[
    DeviceKind, type[MinerAvailability | BatteryAvailability | MeterAvailability | SensorAvailability]
] = {
    DeviceKind.MINER: MinerAvailability,
    DeviceKind.BATTERY: BatteryAvailability,
    DeviceKind.METER: MeterAvailability,
    DeviceKind.SENSOR: SensorAvailability,
}

TELEMETRY: dict[DeviceKind, type[BatteryTelemetry | MeterTelemetry | SensorTelemetry]] = {
    DeviceKind.BATTERY: BatteryTelemetry,
    DeviceKind.METER: MeterTelemetry,
    DeviceKind.SENSOR: SensorTelemetry,
}


class Say(Protocol):
    """Publishes a message."""

    def __call__(self, message: Message) -> None:
        """Say it on the bus."""
        ...


@dataclass
class Device:
    """A configured device and its driver."""

    id: str
    site: str
    settings: DeviceSettings
    spec: DriverSpec
    driver: Any
    ring: Ring
    clock: Clock
    say: Say
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held during each exchange: a miner's API has one thread, and the second question is dropped or hangs."""

    @property
    def kind(self) -> DeviceKind:
        """Return what it is."""
        return self.spec.kind_of(self.settings)

    @property
    def levels(self) -> dict[str, str]:
        """Return the levels of its topics: its id under its kind, and of a sensor who speaks of it."""
        own = {self.kind.value: self.id}
        return {"source": SOURCE, **own} if self.kind is DeviceKind.SENSOR else own

    @property
    def host(self) -> str | None:
        """Return its address, where it has one."""
        return getattr(self.settings, "host", None)

    def say_availability(self, state: AvailabilityState, since: datetime, reason: str | None) -> None:
        """Tell the site whether the device is reached."""
        kind = AVAILABILITY[self.kind]
        levels: dict[str, Any] = self.levels
        self.say(kind(site=self.site, at=self.clock.now(), state=state, since=since, reason=reason, **levels))
