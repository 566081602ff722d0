"""HTTP as bare as it can be: GET after GET on one connection, and of each answer nothing but where it ends."""

from __future__ import annotations

import asyncio
import json
import re
from typing import cast

from benchmarks.fleet import PASSWORD, WEB_PORT

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_END_OF_HEAD = b"\r\n\r\n"


class _Line(asyncio.Protocol):
    """One connection, one question at a time."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._answer: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def ask(self, request: bytes) -> asyncio.Future[bytes]:
        """Send a request; the future is the whole answer, head and body."""
        self._answer = asyncio.get_running_loop().create_future()
        self._received.clear()
        self._transport.write(request)
        return self._answer

    def hang_up(self) -> None:
        """Close."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head = self._received.find(_END_OF_HEAD)
        length = _LENGTH.search(self._received, 0, max(0, head)) if head >= 0 else None
        if length is None or self._answer is None or self._answer.done():
            return
        if len(self._received) >= head + len(_END_OF_HEAD) + int(length[1]):
            self._answer.set_result(bytes(self._received))


def get(path: str, *, token: str | None = None) -> bytes:
    """Return a GET that keeps the connection."""
    login = f"Authorization: {token}\r\n" if token else ""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n{login}\r\n".encode()


async def ask_all(host: str, requests: list[bytes]) -> int:
    """Ask one after another over one connection; returns how many bytes came."""
    _, line = await asyncio.get_running_loop().create_connection(_Line, host, WEB_PORT)
    size = 0
    for request in requests:
        size += len(await line.ask(request))
    line.hang_up()
    return size


async def braiins_token(host: str) -> str:
    """Log in at a miner with Braiins OS."""
    body = json.dumps({"username": "root", "password": PASSWORD})
    head = "POST /api/v1/auth/login HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json"
    _, line = await asyncio.get_running_loop().create_connection(_Line, host, WEB_PORT)
    answer = await line.ask(f"{head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    line.hang_up()
    token: str = json.loads(answer.partition(_END_OF_HEAD)[2])["token"]
    return token
