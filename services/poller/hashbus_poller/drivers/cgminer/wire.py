"""The cgminer port (TCP 4028) as hostile input: one request, one reply to its end, then the device hangs up.

Shared by all families on this port. Host and port are checked when the configuration is read, commands against a list
before anything is sent; a reply has a size limit, and the whole exchange a time limit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Set as AbstractSet
from typing import cast

from pydantic import Field

from hashbus_poller.drivers.cgminer.commands import ALLOWED, Question
from hashbus_poller.drivers.contract import Garbled, HostOptions, Tape, Unreachable, Unsupported

PORT = 4028
LARGEST_REPLY = 1_048_576
"""Bytes (S1.41). The largest real replies have some 30,000."""

GRACE_S = 0.25
"""A reply ends with NUL and then the device hangs up; some firmware forgets the second."""

KEPT_BYTES = 4096
"""How much of an answer without end is kept."""


class CgminerOptions(HostOptions):
    """Where a device's cgminer port is."""

    port: int = Field(PORT, ge=1, le=65535, description="TCP port of the cgminer API")


class CgminerPort:
    """One device's port. Asks one question at a time, because the API of a miner is a single thread."""

    def __init__(
        self,
        options: CgminerOptions,
        tape: Tape,
        *,
        allowed: AbstractSet[str] = ALLOWED,
        turn: asyncio.Lock | None = None,
    ) -> None:
        """`turn` is shared with whatever else speaks to the same device; `allowed` is what may be sent to it."""
        self._host = options.host
        self._port = options.port
        self._timeout_s = options.timeout_s
        self._tape = tape
        self._allowed = allowed
        self._turn = turn or asyncio.Lock()

    async def ask(self, question: Question) -> bytes:
        """Return the whole reply, with its NUL.

        Unreachable when nobody answers within the time limit, Garbled when the reply has no end, Unsupported for a
        command that is not on the list. A reply that the device breaks off is returned as far as it came.
        """
        reply = await self.tell(question)
        if not reply:
            raise Unreachable(f"{self} hung up on {question.name} without an answer")
        return reply

    async def tell(self, question: Question) -> bytes:
        """Like `ask`, but to hang up without a byte is an answer too: a board that stops at once gives no other."""
        if any(word not in self._allowed for word in question.words):
            raise Unsupported(f"{question.name}: not on the list of commands that may be sent to this device")
        async with self._turn:
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await self._exchange(question)
            except TimeoutError:
                raise Unreachable(f"{self} gave no whole answer to {question.name} in {self._timeout_s:g} s") from None
            except ConnectionRefusedError:
                raise Unreachable(f"nothing listens on {self}", is_refused=True) from None
            except (OSError, UnicodeError) as error:
                # UnicodeError: what the name of a host can end in on its way to the resolver.
                reason = getattr(error, "strerror", None) or error
                raise Unreachable(f"{self} cannot be reached: {reason}") from None

    def __str__(self) -> str:
        """Say where, for complaints."""
        return f"{self._host} port {self._port}"

    async def _exchange(self, question: Question) -> bytes:
        loop = asyncio.get_running_loop()
        exchange = _Exchange(question.request, loop)
        transport, _ = await loop.create_connection(lambda: exchange, self._host, self._port)
        try:
            await exchange.is_over
        finally:
            transport.abort()
            if exchange.received:
                self._tape.keep(question.name, bytes(exchange.received))
        if exchange.is_endless:
            kept = bytes(exchange.received)
            raise Garbled(f"{self} answered {question.name} with more than {LARGEST_REPLY} bytes", kept)
        return bytes(exchange.received)


class _Exchange(asyncio.Protocol):
    """Sends one request and collects what comes until the device hangs up."""

    __slots__ = ("_grace", "_loop", "_request", "is_endless", "is_over", "received")

    def __init__(self, request: bytes, loop: asyncio.AbstractEventLoop) -> None:
        self._request = request
        self._loop = loop
        self._grace: asyncio.TimerHandle | None = None
        self.received = bytearray()
        self.is_endless = False
        self.is_over: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not isinstance: the transports of uvloop can write and are no subclass of asyncio's.
        cast("asyncio.WriteTransport", transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        if self.is_over.done():
            return
        self._forget_grace()
        self.received += data
        if len(self.received) > LARGEST_REPLY:
            self.is_endless = True
            del self.received[KEPT_BYTES:]
            self._end()
        elif data.endswith(b"\0"):
            self._grace = self._loop.call_later(GRACE_S, self._end)

    def eof_received(self) -> None:
        self._end()

    def connection_lost(self, _exc: Exception | None) -> None:
        """The device hung up, or reset the connection: cgminer does that when it has not read all of a request."""
        self._end()

    def _forget_grace(self) -> None:
        if self._grace is not None:
            self._grace.cancel()
            self._grace = None

    def _end(self) -> None:
        self._forget_grace()
        if not self.is_over.done():
            self.is_over.set_result(None)
