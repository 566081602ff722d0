"""An EG4 or LuxPower inverter and its battery, without the cloud: by its dongle or by Modbus."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal, Protocol, Self

from pydantic import Field, model_validator

from hashbus.messages import BatteryReading, Level, Setting, SettingValue
from hashbus_poller.drivers.contract import DeviceKind, DeviceOptions, DriverSpec, Host, Unsupported, Wiring
from hashbus_poller.drivers.luxpower.commands import BLOCKS, READ_HOLDING, Block, Write, holding
from hashbus_poller.drivers.luxpower.registers import reading
from hashbus_poller.drivers.luxpower.settings import SETTINGS, Holding
from hashbus_poller.drivers.luxpower.wire import Dongle
from hashbus_poller.mapped import settable
from hashbus_poller.modbus import Conversation, Modbus
from hashbus_poller.modbus_options import MODBUS_PORT, SerialLine, TcpLine
from hashbus_poller.modbus_tables import Span, Table
from hashbus_poller.readings import understanding

NAME = "luxpower"
DONGLE_PORT = 8000
BAUD_RATE = 19_200
"""Of the inverter's RS485 port: 8 data bits, no parity, 1 stop bit (PROTOCOLS.md 5.3)."""

SERIAL = r"^[A-Za-z0-9]{10}$"


class Ask(Protocol):
    """A conversation with the inverter, over whatever transport."""

    async def __call__(self, block: Block) -> tuple[int, ...]:
        """Return the values of a block of registers."""
        ...

    async def write(self, write: Write) -> None:
        """Write a holding register."""
        ...


class LuxpowerOptions(DeviceOptions):
    """What a site's configuration says of an inverter on the local network."""

    timeout_s: float = Field(8.0, gt=0, le=120, description="Longest wait for one answer; a dongle is slow")
    transport: Literal["dongle", "tcp", "rtu"] = Field(
        "dongle", description="Wi-Fi dongle, Modbus TCP, or Modbus RTU on a serial port"
    )
    host: Host | None = Field(None, description="IP address or host name of the dongle or the Modbus gateway")
    port: int | None = Field(None, ge=1, le=65535, description="8000 at a dongle, 502 at a Modbus gateway")
    dongle_serial: str | None = Field(None, pattern=SERIAL, description="Printed on the dongle")
    inverter_serial: str | None = Field(None, pattern=SERIAL, description="Printed on the inverter")
    serial_port: str | None = Field(None, pattern=r"^/dev/[A-Za-z0-9_./:-]+$", description="Such as /dev/ttyUSB0")
    unit: int = Field(1, ge=1, le=247, description="Modbus address of the inverter")
    takes_orders: bool = Field(False, description="Let orders change its charge limits; else it is only read")

    @model_validator(mode="after")
    def _has_what_its_transport_needs(self) -> Self:
        needed = {
            "dongle": ("host", "dongle_serial", "inverter_serial"),
            "tcp": ("host",),
            "rtu": ("serial_port",),
        }[self.transport]
        missing = [name for name in needed if getattr(self, name) is None]
        if missing:
            raise ValueError(f"transport {self.transport} needs {', '.join(missing)}")
        return self


class Luxpower:
    """One inverter with its battery. What stands in settings.py can be set when its owner lets it take orders."""

    def __init__(self, options: LuxpowerOptions, wiring: Wiring) -> None:
        """Open nothing yet."""
        self._conversation = _conversations(options, wiring)
        self._lacks: set[Block] = set()
        self.settings: tuple[Setting, ...] = (
            tuple(settable.described(name, one.setting, finest=1) for name, one in SETTINGS.items())
            if options.takes_orders
            else ()
        )

    async def read(self) -> BatteryReading:
        """Take one reading: four blocks of registers, of which an older inverter may lack the last."""
        registers: dict[int, int] = {}
        async with self._conversation() as ask:
            for block in BLOCKS:
                if block not in self._lacks:
                    registers |= await self._block(block, ask)
        with understanding(struct.pack(f"<{len(registers)}H", *registers.values())):
            return reading(registers)

    async def _block(self, block: Block, ask: Ask) -> dict[int, int]:
        try:
            values = await ask(block)
        except Unsupported:
            if not block.is_optional:
                raise
            self._lacks.add(block)
            return {}
        return dict(enumerate(values, block.first))

    async def read_setting(self, name: str) -> SettingValue | None:
        """Return what a setting is now."""
        one = self._setting(name)
        async with self._conversation() as ask:
            [value] = await ask(holding(one.register))
        return settable.value_of(one.setting, value)

    async def write_setting(self, name: str, value: SettingValue) -> None:
        """Write a value within the bounds of its setting; Unsupported where it is not, or the inverter refuses it."""
        one = self._setting(name)
        problem = next((settable.why_not(known, value) for known in self.settings if known.name == name), None)
        if problem is not None:
            raise Unsupported(problem)
        async with self._conversation() as ask:
            await ask.write(Write(one.register, round(settable.raw_of(one.setting, value))))

    def _setting(self, name: str) -> Holding:
        if name not in {one.name for one in self.settings}:
            raise Unsupported(f"{name} is nothing that can be set here")
        return SETTINGS[name]

    async def close(self) -> None:
        """Give up nothing: a connection lives for one conversation."""


class _ByModbus:
    """A conversation in standard Modbus: the same registers by the same numbers."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    async def __call__(self, block: Block) -> tuple[int, ...]:
        table = Table.HOLDING if block.function == READ_HOLDING else Table.INPUT
        return await self._conversation(Span(table, block.first, block.count))

    async def write(self, write: Write) -> None:
        await self._conversation.write(Span(Table.HOLDING, write.first, 1), (write.value,), as_several=False)


def _conversations(options: LuxpowerOptions, wiring: Wiring) -> Callable[[], AbstractAsyncContextManager[Ask]]:
    """Return how to open a conversation over the transport that the options name."""
    host = options.host or ""
    if options.transport == "dongle":
        serials = (options.dongle_serial or "", options.inverter_serial or "")
        port = options.port or DONGLE_PORT
        return Dongle(host, port, serials, options.timeout_s, wiring.tape).conversation
    line = (
        TcpLine(host, options.port or MODBUS_PORT)
        if options.transport == "tcp"
        else SerialLine(options.serial_port or "", BAUD_RATE, "N", 1)
    )
    unit = Modbus(line, options.unit, options.timeout_s, wiring.tape, wiring.shared)

    @asynccontextmanager
    async def conversation() -> AsyncIterator[Ask]:
        async with unit.conversation() as open_line:
            yield _ByModbus(open_line)

    return conversation


DRIVER = DriverSpec(
    name=NAME,
    kind=DeviceKind.BATTERY,
    title="EG4 / LuxPower inverter: dongle or Modbus",
    level=Level.SILVER,
    options=LuxpowerOptions,
    create=Luxpower,
    # A dongle needs half a second an answer, and passes the same line on to its cloud.
    min_interval_s=5.0,
)
