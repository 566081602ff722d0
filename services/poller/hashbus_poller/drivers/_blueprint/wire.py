"""Talking to an Acme Heater: one connection, one line there, one line back, within a time and a size limit."""

from __future__ import annotations

import asyncio

from hashbus_poller.drivers._blueprint.commands import Command
from hashbus_poller.drivers.contract import Garbled, Tape, Unreachable

LONGEST_ANSWER_B = 1024 * 1024


class Wire:
    """Where the heater is, how long to wait for it, and the tape."""

    def __init__(self, host: str, port: int, timeout_s: float, tape: Tape) -> None:
        """Open nothing yet."""
        self._host = host
        self._port = port
        self._timeout_s = timeout_s
        self._tape = tape
        self._turn = asyncio.Lock()  # one request in flight per device

    async def ask(self, command: Command) -> bytes:
        """Return the raw answer to a command; Unreachable or Garbled when there is none to be had."""
        where = f"{self._host}:{self._port}"
        try:
            async with self._turn, asyncio.timeout(self._timeout_s):
                raw = await self._exchange(command.sent)
        except TimeoutError:
            raise Unreachable(f"{where} did not answer within {self._timeout_s:g} s") from None
        except asyncio.IncompleteReadError:
            raise Unreachable(f"{where} hung up before its answer was whole") from None
        except ConnectionRefusedError:
            raise Unreachable(f"{where} refused the connection", is_refused=True) from None
        except (OSError, UnicodeError) as error:  # UnicodeError: a host name that the resolver cannot spell
            raise Unreachable(f"{where}: {getattr(error, 'strerror', None) or error}") from None
        self._tape.keep(command.question, raw)
        return raw

    async def _exchange(self, sent: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(self._host, self._port, limit=LONGEST_ANSWER_B)
        try:
            writer.write(sent)
            return await reader.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            start = await reader.read(4096)
            raise Garbled(f"the answer is longer than {LONGEST_ANSWER_B} bytes", start) from None
        finally:
            writer.transport.abort()  # also when cancelled: nothing more is wanted from this connection
