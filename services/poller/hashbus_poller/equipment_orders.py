"""Orders to equipment: a setting is written within its bounds and read back; a session is renewed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from hashbus.messages import EquipmentCommand, EquipmentOrder, EquipmentResult, OrderStatus, Setting, SettingValue
from hashbus_poller.at_most_once import INTERRUPTED, Outcome, too_late
from hashbus_poller.drivers.contract import DeviceError, Refused, Unreachable, Unsupported
from hashbus_poller.drivers.equipment import KeepsSession, TakesSettings
from hashbus_poller.mapped.settable import is_same, why_not
from hashbus_poller.readings import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hashbus.clock import Clock
    from hashbus_poller.device import Device
    from hashbus_poller.journal import Key

LOOK_AGAIN_S, PATIENCE_S = 1.0, 10.0
"""How often and how long a setting is read back until it shows: a controller may take it over in its next round."""


class EquipmentOrders:
    """What is done for the orders to the batteries, meters and sensors of one poller."""

    results = EquipmentResult

    def __init__(self, clock: Clock, equipment: Mapping[str, Device], visit_now: Callable[[str], None]) -> None:
        """Answer for `equipment`; `visit_now` has a device read soon, so that its telemetry shows what was set."""
        self._clock = clock
        self._equipment = equipment
        self._visit_now = visit_now
        self._written_s: dict[tuple[str, str], float] = {}

    def key(self, order: EquipmentOrder) -> Key:
        """Return what the order is known by in the journal; no source of orders to miners has a slash."""
        return f"equipment/{order.source}", order.id

    async def do(self, order: EquipmentOrder) -> Outcome:
        """Carry it out, and read back what came of it."""
        device = self._equipment.get(order.equipment)
        if (late := too_late(order, self._clock.now())) is not None:
            return late
        if device is None:
            return Outcome(OrderStatus.REJECTED, "unknown_equipment", f"there is no equipment {order.equipment!r} here")
        try:
            return await self._done(order, device)
        except Unsupported as error:
            return Outcome(OrderStatus.UNSUPPORTED, "unsupported", str(error))
        except Refused as error:
            return Outcome(OrderStatus.FAILED, "refused", str(error))
        except Unreachable as error:
            return Outcome(OrderStatus.FAILED, "unreachable", str(error))
        except DeviceError as error:
            return Outcome(OrderStatus.FAILED, "failed", str(error))

    async def _done(self, order: EquipmentOrder, device: Device) -> Outcome:
        driver: object = device.driver
        if order.command is EquipmentCommand.SET and order.setting is not None and order.value is not None:
            if not isinstance(driver, TakesSettings) or not driver.settings:
                raise Unsupported(
                    "nothing can be set here; a described device needs `settings` and `takes_orders: true`"
                )
            return await self._set(_setting(driver, order.setting), order.value, device, driver)
        if not isinstance(driver, KeepsSession):
            raise Unsupported(f"{device.spec.title} has no session to renew")
        async with device.lock:
            await driver.refresh_session()
        self._visit_now(device.id)
        return Outcome(OrderStatus.DONE, "ok", "logged in anew")

    async def _set(self, setting: Setting, value: SettingValue, device: Device, driver: TakesSettings) -> Outcome:
        problem = why_not(setting, value)
        if problem is not None:
            return Outcome(OrderStatus.REJECTED, "bad_value", problem)
        async with device.lock:
            was = await driver.read_setting(setting.name)
            if is_same(setting, was, value) and setting.lapses_after_s is None:
                # Nothing is written: the memory of many devices bears 100,000 writes.
                return Outcome(OrderStatus.DONE, "already", f"{setting.name} is {said(setting, was)} already", was)
            if (wait_s := self._rest_s(device, setting)) > 0:
                soon = f"{setting.name} was written a moment ago; it may be again in {wait_s:.0f} s"
                return Outcome(OrderStatus.REJECTED, "too_soon", soon, was)
            self._written_s[device.id, setting.name] = self._clock.monotonic()
            lost = await _lost_reply(driver, setting, value)
            seen = await self._read_back(driver, setting, value)
        self._visit_now(device.id)
        return _judged(setting, value, seen, lost)

    def _rest_s(self, device: Device, setting: Setting) -> float:
        """Return for how long the setting must be left alone."""
        written_s = self._written_s.get((device.id, setting.name))
        return 0.0 if written_s is None else written_s + setting.min_interval_s - self._clock.monotonic()

    async def _read_back(self, driver: TakesSettings, setting: Setting, value: SettingValue) -> SettingValue | None:
        """Read until the device shows the value, or patience ends; returns what it showed last."""
        until_s, seen = self._clock.monotonic() + PATIENCE_S, None
        while True:
            # It may be busy with what it was told.
            with suppress(Unreachable):
                seen = await driver.read_setting(setting.name)
            if is_same(setting, seen, value) or self._clock.monotonic() >= until_s:
                return seen
            await self._clock.sleep(LOOK_AGAIN_S)

    async def find_out(self, order: EquipmentOrder) -> Outcome:
        """Read back what became of an order in the middle of which the poller ended; nothing is written again."""
        device = self._equipment.get(order.equipment)
        driver: object = device.driver if device is not None else None
        if device is None or order.setting is None or order.value is None or not isinstance(driver, TakesSettings):
            return INTERRUPTED
        try:
            setting = _setting(driver, order.setting)
            async with device.lock:
                seen = await self._read_back(driver, setting, order.value)
        except DeviceError:
            return INTERRUPTED
        return INTERRUPTED if seen is None else _judged(setting, order.value, seen, None)

    def result(self, order: EquipmentOrder, outcome: Outcome) -> EquipmentResult:
        """Return what is said of it."""
        return EquipmentResult(
            site=order.site,
            at=self._clock.now(),
            equipment=order.equipment,
            asker=order.source,
            id=order.id,
            command=order.command,
            setting=order.setting,
            asked=order.value,
            value=outcome.value,
            status=outcome.status,
            code=outcome.code,
            message=outcome.message[:1000],
        )


def _setting(driver: TakesSettings, name: str) -> Setting:
    found = next((one for one in driver.settings if one.name == name), None)
    if found is None:
        raise Unsupported(f"it has no setting {name!r}; it has {', '.join(one.name for one in driver.settings)}")
    return found


async def _lost_reply(driver: TakesSettings, setting: Setting, value: SettingValue) -> Unreachable | None:
    """Write a setting; returns why nobody knows whether it arrived, which reading back tells."""
    try:
        await driver.write_setting(setting.name, value)
    except Unreachable as error:
        return error
    return None


def _judged(setting: Setting, value: SettingValue, seen: SettingValue | None, lost: Unreachable | None) -> Outcome:
    if is_same(setting, seen, value):
        return Outcome(OrderStatus.DONE, "read_back", f"{setting.name} is {said(setting, seen)}", seen)
    if seen is None and lost is not None:
        return Outcome(OrderStatus.UNKNOWN, "reply_lost", f"no reply, and it cannot be read back: {lost}")
    if seen is None:
        return Outcome(OrderStatus.UNKNOWN, "not_read_back", f"{setting.name} was written, and cannot be read back")
    wanted = f"{setting.name} is {said(setting, seen)}, not {said(setting, value)}"
    return Outcome(OrderStatus.FAILED, "read_back", f"{wanted}: the device did not take it", seen)


def said(setting: Setting, value: SettingValue | None) -> str:
    """Return a value as people say it: 55 %, on, heating."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g} {setting.unit or ''}".rstrip()
    return value if value is not None else shown(value)
