"""What the poller does each round with a device that is only read: a battery or a meter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hashbus_poller.device import TELEMETRY

if TYPE_CHECKING:
    from hashbus_poller.device import Device


@dataclass
class ReadingVisit:
    """Reads one battery or meter and says what it said."""

    device: Device

    async def __call__(self) -> None:
        """Take one reading; DeviceError when none can be had."""
        device = self.device
        at = device.clock.now()
        reading = await device.driver.read()
        # A portal may show an old figure for hours: it is as old as the device says, not as our question.
        at = min(at, getattr(reading, "taken_at", None) or at)
        telemetry = TELEMETRY[device.kind]
        level: dict[str, Any] = {device.kind.value: device.id}
        device.say(telemetry(site=device.site, at=at, driver=device.spec.name, **level, **reading.__dict__))
