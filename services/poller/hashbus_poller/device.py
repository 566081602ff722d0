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
)
from hashbus_poller.drivers.contract import DeviceKind

if TYPE_CHECKING:
    from datetime import datetime

    from hashbus.clock import Clock
    from hashbus.messages import Message
    from hashbus_poller.drivers.contract import DriverSpec
    from hashbus_poller.settings import DeviceSettings
    from hashbus_poller.tapes import Ring

AVAILABILITY: dict[DeviceKind, type[MinerAvailability | BatteryAvailability | MeterAvailability]] = {
    DeviceKind.MINER: MinerAvailability,
    DeviceKind.BATTERY: BatteryAvailability,
    DeviceKind.METER: MeterAvailability,
}

TELEMETRY: dict[DeviceKind, type[BatteryTelemetry | MeterTelemetry]] = {
    DeviceKind.BATTERY: BatteryTelemetry,
    DeviceKind.METER: MeterTelemetry,
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
        return self.spec.kind

    @property
    def host(self) -> str | None:
        """Return its address, where it has one."""
        return getattr(self.settings, "host", None)

    def say_availability(self, state: AvailabilityState, since: datetime, reason: str | None) -> None:
        """Tell the site whether the device is reached."""
        kind = AVAILABILITY[self.kind]
        level: dict[str, Any] = {self.kind.value: self.id}
        self.say(kind(site=self.site, at=self.clock.now(), state=state, since=since, reason=reason, **level))
