"""The least that reading a fleet can cost in asyncio: the same connections, questions and bytes, and nothing else.

No parsing, no checks, no limits but the number of connections. One protocol object a connection, on uvloop.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Awaitable, Callable
from typing import cast

from benchmarks import workers
from benchmarks.bare_http import ask_all, braiins_token, get
from benchmarks.fleet import MODBUS_PORT, WEB_PORT
from hashbus_poller.drivers.antminer import commands as antminer
from hashbus_poller.drivers.avalon import commands as avalon
from hashbus_poller.drivers.braiins import commands as braiins
from hashbus_poller.drivers.cgminer import commands as cgminer
from hashbus_poller.drivers.cgminer.commands import question
from hashbus_poller.drivers.luxos import commands as luxos
from hashbus_poller.drivers.vnish import commands as vnish
from hashbus_poller.drivers.whatsminer import commands as whatsminer

BRAIINS = (braiins.DETAILS, braiins.STATS, braiins.HASHBOARDS, braiins.COOLING, braiins.TUNER, braiins.POOLS)
VNISH = [get(vnish.BASE + command.path) for command in (vnish.SUMMARY, vnish.PERF_SUMMARY)]
WHATSMINER_V2 = (question("summary", "edevs", "pools"), question("status"), question("get_psu"))

MODBUS = tuple(
    struct.pack(">HHHBBHH", number, 0, 6, 1, 3, first, count) for number, first, count in ((1, 0, 2), (2, 32, 4))
)
"""What the template of a flow meter asks for: flow, and both temperatures."""

GET_INFO = b"GET /api/system/info HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n"


class _UntilClosed(asyncio.Protocol):
    """One question, one answer that ends with the connection."""

    def __init__(self, request: bytes, is_over: asyncio.Future[int]) -> None:
        self._request = request
        self._is_over = is_over
        self._size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.WriteTransport", transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        self._size += len(data)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._is_over.set_result(self._size)


class _Framed(asyncio.Protocol):
    """A connection that stays open; an answer is four bytes with its length and that many more."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def ask(self, frame: bytes, answer: asyncio.Future[int]) -> None:
        self._answer = answer
        self._transport.write(frame)

    def data_received(self, data: bytes) -> None:
        self._received += data
        size = len(self._received)
        if size >= 4 and size == struct.unpack_from("<I", self._received)[0] + 4 and self._answer is not None:
            self._received.clear()
            self._answer.set_result(size)


class _Modbus(asyncio.Protocol):
    """Modbus TCP: an answer says in its header how long it is."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)

    def ask(self, request: bytes, answer: asyncio.Future[int]) -> None:
        self._answer = answer
        self._received.clear()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        size = len(self._received)
        if size >= 6 and size == struct.unpack_from(">H", self._received, 4)[0] + 6 and self._answer is not None:
            self._answer.set_result(size)


class Reader:
    """Reads devices of every family."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self._loop = asyncio.get_running_loop()
        self._lines: dict[str, _Framed] = {}
        self._tokens: dict[str, str] = {}
        self._of_family: dict[str, Callable[[str], Awaitable[int]]] = {
            "cgminer": lambda host: self._once(host, 4028, cgminer.ALL_AT_ONCE.request),
            "antminer": self._antminer,
            "whatsminer": self._whatsminer,
            "bitaxe": lambda host: self._once(host, WEB_PORT, GET_INFO),
            "whatsminer_v2": self._whatsminer_v2,
            "avalon": lambda host: self._once(host, 4028, avalon.ALL_AT_ONCE.request),
            "braiins": self._braiins,
            "vnish": lambda host: ask_all(host, VNISH),
            "luxos": lambda host: self._once(host, 4028, luxos.ALL_REPORTS.request),
            "modbus": self._modbus,
            "http_json": lambda host: self._once(host, WEB_PORT, GET_INFO),
        }

    async def round(self, hosts: dict[str, list[str]], at_once: int) -> dict[str, float]:
        """Read every host once, so many at a time."""
        waiting = [(self._of_family[family], host) for family, those in hosts.items() for host in those]
        count, left = len(waiting), iter(waiting)
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        sizes = await asyncio.gather(*(self._work(left) for _ in range(at_once)))
        return {
            "seconds": time.perf_counter() - began_s,
            "cpu_s": time.process_time() - began_cpu_s,
            "readings": count,
            "bytes": sum(sizes),
        }

    async def _work(self, left: object) -> int:
        total = 0
        for read, host in left:  # type: ignore[attr-defined]
            total += await read(host)
        return total

    async def _once(self, host: str, port: int, request: bytes) -> int:
        is_over: asyncio.Future[int] = self._loop.create_future()
        await self._loop.create_connection(lambda: _UntilClosed(request, is_over), host, port)
        return await is_over

    async def _antminer(self, host: str) -> int:
        stats = await self._once(host, 4028, antminer.STATS.request)
        return stats + await self._once(host, 4028, antminer.POOLS.request)

    async def _whatsminer_v2(self, host: str) -> int:
        total = 0
        for one in WHATSMINER_V2:
            total += await self._once(host, 4028, one.request)
        return total

    async def _braiins(self, host: str) -> int:
        if host not in self._tokens:
            self._tokens[host] = await braiins_token(host)
        return await ask_all(host, [get(braiins.BASE + one.path, token=self._tokens[host]) for one in BRAIINS])

    async def _modbus(self, host: str) -> int:
        _, line = await self._loop.create_connection(_Modbus, host, MODBUS_PORT)
        total = 0
        for request in MODBUS:
            answer: asyncio.Future[int] = self._loop.create_future()
            line.ask(request, answer)
            total += await answer
        line.transport.close()
        return total

    async def _whatsminer(self, host: str) -> int:
        line = self._lines.get(host)
        if line is None:
            _, line = await self._loop.create_connection(_Framed, host, 4433)
            self._lines[host] = line
        total = 0
        for one in (whatsminer.DEVICE_INFO, whatsminer.MINER_STATUS):
            answer: asyncio.Future[int] = self._loop.create_future()
            line.ask(one.frame, answer)
            total += await answer
        return total


async def main() -> None:
    """Read whenever told."""
    await workers.obey({"round": Reader().round})


if __name__ == "__main__":
    workers.run(main())
