"""Which HTTP client: aiohttp against httpx, one GET of 1.2 kB of JSON a connection, as a poller asks its miners.

Each client runs in a process of its own against a server in a third one, so that memory and CPU are the client's. With
digest authentication the client keeps its challenge, as it does from one poll to the next. httpx is not needed by
anything else here; without it only aiohttp is measured.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import json
import re
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from benchmarks import workers
from benchmarks.figures import Figure
from benchmarks.workers import worker

HOST = "127.90.0.1"
USER, PASSWORD, REALM, NONCE = "root", "root", "antMiner Configuration", "0123456789abcdef"
AT_ONCE = 32
ANSWER = json.dumps({f"figure_{number:02d}": number * 1.0625 for number in range(50)}).encode()[:1200].ljust(1200)
CLIENTS = ("aiohttp", "httpx")
WAYS = ("plain", "kept", "digest")
"""A connection each; one connection for all; a connection each with HTTP digest authentication."""

REQUESTS, QUICK_REQUESTS = 2000, 40

Get = Callable[[], Awaitable[int]]
Close = Callable[[], Awaitable[None]]


async def measure(*, quick: bool) -> list[Figure]:
    """Measure every client that is installed, in every way."""
    server = await asyncio.start_server(_serve, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    figures = []
    for client in CLIENTS:
        if importlib.util.find_spec(client) is None:
            continue
        for way in WAYS:
            async with worker("benchmarks.http_client", client) as process:
                taken = await process.do("get", way=way, port=port, requests=QUICK_REQUESTS if quick else REQUESTS)
            note = f"{taken['cpu_us']:,.0f} us CPU each; its import takes {taken['import_mb']:.0f} MB"
            figures.append(Figure(f"http_{client}_{way}", taken["per_s"], "GETs/s", "", note))
    server.close()
    return figures


# --- the server ----------------------------------------------------------------------------------------


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer requests on one connection; /digest wants the right response to its challenge."""
    try:
        while head := (await reader.readuntil(b"\r\n\r\n")).decode():
            is_welcome = not head.startswith("GET /digest") or _is_authorized(head)
            is_last = "connection: close" in head.lower()
            writer.write(_answer(is_welcome, is_last))
            await writer.drain()
            if is_last:
                break
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


def _answer(is_welcome: bool, is_last: bool) -> bytes:
    status = "200 OK" if is_welcome else "401 Unauthorized"
    challenge = "" if is_welcome else f'WWW-Authenticate: Digest realm="{REALM}", nonce="{NONCE}", qop="auth"\r\n'
    body = ANSWER if is_welcome else b""
    closing = "Connection: close\r\n" if is_last else ""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}{challenge}{closing}\r\n".encode() + body


def _is_authorized(head: str) -> bool:
    found = re.search(r"^authorization: digest (.*?)\r$", head, re.IGNORECASE | re.MULTILINE)
    given = dict(re.findall(r'(\w+)="?([^",]*)"?', found[1])) if found else {}
    if "response" not in given:
        return False
    first = _md5(f"{USER}:{REALM}:{PASSWORD}")
    second = _md5(f"GET:{given['uri']}")
    return str(given["response"]) == _md5(f"{first}:{NONCE}:{given['nc']}:{given['cnonce']}:auth:{second}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


# --- the clients ---------------------------------------------------------------------------------------


async def _get(client: str, way: str, port: int, requests: int) -> dict[str, float]:
    """Make that many GETs with one client; its import is a part of what it costs."""
    url = f"http://{HOST}:{port}/{'digest' if way == 'digest' else 'plain'}"
    before_mb = _resident_mb()
    get, close = (_aiohttp if client == "aiohttp" else _httpx)(url, way)
    import_mb = _resident_mb() - before_mb
    for _ in range(20):
        await get()
    queue = iter(range(requests))
    began_s, cpu_s = time.perf_counter(), time.process_time()
    await asyncio.gather(*(_work(get, queue) for _ in range(AT_ONCE)))
    took_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    await close()
    return {"per_s": requests / took_s, "cpu_us": cpu_s / requests * 1e6, "import_mb": import_mb}


async def _work(get: Get, queue: Any) -> None:
    for _ in queue:
        if await get() != len(ANSWER):
            raise SystemExit("the answer is not whole")


def _resident_mb() -> float:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize() / 2**20


def _aiohttp(url: str, way: str) -> tuple[Get, Close]:
    import aiohttp  # noqa: PLC0415  the other client must not weigh on this one

    session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
    middlewares = (aiohttp.DigestAuthMiddleware(USER, PASSWORD),) if way == "digest" else ()
    headers = {} if way == "kept" else {"Connection": "close"}

    async def get() -> int:
        async with session.get(url, headers=headers, middlewares=middlewares) as response:
            return len(await response.read())

    return get, session.close


def _httpx(url: str, way: str) -> tuple[Get, Close]:
    import httpx  # noqa: PLC0415

    session = httpx.AsyncClient(limits=httpx.Limits(max_connections=100))
    auth = httpx.DigestAuth(USER, PASSWORD) if way == "digest" else None
    headers = {} if way == "kept" else {"Connection": "close"}

    async def get() -> int:
        response = await session.get(url, headers=headers, auth=auth)
        return len(response.content)

    return get, session.aclose


async def _main(client: str) -> None:
    async def get(way: str, port: int, requests: int) -> dict[str, float]:
        return await _get(client, way, port, requests)

    await workers.obey({"get": get})


if __name__ == "__main__":
    workers.run(_main(sys.argv[1]))
