"""Every store the recorder has, empty and open, each over its real server."""

from __future__ import annotations

import secrets
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import aiohttp
from aiohttp import web

from hashbus_recorder.repository import Point, TimeSeriesRepository
from hashbus_recorder.stores.embedded import EmbeddedStore
from hashbus_recorder.stores.influx import InfluxStore
from hashbus_recorder.stores.influx_server import InfluxServer
from hashbus_recorder.stores.retention import Retention
from hashbus_recorder.stores.victoria import VictoriaStore
from tests.servers import Influxd, VictoriaMetrics

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
"""Databases refuse what is older than their retention, so the points of the tests are of these days."""

START = TODAY - timedelta(days=4)


S = TypeVar("S", bound=TimeSeriesRepository)


@dataclass
class Subject:
    """A store under test. Some servers show what was written a moment later; `write` waits for that."""

    store: TimeSeriesRepository
    site: str
    flush: Callable[[], None] = field(default=lambda: None)
    keeps_words: bool = True

    async def write(self, *points: Point) -> None:
        await self.store.write([self.here(point) for point in points])
        self.flush()

    def here(self, point: Point) -> Point:
        return Point(point.measurement, point.device, point.at, point.fields, {"site": self.site, **point.tags})


def embedded(folder: Path, keep: Retention | None = None, *, max_mb: int | None = None) -> EmbeddedStore:
    return EmbeddedStore(folder / "series.sqlite3", keep or Retention(), max_mb=max_mb)


@asynccontextmanager
async def influx_v1(server: Influxd, site: str) -> AsyncIterator[Subject]:
    database = new_database(server)
    connection = InfluxServer(server.url, bucket=database, org="", token="", api="v1")
    async with closing(InfluxStore(connection, site=site)) as store:
        yield Subject(store, site)


@asynccontextmanager
async def influx_v2(server: Influxd, site: str) -> AsyncIterator[Subject]:
    """InfluxDB 1.6 behind the one thing that 1.8 learnt: `/api/v2/write?bucket=database/policy` is `/write?db=`."""
    database = new_database(server)
    async with rewriting_proxy(server.url) as url:
        connection = InfluxServer(url, bucket=f"{database}/autogen", org="home", token="a:b", api="v2")
        async with closing(InfluxStore(connection, site=site)) as store:
            yield Subject(store, site)


@asynccontextmanager
async def victoria(server: VictoriaMetrics, site: str) -> AsyncIterator[Subject]:
    async with closing(VictoriaStore(server.url, site=site)) as store:
        yield Subject(store, site, lambda: get(f"{server.url}/internal/force_flush"), keeps_words=False)


@asynccontextmanager
async def closing(store: S) -> AsyncIterator[S]:
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def rewriting_proxy(target: str) -> AsyncIterator[str]:
    async def forward(request: web.Request) -> web.Response:
        parameters, path = dict(request.query), request.path
        if path == "/api/v2/write":
            database, _, policy = parameters["bucket"].partition("/")
            path, parameters = "/write", {"db": database, "rp": policy, "precision": parameters["precision"]}
        kept = {name: request.headers[name] for name in ("Content-Type", "Content-Encoding") if name in request.headers}
        body = await request.content.read()
        async with session.post(f"{target}{path}", params=parameters, data=body, headers=kept) as answer:
            return web.Response(status=answer.status, body=await answer.read(), content_type=answer.content_type)

    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/{path:.*}", forward)
    runner = web.AppRunner(app, auto_decompress=False)
    async with aiohttp.ClientSession() as session:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        try:
            yield f"http://{host}:{port}"
        finally:
            await runner.cleanup()


def new_database(server: Influxd) -> str:
    name = f"db_{secrets.token_hex(4)}"
    text = urllib.parse.urlencode({"q": f'CREATE DATABASE "{name}"'}).encode()
    with urllib.request.urlopen(f"{server.url}/query", data=text, timeout=10) as answer:
        # The server gives a command up when the asker goes before it has read the answer.
        answer.read()
    return name


def get(url: str) -> None:
    with urllib.request.urlopen(url, timeout=10) as answer:
        answer.read()


def miner(device: str, at: datetime, power_w: float, **more: float | str) -> Point:
    return Point("miner", device, at, {"power_w": power_w, **more})


def every(step_s: float, count: int, start: datetime = START) -> list[datetime]:
    return [start + timedelta(seconds=step_s * number) for number in range(count)]
