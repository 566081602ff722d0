"""A database that does as a test says: takes lines, refuses some, or says no. It keeps the order of arrival."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class MoodyDatabase:
    """Answers InfluxDB's write calls with `status`; a line with `poison` in it is refused with 400."""

    url: str = ""
    status: int = 204
    answer: str = ""
    poison: str = "poison"
    lines: list[str] = field(default_factory=list)
    requests: list[web.BaseRequest] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)

    async def write(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        body = await request.read()
        self.bodies.append(body.decode(errors="replace"))
        lines = (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode(errors="replace").splitlines()
        if self.status != 204:
            return web.Response(status=self.status, text=self.answer)
        if any(self.poison in line for line in lines):
            return web.json_response({"code": "invalid", "message": "field type conflict"}, status=400)
        self.lines += lines
        return web.Response(status=204)


@asynccontextmanager
async def moody_database() -> AsyncIterator[MoodyDatabase]:
    database = MoodyDatabase()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", database.write)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    database.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield database
    finally:
        await runner.cleanup()
