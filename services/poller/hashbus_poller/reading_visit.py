"""What the poller does each round with equipment: a battery, a meter or a sensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hashbus.messages import EquipmentCommand, EquipmentInfo, EquipmentKind
from hashbus_poller.device import TELEMETRY
from hashbus_poller.drivers.contract import DeviceKind
from hashbus_poller.drivers.equipment import KeepsSession, TakesSettings

if TYPE_CHECKING:
    from hashbus_poller.device import Device


@dataclass
class ReadingVisit:
    """Reads one battery, meter or sensor and says what it said."""

    device: Device
    _is_introduced: bool = False

    async def __call__(self) -> float | None:
        """Take one reading; DeviceError when none can be had. It never wants to come again sooner."""
        device = self.device
        if not self._is_introduced:
            device.say(info_of(device))
            self._is_introduced = True
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


def info_of(device: Device) -> EquipmentInfo:
    """Return what can be ordered of a device; that stands in its description, so it need not be reached for it."""
    driver: object = device.driver
    settings = driver.settings if isinstance(driver, TakesSettings) else ()
    can_renew = isinstance(driver, KeepsSession)
    return EquipmentInfo(
        site=device.site,
        at=device.clock.now(),
        equipment=device.id,
        kind=EquipmentKind(device.kind.value),
        driver=device.spec.name,
        level=device.spec.level,
        title=getattr(device.settings, "title", None) or device.spec.title,
        host=device.host,
        group=device.settings.group,
        commands=(*_if(bool(settings), EquipmentCommand.SET), *_if(can_renew, EquipmentCommand.REFRESH_SESSION)),
        settings=settings,
    )


def _if(can: bool, command: EquipmentCommand) -> tuple[EquipmentCommand, ...]:
    return (command,) if can else ()
