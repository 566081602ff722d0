"""A collector within the test, on a real socket over a real PostgreSQL, and who calls it: sites and people."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

import aiohttp
from pwdlib.hashers.argon2 import Argon2Hasher

from hashbus.clock import SYSTEM_CLOCK, Clock
from hashbus.health import Health
from hashbus_collector.collector import Collector
from hashbus_collector.database import open_database
from hashbus_collector.people import People, Role
from hashbus_collector.service import serve
from hashbus_collector.settings import CollectorSettings, DatabaseSettings
from hashbus_collector.sites import Sites

PATIENCE_S = 30
PASSWORD = "correct horse battery"
QUICK_HASH = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
"""Quick to verify, as a test logs in often; real ones take a tenth of a second."""
API = "/api/collector"


@dataclass
class Answer:
    """What came back."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Site:
    """A site's bridge, or any other client of the interface."""

    http: aiohttp.ClientSession
    url: str
    key: str
    headers: dict[str, str] = field(default_factory=dict)

    async def call(self, method: str, path: str, **more: Any) -> Answer:
        headers = {"X-Collector-Key": self.key, **self.headers, **more.pop("headers", {})}
        return await _call(self.http, method, f"{self.url}{API}/{path}", headers=headers, **more)

    async def upload(
        self,
        *records: Any,
        packed: bool = True,
        headers: Mapping[str, str] = MappingProxyType({}),
        calls_itself: str | None = None,
    ) -> Answer:
        body = json.dumps(records).encode()
        given = {"Content-Type": "application/json", **headers}
        if calls_itself:
            given["X-Site-ID"] = calls_itself
        if packed:
            body, given = gzip.compress(body), {**given, "Content-Encoding": "gzip"}
        return await self.call("POST", "upload", data=body, headers=given)

    async def pending(self, *, once: bool = False) -> list[dict[str, Any]]:
        answer = await self.call("GET", "commands/pending", headers={"X-Commands-Once": "1"} if once else {})
        assert answer.status == 200, answer
        assert answer.body["count"] == len(answer.body["commands"])
        found: list[dict[str, Any]] = answer.body["commands"]
        return found

    async def result(self, command_id: str, status: str = "completed", **more: Any) -> Answer:
        body = {"status": status, "result_code": "ok", "result_message": "done", **more}
        return await self.call("POST", f"commands/{command_id}/result", json=body)


@dataclass
class Visitor:
    """A person's browser: it keeps the cookie and sends the token of the page."""

    http: aiohttp.ClientSession
    url: str
    csrf: str = ""

    async def log_in(self, name: str, password: str = PASSWORD, **more: Any) -> Answer:
        answer = await self.call("POST", "session", json={"username": name, "password": password}, **more)
        if answer.status == 200:
            self.csrf = answer.body["csrf_token"]
        return answer

    async def call(self, method: str, path: str, **more: Any) -> Answer:
        headers = {"X-CSRF-Token": self.csrf, **more.pop("headers", {})}
        return await _call(self.http, method, f"{self.url}{API}/{path}", headers=headers, **more)

    async def get(self, path: str) -> Any:
        answer = await self.call("GET", path)
        assert answer.status == 200, answer
        return answer.body

    async def order(self, miner: str = "m1", kind: str = "reboot", site: str = "north", **more: Any) -> str:
        body = {"site_id": site, "miner_id": miner, "command_type": kind, **more}
        answer = await self.call("POST", "commands", json=body)
        assert answer.status == 200, answer
        return str(answer.body["command_id"])


@dataclass
class Cloud:
    """A collector at work."""

    url: str
    parts: Collector
    http: aiohttp.ClientSession
    visitors: list[aiohttp.ClientSession] = field(default_factory=list)

    async def site(self, name: str = "north", **headers: str) -> Site:
        await self.parts.sites.add(name, SYSTEM_CLOCK.now())
        return Site(self.http, self.url, await self.key(name), headers)

    async def key(self, name: str) -> str:
        return (await self.parts.sites.make_key(name, SYSTEM_CLOCK.now()))[1]

    async def person(self, name: str = "anna", role: Role = Role.ADMIN, site: str = "*") -> Visitor:
        await self.parts.database.execute(
            "WITH one AS (INSERT INTO person (name, password_hash, made_at) VALUES ($1, $2, now()) "
            "ON CONFLICT (name) DO UPDATE SET locked_at = NULL RETURNING id) "
            "INSERT INTO person_role SELECT id, $3, $4 FROM one ON CONFLICT DO NOTHING",
            name, QUICK_HASH, site, role.word,
        )  # fmt: skip
        visitor = self.browser()
        answer = await visitor.log_in(name)
        assert answer.status == 200, answer
        return visitor

    def browser(self) -> Visitor:
        http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.visitors.append(http)
        return Visitor(http, self.url)

    def figure(self, name: str, **labels: str) -> float:
        return self.parts.metrics.registry.get_sample_value(name, labels) or 0.0


@asynccontextmanager
async def cloud_over(database_url: str, clock: Clock = SYSTEM_CLOCK, **settings: Any) -> AsyncIterator[Cloud]:
    """Run a collector over a database with the tables; `settings` are those of `collector:`."""
    section = {"port": 0, "database": {"url": database_url, "connections": 4}, **settings}
    chosen = CollectorSettings.model_validate({"health": {"port": 0}, "collector": section})
    ready: asyncio.Future[tuple[Collector, str]] = asyncio.get_running_loop().create_future()
    health = Health("collector", "test", SYSTEM_CLOCK.now())
    task = asyncio.create_task(serve(chosen, clock, health, lambda *found: ready.set_result(found)))
    try:
        async with asyncio.timeout(PATIENCE_S):
            # A collector that does not start raises here, and not only when the patience is over.
            task.add_done_callback(partial(_pass_on, ready))
            parts, url = await ready
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            cloud = Cloud(url, parts, http)
            try:
                yield cloud
            finally:
                for visitor in cloud.visitors:
                    await visitor.close()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _pass_on(ready: asyncio.Future[Any], done: asyncio.Task[None]) -> None:
    if not ready.done():
        ready.set_exception(done.exception() or RuntimeError("the collector ended by itself"))


async def new_site(database_url: str, site: str) -> str:
    """Add a site straight in the database, for a collector that is a process; returns a key for it."""
    database = await open_database(DatabaseSettings(), database_url, None)
    try:
        await Sites(database).add(site, SYSTEM_CLOCK.now())
        return (await Sites(database).make_key(site, SYSTEM_CLOCK.now()))[1]
    finally:
        await database.close()


async def new_person(database_url: str, name: str, role: Role = Role.ADMIN) -> None:
    """Let somebody in straight in the database; the password is `PASSWORD`."""
    database = await open_database(DatabaseSettings(), database_url, None)
    try:
        await People(database, hours=1, idle_minutes=10).add(name, PASSWORD, role, SYSTEM_CLOCK.now())
    finally:
        await database.close()


def reading(miner: str = "m1", *, ago_s: float = 0, **more: Any) -> dict[str, Any]:
    """A record as a site uploads it."""
    at = datetime.now(UTC) - timedelta(seconds=ago_s)
    return {
        "miner_id": miner,
        "recorded_at": at.isoformat(),
        "ip_address": None,
        "online": True,
        "model": "M64_VL40",
        "firmware_version": "20250101.10.REL",
        "overall_health": "normal",
        "hashrate_ghs": 110_500.0,
        "hashrate_5s_ghs": 110_800.0,
        "hashrate_expected_ghs": 111_000.0,
        "temperature_avg": 62.5,
        "temperature_max": 70.0,
        "temperature_chips": [60.0, 70.0],
        "fan_speeds": [5400, 5460],
        "accepted_shares": 1234,
        "rejected_shares": 5,
        "uptime_seconds": 86_400,
        "power_consumption": 3250.0,
        "efficiency": 29.4,
        "pool_url": "stratum+tcp://pool.example:3333",
        "worker_name": f"acct.{miner}",
        "latency_ms": 21.5,
        "boards": [{"id": 0, "hashrate": 36_800.0, "temp": 70.0, "chips_ok": 114, "chips_total": 114}],
        "boards_total": 1,
        "boards_healthy": 1,
        **more,
    }


async def _call(http: aiohttp.ClientSession, method: str, url: str, **more: Any) -> Answer:
    async with asyncio.timeout(PATIENCE_S), http.request(method, url, **more) as answer:
        text = await answer.read()
        body = json.loads(text) if answer.content_type == "application/json" else text
        return Answer(answer.status, body, dict(answer.headers))
