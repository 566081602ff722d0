"""Any Modbus device by a map of its registers: options, commands, parse and the shared Modbus client put together."""

from __future__ import annotations

from hashbus.messages import Level
from hashbus_poller.drivers.contract import DeviceKind, DriverSpec, Wiring
from hashbus_poller.drivers.modbus import commands, parse
from hashbus_poller.drivers.modbus.options import ModbusDeviceOptions
from hashbus_poller.mapped.fields import Reading
from hashbus_poller.modbus import Modbus


class ModbusDevice:
    """One unit, of which only the registers of its map are read; nothing is written."""

    def __init__(self, options: ModbusDeviceOptions, wiring: Wiring) -> None:
        """Open nothing yet."""
        self._options = options
        self._unit = Modbus(options.line(), options.unit, options.timeout_s, wiring.tape, wiring.shared)
        self._spans = commands.spans(
            [one for registers in options.registers.values() for one in registers],
            longest_read=options.longest_read,
            longest_gap=options.longest_gap,
        )

    async def read(self) -> Reading:
        """Take one reading."""
        answers = await self._unit.read(*self._spans)
        return parse.read(self._options, parse.entries(self._spans, answers))

    async def close(self) -> None:
        """Give up nothing: a connection lives for one reading."""


DRIVER = DriverSpec(
    name=ModbusDeviceOptions.driver_name,
    kind=DeviceKind.SENSOR,
    title="Any Modbus device by a register map",
    level=Level.SILVER,
    options=ModbusDeviceOptions,
    create=ModbusDevice,
)
