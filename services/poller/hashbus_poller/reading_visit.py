"""What the poller does each round with a device that is only read: a battery, a meter or a sensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hashbus_poller.device import TELEMETRY
from hashbus_poller.drivers.contract import DeviceKind

if TYPE_CHECKING:
    from hashbus_poller.device import Device


@dataclass
class ReadingVisit:
    """Reads one battery, meter or sensor and says what it said."""

    device: Device

    async def __call__(self) -> float | None:
        """Take one reading; DeviceError when none can be had. It never wants to come again sooner."""
        device = self.device
        at = device.clock.now()
        reading = await device.driver.read()
        # A portal may show an old figure for hours: it is as old as the device says, not as our question.
        at = min(at, getattr(reading, "taken_at", None) or at)
        telemetry = TELEMETRY[device.kind]
        more: dict[str, Any] = device.levels
        if device.kind is not DeviceKind.SENSOR:
            more["driver"] = device.spec.name
        device.say(telemetry(site=device.site, at=at, **more, **reading.__dict__))
        return None
