#!/usr/bin/env python3
"""Which HTTP client: aiohttp against httpx, one GET of 1.2 kB of JSON per connection, as a poller asks its miners.

Each client runs in a process of its own against a server in a third one, so that memory and CPU are the client's. With
digest authentication the client keeps its challenge, as it does from one poll to the next. Run it with

    python benchmarks/http_client.py [--requests 2000]

httpx is not needed by anything else here; without it only aiohttp is measured.
"""

import argparse
import asyncio
import hashlib
import importlib.util
import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

HOST = "127.90.0.1"
USER, PASSWORD, REALM, NONCE = "root", "root", "antMiner Configuration", "0123456789abcdef"
AT_ONCE = 32
ANSWER = json.dumps({f"figure_{number:02d}": number * 1.0625 for number in range(50)}).encode()[:1200].ljust(1200)
CLIENTS = ("aiohttp", "httpx")
WAYS = ("plain", "plain, kept open", "digest")

Get = Callable[[], Awaitable[int]]


async def main() -> int:
    """Measure every client in every way and print a table."""
    requests = _arguments().requests
    server = await asyncio.start_server(_serve, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    print(f"{requests} GETs of {len(ANSWER)} B, {AT_ONCE} at once, one connection each unless kept open")
    print(f"{'client':8} {'way':18} {'requests/s':>10} {'CPU us each':>12} {'import MB':>10} {'peak MB':>8}")
    for client in CLIENTS:
        if importlib.util.find_spec(client) is None:
            print(f"{client:8} is not installed: pip install {client}")
            continue
        for way in WAYS:
            result = await _in_a_process_of_its_own(client, way, port, requests)
            print(
                f"{client:8} {way:18} {result['per_s']:>10.0f} {result['cpu_us']:>12.0f}"
                f" {result['import_mb']:>10.1f} {result['peak_mb']:>8.1f}"
            )
    server.close()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2000, help="how many GETs each client makes")
    return parser.parse_args()


async def _in_a_process_of_its_own(client: str, way: str, port: int, requests: int) -> dict[str, float]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--client", client, way, str(port), str(requests), stdout=subprocess.PIPE
    )
    printed, _ = await child.communicate()
    if child.returncode:
        raise SystemExit(f"the measurement of {client} failed")
    result: dict[str, float] = json.loads(printed)
    return result


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
    return given["response"] == _md5(f"{first}:{NONCE}:{given['nc']}:{given['cnonce']}:auth:{second}")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


# --- the clients ---------------------------------------------------------------------------------------


async def _measure(client: str, way: str, port: int, requests: int) -> dict[str, float]:
    url = f"http://{HOST}:{port}/{'digest' if way == 'digest' else 'plain'}"
    get, close = await (_aiohttp if client == "aiohttp" else _httpx)(url, way)
    import_mb = _resident_mb()
    for _ in range(20):
        await get()
    queue = iter(range(requests))
    began_s, cpu_s = time.perf_counter(), time.process_time()
    await asyncio.gather(*(_work(get, queue) for _ in range(AT_ONCE)))
    took_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    await close()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    per_s, cpu_us = requests / took_s, cpu_s / requests * 1e6
    return {"per_s": per_s, "cpu_us": cpu_us, "import_mb": import_mb, "peak_mb": peak_mb}


async def _work(get: Get, queue: Any) -> None:
    for _ in queue:
        if await get() != len(ANSWER):
            raise SystemExit("the answer is not whole")


def _resident_mb() -> float:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize() / 2**20


async def _aiohttp(url: str, way: str) -> tuple[Get, Callable[[], Awaitable[None]]]:
    import aiohttp  # noqa: PLC0415  the other client must not weigh on this one

    session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
    middlewares = (aiohttp.DigestAuthMiddleware(USER, PASSWORD),) if way == "digest" else ()
    headers = {} if way == "plain, kept open" else {"Connection": "close"}

    async def get() -> int:
        async with session.get(url, headers=headers, middlewares=middlewares) as response:
            return len(await response.read())

    return get, session.close


async def _httpx(url: str, way: str) -> tuple[Get, Callable[[], Awaitable[None]]]:
    import httpx  # noqa: PLC0415

    session = httpx.AsyncClient(limits=httpx.Limits(max_connections=100))
    auth = httpx.DigestAuth(USER, PASSWORD) if way == "digest" else None
    headers = {} if way == "plain, kept open" else {"Connection": "close"}

    async def get() -> int:
        response = await session.get(url, headers=headers, auth=auth)
        return len(response.content)

    return get, session.aclose


if __name__ == "__main__":
    if sys.argv[1:2] == ["--client"]:
        print(json.dumps(asyncio.run(_measure(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))))
    else:
        sys.exit(asyncio.run(main()))
