"""Talking to the dongle: one connection for the questions of one reading, because it serves one client at a time.

Beside the answers the dongle sends heartbeats and copies of its talk with the cloud; what is not for us is passed over.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from hashbus_poller.drivers.contract import Garbled, Tape, Unreachable
from hashbus_poller.drivers.luxpower import commands, parse
from hashbus_poller.drivers.luxpower.commands import Block, Write
from hashbus_poller.drivers.luxpower.frames import taken

PAUSES_S = (0.0, 0.2, 0.5)
"""Before each try: a dongle that hangs up at once may not have noticed yet that its last client, we, has left."""

LARGEST_TALK = 65_536
"""Bytes that may come before the answer to one question; the cloud's talk is a few hundred a minute."""


@dataclass(frozen=True)
class Connection:
    """An open connection, and what has come over it that is no whole frame yet."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    received: bytearray = field(default_factory=bytearray)


class Dongle:
    """The dongle of one inverter, by the serial numbers of both."""

    def __init__(self, host: str, port: int, serials: tuple[str, str], timeout_s: float, tape: Tape) -> None:
        """Open nothing yet; `serials` are those of dongle and inverter."""
        self._host = host
        self._port = port
        self._dongle, self._inverter = serials
        self._timeout_s = timeout_s
        self._tape = tape

    def __str__(self) -> str:
        """Say where, for complaints."""
        return f"dongle {self._host} port {self._port}"

    @asynccontextmanager
    async def conversation(self) -> AsyncIterator[Talk]:
        """Be its client for the questions of one reading."""
        talk = Talk(self)
        try:
            yield talk
        finally:
            talk.hang_up()

    async def connect(self) -> Connection:
        """Open a connection; Unreachable when nobody takes it."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return Connection(*await asyncio.open_connection(self._host, self._port))
        except TimeoutError:
            raise Unreachable(f"{self} did not answer the call in {self._timeout_s:g} s") from None
        except ConnectionRefusedError:
            raise Unreachable(f"nothing listens on {self}", is_refused=True) from None
        except (OSError, UnicodeError) as error:
            # UnicodeError: what the name of a host can end in on its way to the resolver.
            raise Unreachable(f"{self}: {getattr(error, 'strerror', None) or error}") from None

    async def ask(self, asked: Block | Write, connection: Connection) -> tuple[int, ...] | None:
        """Return the values that are asked for, or written; None when the dongle hangs up without a byte."""
        question = parse.Question(self._dongle.encode(), self._inverter.encode(), asked)
        try:
            async with asyncio.timeout(self._timeout_s):
                connection.writer.write(commands.request(self._dongle, self._inverter, asked))
                return await self._answer(question, connection)
        except TimeoutError:
            problem = f"{self} gave no answer to {asked} in {self._timeout_s:g} s; are both serial numbers right?"
            raise Unreachable(problem) from None
        except OSError as error:
            raise Unreachable(f"{self} broke off during {asked}: {error.strerror or error}") from None

    async def _answer(self, question: parse.Question, connection: Connection) -> tuple[int, ...] | None:
        """Read frames until one answers the question."""
        heard, received = bytearray(), connection.received
        try:
            while len(heard) <= LARGEST_TALK:
                while received and (frame := taken(received)) is not None:
                    values = parse.answer(frame, question)
                    if values is not None:
                        return values
                piece = await connection.reader.read(4096)
                if not piece and heard:
                    raise Unreachable(f"{self} hung up during {question.asked}")
                if not piece:
                    return None
                heard += piece
                received += piece
        finally:
            if heard:
                self._tape.keep(str(question.asked), bytes(heard))
        raise Garbled(f"{self} said {len(heard)} bytes without answering {question.asked}", bytes(heard))


class Talk:
    """Questions over one connection, opened with the first."""

    def __init__(self, dongle: Dongle) -> None:
        """Open nothing yet."""
        self._dongle = dongle
        self._connection: Connection | None = None

    async def __call__(self, block: Block) -> tuple[int, ...]:
        """Return the values of a block of registers."""
        return await self._ask(block)

    async def write(self, write: Write) -> None:
        """Write a register. Said twice to a dongle that hung up it does no harm: it is the same value."""
        await self._ask(write)

    async def _ask(self, asked: Block | Write) -> tuple[int, ...]:
        for pause_s in PAUSES_S:
            await asyncio.sleep(pause_s)
            if self._connection is None:
                self._connection = await self._dongle.connect()
            values = await self._dongle.ask(asked, self._connection)
            if values is not None:
                return values
            self.hang_up()
        raise Unreachable(f"{self._dongle} hung up; it serves one client at a time, is there another?")

    def hang_up(self) -> None:
        """Close at once."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.writer.transport.abort()
