"""Modbus as a client: one question at a time on a line, and every unit on the line waits for its turn.

A line is a TCP connection or a serial port; it is open for one conversation (the questions of one reading), so that a
gateway that serves a single client is free for others in between. Frames, checksums and the serial port are pymodbus's.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import cast

from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerBase, FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.transport.serialtransport import create_serial_connection

from hashbus_poller.drivers.contract import Garbled, Tape, Unreachable, Unsupported
from hashbus_poller.modbus_options import SerialLine, TcpLine
from hashbus_poller.modbus_tables import Span
from hashbus_poller.shared import Shared

LONGEST_FRAME = 260
"""Bytes: 253 of the protocol data unit and the header of Modbus TCP."""

QUIET_CHARACTERS = 3.5
"""A frame on a serial line ends with that much silence (Modbus over Serial Line 1.02, 2.5.1.1)."""

SHORTEST_QUIET_S = 0.00175
"""The silence at more than 19200 baud (same place)."""

BITS_OF_A_CHARACTER = 11

GATEWAY_TROUBLE = frozenset({4, 5, 6, 10, 11})
"""Exception codes that pass: device failure, acknowledge, busy, no path, no answer from the unit behind a gateway."""

EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledge: it takes longer",
    6: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "the unit behind the gateway does not answer",
}


class Modbus:
    """One unit on a line."""

    def __init__(self, line: TcpLine | SerialLine, unit: int, timeout_s: float, tape: Tape, shared: Shared) -> None:
        """Open nothing yet."""
        self._line = line
        self._unit = unit
        self._timeout_s = timeout_s
        self._tape = tape
        place = line.path if isinstance(line, SerialLine) else (line.host, line.port)
        self._turn = shared.get(("modbus", place), asyncio.Lock)

    async def read(self, *spans: Span) -> list[tuple[int, ...]]:
        """Return the entries of each span in one conversation; one of the five errors when any cannot be had."""
        async with self.conversation() as ask:
            return [await ask(span) for span in spans]

    @asynccontextmanager
    async def conversation(self) -> AsyncIterator[Conversation]:
        """Open the line when it is free, and close it at the end."""
        async with self._turn:
            wire = await self._open()
            try:
                yield Conversation(wire, self._line, self._unit, self._timeout_s, self._tape)
            finally:
                wire.drop()

    async def _open(self) -> _Wire:
        loop, line = asyncio.get_running_loop(), self._line
        is_rtu = isinstance(line, SerialLine) or line.is_rtu
        wire = _Wire(loop, FramerRTU(DecodePDU(False)) if is_rtu else FramerSocket(DecodePDU(False)))
        try:
            async with asyncio.timeout(self._timeout_s):
                if isinstance(line, TcpLine):
                    await loop.create_connection(lambda: wire, line.host, line.port)
                else:
                    transport, _ = await create_serial_connection(
                        loop, lambda: wire, line.path, line.baud_rate, 8, line.parity, line.stop_bits, 0
                    )
                    wire.connection_made(transport)
        except TimeoutError:
            raise Unreachable(f"{line} did not answer the call in {self._timeout_s:g} s") from None
        except ConnectionRefusedError:
            raise Unreachable(f"nothing listens on {line}", is_refused=True) from None
        except (OSError, UnicodeError, ValueError) as error:
            # A serial port that is not there is as clear a no as nobody listening. ValueError: settings it cannot take.
            is_refused = isinstance(line, SerialLine)
            raise Unreachable(f"{line} cannot be opened: {_reason(error)}", is_refused=is_refused) from None
        return wire


class Conversation:
    """Questions to one unit while the line is open."""

    def __init__(self, wire: _Wire, line: TcpLine | SerialLine, unit: int, timeout_s: float, tape: Tape) -> None:
        """Speak over `wire`."""
        self._wire = wire
        self._line = line
        self._unit = unit
        self._timeout_s = timeout_s
        self._tape = tape
        self._asked = 0

    async def __call__(self, span: Span) -> tuple[int, ...]:
        """Return the entries of a span: words, or 0 and 1.

        Unsupported when the unit has no such entries, Unreachable when it does not answer or is busy.
        """
        title = f"unit {self._unit} {span}"
        answer = await self._ask(struct.pack(">BHH", span.table.function, span.first, span.count), title)
        return self._entries(answer, span, title)

    async def write(self, span: Span, entries: tuple[int, ...], *, as_several: bool) -> None:
        """Write the entries of a span, by the function for one or the function for several.

        Unsupported when the unit has no such entries or does not take these, Unreachable when it does not answer: then
        it may have taken them all the same.
        """
        title = f"unit {self._unit} {span} = {', '.join(map(str, entries))}"
        answer = await self._ask(_writing(span, entries, as_several=as_several), title)
        self._check_kind(answer, span.table.write_functions[as_several], title)
        if answer.address != span.first:
            raise Garbled(f"{self._line} answered {title} for {answer.address}", bytes(self._wire.received))

    async def _ask(self, question: bytes, title: str) -> ModbusPDU:
        if isinstance(self._line, SerialLine) and self._asked:
            await asyncio.sleep(_quiet_s(self._line.baud_rate))
        self._asked += 1
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._wire.ask(question, self._unit, self._asked)
        except TimeoutError:
            raise Unreachable(f"{self._line} gave no whole answer to {title} in {self._timeout_s:g} s") from None
        except _HungUp:
            raise Unreachable(f"{self._line} hung up on {title}") from None
        finally:
            if self._wire.received:
                self._tape.keep(title, bytes(self._wire.received))

    def _entries(self, answer: ModbusPDU, span: Span, title: str) -> tuple[int, ...]:
        self._check_kind(answer, span.table.function, title)
        entries = tuple(int(bit) for bit in answer.bits) if span.table.is_bits else tuple(answer.registers)
        if len(entries) < span.count or (not span.table.is_bits and len(entries) > span.count):
            raise Garbled(f"{self._line} answered {title} with {len(entries)} entries", bytes(self._wire.received))
        return entries[: span.count]

    def _check_kind(self, answer: ModbusPDU, function: int, title: str) -> None:
        """Raise what an answer that is none of this function means."""
        if answer.function_code > 0x80:
            code = answer.exception_code
            problem = f"{self._line} refuses {title}: {EXCEPTIONS.get(code, 'unknown reason')} (exception {code})"
            raise Unreachable(problem) if code in GATEWAY_TROUBLE else Unsupported(problem)
        if answer.function_code != function:
            problem = f"{self._line} answered {title} with function {answer.function_code}"
            raise Garbled(problem, bytes(self._wire.received))


def _writing(span: Span, entries: tuple[int, ...], *, as_several: bool) -> bytes:
    """Return the protocol data unit that writes (Modbus Application Protocol 1.1b3, 6.5, 6.6, 6.12)."""
    function = span.table.write_functions[as_several]
    if as_several:
        head = struct.pack(">BHHB", function, span.first, span.count, 2 * span.count)
        return head + struct.pack(f">{span.count}H", *entries)
    # A coil is turned on by FF00 and off by 0.
    word = (0xFF00 if entries[0] else 0) if span.table.is_bits else entries[0]
    return struct.pack(">BHH", function, span.first, word)


class _HungUp(Exception):
    """The other side closed the connection, or the serial port is gone."""


class _Wire(asyncio.Protocol):
    """One open line: sends a question, hands out the first frame that answers it."""

    __slots__ = ("_answer", "_expected", "_framer", "_is_lost", "_loop", "_transport", "received")

    def __init__(self, loop: asyncio.AbstractEventLoop, framer: FramerBase) -> None:
        self._loop = loop
        self._framer = framer
        self._transport: asyncio.WriteTransport | None = None
        self._answer: asyncio.Future[ModbusPDU] | None = None
        self._expected = (0, 0, 0)
        self._is_lost = False
        self.received = bytearray()
        """What has come since the last question."""

    async def ask(self, question: bytes, unit: int, number: int) -> ModbusPDU:
        """Send a protocol data unit and return what the unit answers; TimeoutError is the caller's to set."""
        if self._transport is None or self._is_lost:
            raise _HungUp
        self.received.clear()
        self._expected = (unit, question[0], number)
        self._answer = self._loop.create_future()
        try:
            self._transport.write(self._framer.encode(question, unit, number))
            return await self._answer
        finally:
            self._answer = None

    def drop(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # What a stream connection always has; uvloop's transports do not inherit asyncio's, so nothing is asserted.
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():
            return
        self.received += data
        try:
            answer = self._found()
        except ModbusException as error:
            self._answer.set_exception(Garbled(f"no Modbus answer: {error}", bytes(self.received)))
        except Garbled as garbled:
            self._answer.set_exception(garbled)
        else:
            if answer is not None:
                self._answer.set_result(answer)

    def _found(self) -> ModbusPDU | None:
        """Return the first frame that may be the answer; None while there is none, Garbled when none can come."""
        unit, function, number = self._expected
        is_rtu = isinstance(self._framer, FramerRTU)
        _check_beginning(self.received, is_rtu=is_rtu)
        starts = _beginnings(self.received, unit, function) if is_rtu else (0,)
        for start in starts:
            _, answer = self._framer.handleFrame(bytes(self.received[start:]), unit, number)
            if answer is not None:
                return answer
        return None

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._is_lost = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(_HungUp())


def _check_beginning(received: bytes | bytearray, *, is_rtu: bool) -> None:
    """Refuse at once what cannot become an answer: a longer flood than any frame, or no header of Modbus TCP."""
    if len(received) > 4 * LONGEST_FRAME:
        raise Garbled(f"more than {4 * LONGEST_FRAME} bytes without an answer", bytes(received[:LONGEST_FRAME]))
    if not is_rtu and len(received) >= 6:
        protocol, length = struct.unpack_from(">HH", received, 2)
        if protocol != 0 or not 2 < length <= LONGEST_FRAME - 6:
            raise Garbled("the answer is not Modbus TCP", bytes(received))


def _beginnings(received: bytes | bytearray, unit: int, function: int) -> Iterator[int]:
    """Return where a serial frame of the unit may begin: a line that turns round often has noise before the answer."""
    for place in range(len(received) - 1):
        if received[place] == unit and received[place + 1] & 0x7F == function:
            yield place


def _quiet_s(baud_rate: int) -> float:
    return max(SHORTEST_QUIET_S, QUIET_CHARACTERS * BITS_OF_A_CHARACTER / baud_rate)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
