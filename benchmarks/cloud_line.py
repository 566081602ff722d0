"""The line between a site and the cloud: a day of backlog, what it weighs, and commands with kills at every step.

A real bridge, a real collector over a PostgreSQL that syncs every commit, a real mosquitto. The backlog is a spool as a
day without the cloud leaves it: a reading a minute of each miner. Commands are ordered in batches by a person;
meanwhile bridge and collector are killed at every step of their work, and started again.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import aiohttp

from benchmarks.cloud import body_of
from benchmarks.figures import Figure
from hashbus.clock import SYSTEM_CLOCK
from hashbus_bridge.spool import Spool
from hashbus_collector.database import open_database
from hashbus_collector.settings import DatabaseSettings
from tests.cloud.stacks import Bridge, counting_poller, let_die, visitor, watched
from tests.cloud.test_kills import STEPS
from tests.collector.clouds import Visitor, new_person, new_site
from tests.servers import Collector, Mosquitto, Postgres

SITE = "north"
LONGEST_S = 3600
AT_ONCE = 10_000
LIMITS = {"calls_per_minute": 1_000_000, "failures_per_minute": 10_000}


class Size(NamedTuple):
    """Miners and minutes of the backlog; commands, how many are ordered at once, and when one is given again."""

    miners: int
    minutes: int
    commands: int
    at_once: int
    resend_s: int


FULL, QUICK = Size(1000, 1440, 100_000, 5000, 5), Size(20, 5, 40, 20, 1)


class Parts(NamedTuple):
    """What runs around a bridge."""

    folder: Path
    broker: Mosquitto
    collector: Collector
    key: str


async def measure(*, quick: bool) -> list[Figure]:
    """Measure; some minutes on two cores."""
    size = QUICK if quick else FULL
    postgres = await asyncio.to_thread(Postgres, is_durable=True)
    try:
        return [*await backlog(postgres, size), *await commands(postgres, size)]
    finally:
        await asyncio.to_thread(postgres.stop)


async def backlog(postgres: Postgres, size: Size) -> list[Figure]:
    """Replay a day: how long it takes at full speed, what is missing afterwards, what went over the wire."""
    async with _parts(postgres, size) as parts:
        begun = SYSTEM_CLOCK.now() - timedelta(minutes=size.minutes + 1)
        travelled = await asyncio.to_thread(_fill, parts.folder, begun, size)
        how = {"upload_s": 1, "backfill_batches": 100}
        broker = {"port": parts.broker.port}
        bridge = Bridge(parts.folder / "bridge", SITE, broker, parts.collector.url, parts.key, **how)
        started = time.perf_counter()
        await asyncio.to_thread(bridge.start)
        try:
            wanted = size.miners * size.minutes
            stored = await _until_stored(parts.collector.database_url, wanted)
            took = time.perf_counter() - started
        finally:
            await asyncio.to_thread(bridge.stop)
    miner_hours = size.miners * size.minutes / 60
    note = f"{size.miners} miners, {size.minutes} readings each"
    return [
        Figure("cloud_backlog", took, "s", "", f"{note}, half of the line left for what is new"),
        Figure("cloud_backlog_lost", wanted - stored, "readings", "<= 0", note),
        Figure("cloud_backlog_wire", travelled / miner_hours / 1000, "kB/miner-hour", "", "a reading a minute, packed"),
    ]


async def commands(postgres: Postgres, size: Size) -> list[Figure]:
    """Order commands while both sides are killed at every step of their work."""
    async with _parts(postgres, size) as parts, AsyncExitStack() as stack:
        poller = await stack.enter_async_context(counting_poller(parts.folder / "poller", parts.broker.port, SITE))
        broker = {"port": parts.broker.port}
        bridge = Bridge(parts.folder / "bridge", SITE, broker, parts.collector.url, parts.key)
        anna = await stack.enter_async_context(visitor(parts.collector))
        await asyncio.to_thread(parts.collector.stop)
        deaths = parts.folder / "deaths"
        # Readings do not go up here: their steps are killed in tests/cloud.
        for victim, side in ((bridge, "bridge"), (parts.collector, "collector")):
            steps = [one for one in STEPS[side] if not any(word in one for word in ("note", "upload", "round"))]
            let_die(victim, deaths, steps)
            await asyncio.to_thread(victim.start)
        stack.push_async_callback(asyncio.to_thread, bridge.stop)
        await stack.enter_async_context(watched(bridge, parts.collector))
        started = time.perf_counter()
        await _order(anna, parts.collector.database_url, size)
        completed = await _until_over(parts.collector.database_url, size.commands)
        took = time.perf_counter() - started
        killed = len(await asyncio.to_thread(lambda: list(deaths.iterdir())))
        twice = sum(times - 1 for times in poller.done.values())
        lost = size.commands - min(completed, len(poller.done))
    note = f"{size.commands} commands, {killed} kills"
    return [
        Figure("cloud_commands", size.commands / took, "commands/s", "", f"{note}; ordered, done, answered"),
        Figure("cloud_commands_lost", lost, "commands", "<= 0", note),
        Figure("cloud_commands_twice", twice, "commands", "<= 0", note),
    ]


@asynccontextmanager
async def _parts(postgres: Postgres, size: Size) -> AsyncIterator[Parts]:
    database = await asyncio.to_thread(postgres.new_database)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        key = await new_site(database, SITE)
        await new_person(database, "anna")
        given = {"limits": LIMITS, "commands": {"resend_s": size.resend_s, "at_once": AT_ONCE}}
        collector = Collector(folder / "collector", database, **given)
        queue = ("allow_anonymous true", "max_queued_messages 0", "max_inflight_messages 200")
        broker = Mosquitto(folder / "broker", settings=queue)
        await asyncio.to_thread(collector.start)
        await asyncio.to_thread(broker.start)
        try:
            yield Parts(folder, broker, collector, key)
        finally:
            await asyncio.to_thread(broker.stop)
            await asyncio.to_thread(collector.stop)


def _fill(folder: Path, begun: datetime, size: Size) -> int:
    """Write the spool of a site whose cloud was away; returns how many bytes will travel."""
    spool = Spool(folder / "bridge/bridge/spool.db", max_mb=100_000)
    travelled = 0
    for minute in range(size.minutes):
        body, _ = body_of(begun + timedelta(minutes=minute), size.miners)
        spool.keep(body, size.miners)
        travelled += len(body)
    spool.close()
    return travelled


async def _order(anna: Visitor, database: str, size: Size) -> None:
    """Order batch by batch; where an answer was lost the database tells whether the batch was taken."""
    for first in range(0, size.commands, size.at_once):
        miners = [f"m{number}" for number in range(first, min(first + size.at_once, size.commands))]
        body = {"site_id": SITE, "miner_ids": miners, "command_type": "blink", "parameters": {}, "ttl_minutes": 600}
        while await _count(database) < first + len(miners):
            try:
                await anna.call("POST", "commands/batch", json=body)
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(0.5)


async def _until_stored(database: str, wanted: int) -> int:
    return await _grown(database, "SELECT count(*) FROM history", wanted)


async def _until_over(database: str, wanted: int) -> int:
    return await _grown(database, "SELECT count(*) FROM command WHERE status = 'completed'", wanted)


async def _grown(database: str, question: str, wanted: int) -> int:
    connection = await open_database(DatabaseSettings(), database, None)
    found = 0
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_S):
                while (found := int(await connection.value(question) or 0)) < wanted:  # noqa: ASYNC110
                    await asyncio.sleep(0.5)
    finally:
        await connection.close()
    return found


async def _count(database: str) -> int:
    connection = await open_database(DatabaseSettings(), database, None)
    try:
        return int(await connection.value("SELECT count(*) FROM command") or 0)
    finally:
        await connection.close()
