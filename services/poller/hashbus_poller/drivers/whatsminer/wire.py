"""Talking to a WhatsMiner: one connection, kept open between questions, one question at a time.

The miner serves ten clients and hangs up on one that is silent for 300 s. An open connection takes one of the ten
places and spares the small computer in the miner a handshake per reading. When it is found closed, a new one is opened
without a word.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from hashbus_poller.drivers.contract import DeviceError, Garbled, Tape, Unreachable
from hashbus_poller.drivers.whatsminer.commands import Question
from hashbus_poller.drivers.whatsminer.frames import KEPT_BYTES, LONGEST_FRAME, FrameReader
from hashbus_poller.drivers.whatsminer.replies import Reply, reply

LARGEST_FLOOD = 2 * LONGEST_FRAME
"""Bytes that may arrive for one question, or between two: one answer and what a miner says unasked beside it."""


class Line:
    """The line to one miner."""

    def __init__(self, host: str, port: int, timeout_s: float, tape: Tape) -> None:
        """Open nothing yet."""
        self._host = host
        self._port = port
        self._timeout_s = timeout_s
        self._tape = tape
        self._turn = asyncio.Lock()
        self._connection: _Connection | None = None
        self.opened = 0
        """How many connections there were so far: a new one may mean a reboot."""

    def __str__(self) -> str:
        """Say where, for complaints."""
        return f"{self._host} port {self._port}"

    async def ask(self, question: Question) -> Reply:
        """Return the reply to a question, whatever its code; Unreachable or Garbled when none can be had."""
        try:
            return await self._timed(question)
        except _HungUp as hung_up:
            raise Unreachable(f"{self} hung up {hung_up} {question.cmd}") from None

    async def tell(self, question: Question) -> Reply:
        """Like `ask`, but hanging up is success too: a board that reboots at once does that."""
        try:
            return await self._timed(question)
        except _HungUp:
            return Reply(code=0, msg="hung up", desc=question.cmd, raw=b"")

    async def close(self) -> None:
        """Hang up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.hang_up()

    async def _timed(self, question: Question) -> Reply:
        async with self._turn:
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await self._ask(question)
            except TimeoutError:
                problem = f"{self} gave no whole answer to {question.cmd} in {self._timeout_s:g} s"
                raise Unreachable(problem) from None
            except ConnectionRefusedError:
                raise Unreachable(f"nothing listens on {self}", is_refused=True) from None
            except (OSError, UnicodeError) as error:
                # UnicodeError: what the name of a host can end in on its way to the resolver.
                raise Unreachable(f"{self}: {getattr(error, 'strerror', None) or error}") from None

    async def _ask(self, question: Question) -> Reply:
        connection = self._connection
        if connection is not None and not connection.is_lost:
            try:
                return await self._exchange(connection, question)
            except _HungUp as hung_up:
                # Without a byte, on an idle line: its 300 s were over. What changes something is not sent twice, and
                # a line that we closed ourselves stays closed.
                if hung_up.is_amid or question.is_write or self._connection is not connection:
                    raise
        return await self._exchange(await self._connect(), question)

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: _Connection(loop), self._host, self._port)
        self._connection = connection
        self.opened += 1
        return connection

    async def _exchange(self, connection: _Connection, question: Question) -> Reply:
        def understood(raw: bytes) -> Reply | None:
            """Keep a document and say whether it answers the question; a miner may push others in between."""
            self._tape.keep(question.name, raw)
            said = reply(raw)
            return said if said.desc in ("", question.cmd) else None

        try:
            return await connection.ask(question.frame, understood)
        except BaseException:
            # Also when cancelled: what is still underway would be taken for the answer to the next question.
            connection.drop()
            raise


class _HungUp(Exception):
    """The miner closed or reset the connection; `is_amid` says that a part of its answer had come."""

    def __init__(self, *, is_amid: bool) -> None:
        super().__init__("amid its answer to" if is_amid else "(ten clients at a time are served) without answering")
        self.is_amid = is_amid


class _Connection(asyncio.Protocol):
    """One TCP connection: sends a frame and hands every document that arrives to whoever asked."""

    __slots__ = ("_answer", "_arrived", "_frames", "_gone", "_loop", "_transport", "_understand", "is_lost")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._frames = FrameReader()
        self._transport: asyncio.WriteTransport | None = None
        self._understand: Callable[[bytes], Reply | None] | None = None
        self._answer: asyncio.Future[Reply] | None = None
        self._gone: asyncio.Future[None] = loop.create_future()
        self._arrived = 0
        self.is_lost = False

    async def ask(self, frame: bytes, understand: Callable[[bytes], Reply | None]) -> Reply:
        """Send a frame and return the first reply that is understood."""
        if self._transport is None or self.is_lost:
            raise _HungUp(is_amid=False)
        self._arrived = 0
        self._answer, self._understand = self._loop.create_future(), understand
        try:
            self._transport.write(frame)
            return await self._answer
        finally:
            self._answer = self._understand = None

    def drop(self) -> None:
        """Close at once, without sending what is underway."""
        self.is_lost = True
        if self._transport is not None:
            self._transport.abort()

    async def hang_up(self) -> None:
        """Close, and wait until the socket is gone."""
        self.drop()
        await self._gone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # What a stream connection always has; uvloop's transports do not inherit asyncio's, so nothing is asserted.
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        self._arrived += len(data)
        try:
            if self._arrived > LARGEST_FLOOD:
                raise Garbled(f"more than {LARGEST_FLOOD} bytes without an answer", data[:KEPT_BYTES])
            for document in self._frames.feed(data):
                self._take(document)
        except DeviceError as error:
            self._fail(error)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The miner hung up; a reset of the connection is no other thing."""
        self._fail(_HungUp(is_amid=self._frames.is_amid))
        if not self._gone.done():
            self._gone.set_result(None)

    def _take(self, document: bytes) -> None:
        """Hand a document to whoever asked; between questions it is something that nobody asked for."""
        if self._answer is None or self._answer.done() or self._understand is None:
            return
        understood = self._understand(document)
        if understood is not None:
            self._answer.set_result(understood)

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
        self.drop()
