"""What the collector takes: uploads of 1,000 records against a bare COPY of the same rows, reads, bytes on the wire.

The collector is a process of its own over a PostgreSQL that syncs every commit. An upload counts from the request to
its answer, one after the other; the bare COPY writes the same rows in the same order into a table with the same
columns and the same index, and nothing else: no HTTP, no JSON, no check, no live rows, no log.
"""

from __future__ import annotations

import asyncio
import gzip
import random
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple

import aiohttp
import asyncpg

from benchmarks.figures import Figure
from benchmarks.messages import full_telemetry
from hashbus.clock import SYSTEM_CLOCK
from hashbus.collector_record import reading_record
from hashbus_bridge.spool import packed
from hashbus_collector.columns import KEYS, MEASURED, row_of
from hashbus_collector.people import Role
from hashbus_collector.records import Window, read_batch
from tests.collector.clouds import API, PASSWORD, new_person, new_site
from tests.servers import Collector, Postgres

SITE, SEED = "north", 7

ROW_BYTES = """
SELECT sum(pg_total_relation_size(inhrelid)) / (SELECT count(*) FROM history)
FROM pg_inherits WHERE inhparent = 'history'::regclass
"""


class Size(NamedTuple):
    """Records an upload, rounds of uploads, reads of each kind."""

    records: int
    rounds: int
    reads: int


FULL, QUICK = Size(records=1000, rounds=30, reads=1000), Size(records=20, rounds=2, reads=10)


async def measure(*, quick: bool) -> list[Figure]:
    """Measure; half a minute on two cores."""
    size = QUICK if quick else FULL
    limits = {"calls_per_minute": 1_000_000, "failures_per_minute": 10_000}
    postgres = await asyncio.to_thread(Postgres, is_durable=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            collector = Collector(Path(folder), postgres.new_database(), limits=limits)
            await asyncio.to_thread(collector.start)
            try:
                return [*await uploads(collector, size), *await reads(collector, size)]
            finally:
                await asyncio.to_thread(collector.stop)
    finally:
        await asyncio.to_thread(postgres.stop)


async def uploads(collector: Collector, size: Size) -> list[Figure]:
    """Uploads and bare COPYs of the same rows in turns."""
    key = await new_site(collector.database_url, SITE)
    start = SYSTEM_CLOCK.now() - timedelta(minutes=size.rounds + 1)
    bodies = [body_of(start + timedelta(minutes=number), size.records) for number in range(size.rounds)]
    ours, bare = [], []
    async with _bare_table(collector.database_url) as connection, aiohttp.ClientSession() as http:
        for body, records in bodies:
            rows = _rows(records)
            bare.append(await _timed(_copy(connection, rows)))
            ours.append(await _timed(_upload(http, collector.url, key, body)))
        row = await connection.fetchval(ROW_BYTES)
    rate, bare_rate = size.records / median(ours), size.records / median(bare)
    ratio = median(a / b for a, b in zip(bare, ours, strict=True))
    wire = sum(len(body) for body, _ in bodies) / size.rounds / size.records * 60
    return [
        Figure("cloud_upload", rate, "records/s", "", f"{size.records} an upload, {median(ours) * 1000:.1f} ms each"),
        Figure("cloud_upload_bare", bare_rate, "records/s", "", "COPY of the same rows, the same index"),
        Figure("cloud_upload_ratio", ratio, "ratio", ">= 0.3", "ours to bare, in turns"),
        Figure("cloud_row", float(row), "B/reading", "", "in the history, with its index"),
        Figure("cloud_wire", wire / 1000, "kB/miner-hour", "", "a reading a minute, three boards, packed"),
    ]


async def reads(collector: Collector, size: Size) -> list[Figure]:
    """Reads of a person's page, one after the other; answers are kept for a moment and made anew when it is over."""
    await new_person(collector.database_url, "bench", Role.ADMIN)
    figures = []
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        login = {"username": "bench", "password": PASSWORD}
        async with http.post(f"{collector.url}{API}/session", json=login) as answer:
            answer.raise_for_status()
        for name, path in (("summary", f"summary/{SITE}"), ("live", f"live/{SITE}"), ("alerts", "alerts")):
            url = f"{collector.url}{API}/{path}"
            taken = [await _timed(_get(http, url)) for _ in range(size.reads)]
            p99_ms = quantiles(taken, n=100)[98] * 1000
            note = f"median {median(taken) * 1000:.1f} ms"
            figures.append(Figure(f"cloud_{name}_p99", p99_ms, "ms", "<= 20", note))
    return figures


def body_of(at: datetime, records: int) -> tuple[bytes, list[dict[str, Any]]]:
    """Return an upload of one reading of each miner, no two alike, packed as the bridge packs it."""
    chance = random.Random(f"{SEED} {at}")  # noqa: S311 (readings, not keys)
    telemetry = full_telemetry()
    found = []
    for number in range(records):
        record = reading_record(f"miner-{number:04}", at, telemetry, None)
        for name, value in record.items():
            if isinstance(value, float):
                record[name] = round(value * chance.uniform(0.97, 1.03), 2)
        record["accepted_shares"] = chance.randrange(10**6)
        record["temperature_chips"] = [round(chance.uniform(60, 75), 1) for _ in record["temperature_chips"]]
        record["fan_speeds"] = [float(chance.randrange(5000, 5800)) for _ in record["fan_speeds"]]
        record["boards"] = [{**board, "hashrate": round(chance.uniform(3e4, 4e4), 1)} for board in record["boards"]]
        found.append(record)
    return packed(found), found


def _rows(records: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return the rows of the history that an upload becomes."""
    now = SYSTEM_CLOCK.now()
    batch = read_batch(gzip.decompress(packed(records)), Window(now, now - timedelta(days=30), now), most=len(records))
    keys, measured = len(KEYS), len(MEASURED)
    whole = [row_of(one, number, now, is_newest=True) for number, one in enumerate(batch.taken)]
    return [(*row[:keys], *row[keys + 1 : keys + 1 + measured]) for row in whole]


@asynccontextmanager
async def _bare_table(url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE bare (LIKE history INCLUDING ALL)")
    try:
        yield connection
    finally:
        await connection.close()


async def _copy(connection: asyncpg.Connection[asyncpg.Record], rows: list[tuple[Any, ...]]) -> None:
    await connection.copy_records_to_table("bare", records=rows, columns=[*KEYS, *MEASURED])


async def _upload(http: aiohttp.ClientSession, url: str, key: str, body: bytes) -> None:
    headers = {"X-Collector-Key": key, "Content-Type": "application/json", "Content-Encoding": "gzip"}
    async with http.post(f"{url}{API}/upload", data=body, headers=headers) as answer:
        found = await answer.json()
        if answer.status != 200 or not found["stored"] == found["processed"] > 0:
            raise RuntimeError(f"the collector did not store everything: {found}")


async def _get(http: aiohttp.ClientSession, url: str) -> None:
    async with http.get(url) as answer:
        answer.raise_for_status()
        await answer.read()


async def _timed(work: Awaitable[None]) -> float:
    started = time.perf_counter()
    await work
    return time.perf_counter() - started
