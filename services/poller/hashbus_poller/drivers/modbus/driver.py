"""Any Modbus device by a map of its registers: options, commands, parse and the shared Modbus client put together."""

from __future__ import annotations

from hashbus.messages import Level, Setting, SettingValue
from hashbus_poller.drivers.contract import DeviceKind, DriverSpec, Unsupported, Wiring
from hashbus_poller.drivers.modbus import commands, parse
from hashbus_poller.drivers.modbus.options import ModbusDeviceOptions
from hashbus_poller.drivers.modbus.settings import ModbusSetting, value_in, words_for
from hashbus_poller.mapped import settable
from hashbus_poller.mapped.fields import Reading
from hashbus_poller.modbus import Modbus


class ModbusDevice:
    """One unit. The registers of its map are read; its settings are written when its owner lets it take orders."""

    def __init__(self, options: ModbusDeviceOptions, wiring: Wiring) -> None:
        """Open nothing yet."""
        self._options = options
        self._unit = Modbus(options.line(), options.unit, options.timeout_s, wiring.tape, wiring.shared)
        self._spans = commands.spans(
            [one for registers in options.registers.values() for one in registers],
            longest_read=options.longest_read,
            longest_gap=options.longest_gap,
        )
        its = options.settings if options.takes_orders else {}
        self.settings: tuple[Setting, ...] = tuple(
            settable.described(name, one, finest=one.finest) for name, one in its.items()
        )

    async def read(self) -> Reading:
        """Take one reading."""
        answers = await self._unit.read(*self._spans)
        return parse.read(self._options, parse.entries(self._spans, answers))

    async def read_setting(self, name: str) -> SettingValue | None:
        """Return what a setting is now; None when it is nothing that it can be set to."""
        setting = self._setting(name)
        [words] = await self._unit.read(setting.span)
        return value_in(setting, words, self._options.word_order)

    async def write_setting(self, name: str, value: SettingValue) -> None:
        """Write a value within the bounds of its setting; Unsupported where it is not, or the device refuses it."""
        setting = self._setting(name)
        problem = next((settable.why_not(one, value) for one in self.settings if one.name == name), None)
        if problem is not None:
            raise Unsupported(problem)
        words = words_for(setting, value, self._options.word_order)
        async with self._unit.conversation() as conversation:
            await conversation.write(setting.span, words, as_several=setting.write == "multiple" or len(words) > 1)

    def _setting(self, name: str) -> ModbusSetting:
        if not self._options.takes_orders or name not in self._options.settings:
            raise Unsupported(f"{name} is nothing that can be set here")
        return self._options.settings[name]

    async def close(self) -> None:
        """Give up nothing: a connection lives for one conversation."""


DRIVER = DriverSpec(
    name=ModbusDeviceOptions.driver_name,
    kind=DeviceKind.SENSOR,
    title="Any Modbus device by a register map",
    level=Level.SILVER,
    options=ModbusDeviceOptions,
    create=ModbusDevice,
)
