"""How many points a second the recorder takes, against raw HTTP posts of as many lines, and how fast it reads back.

What a row costs does not depend on how many rows there are, so samples stand for a farm.
"""

from __future__ import annotations

import http.client
import random
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.figures import Figure
from benchmarks.messages import full_telemetry
from hashbus.clock import SYSTEM_CLOCK
from hashbus_recorder.points import point_of
from hashbus_recorder.repository import Point, Question
from hashbus_recorder.spool import Spool
from hashbus_recorder.stores.embedded import EmbeddedStore
from hashbus_recorder.stores.line_protocol import lines
from hashbus_recorder.stores.retention import Retention
from hashbus_recorder.stores.victoria import VictoriaStore
from tests.servers import VictoriaMetrics

LINES_A_POST = 5_000
FARM = 100
"""Miners whose points are written by turns."""

STEP_S = 10


class Size(NamedTuple):
    """How much is measured: points and rounds against the database, days of so many miners in the embedded store."""

    points: int
    rounds: int
    days: int
    miners: int


FULL, QUICK = Size(points=20_000, rounds=20, days=3, miners=10), Size(points=200, rounds=2, days=1, miners=1)


async def measure(*, quick: bool) -> list[Figure]:
    """Measure; half a minute on two cores."""
    size = QUICK if quick else FULL
    with tempfile.TemporaryDirectory() as folder:
        figures = [messages_to_points(size)]
        figures += await against_raw_posts(Path(folder), size)
        figures += spool(Path(folder), size)
        figures += await embedded(Path(folder), size)
        return figures


def messages_to_points(size: Size) -> Figure:
    """Telemetry messages, made into points."""
    telemetry = full_telemetry()
    started = time.perf_counter()
    for _ in range(size.points):
        point_of(telemetry)
    per_s = size.points / (time.perf_counter() - started)
    return Figure("recorder_messages_to_points", per_s, "messages/s", "", "with three boards")


async def against_raw_posts(folder: Path, size: Size) -> list[Figure]:
    """Points through the recorder's store, and as many ready-made lines over one kept connection, in turns.

    The server flushes to disk every few rounds and stalls both, so all of the time counts, not the middle of it.
    """
    ours_s = raw_s = 0.0
    with VictoriaMetrics(folder / "victoria-metrics") as server:
        store = VictoriaStore(server.url, site="farm")
        connection = http.client.HTTPConnection(server.host, server.port)
        for number in range(size.rounds + 1):
            points = list(sample_points(size.points, number))
            bodies = list(ready_made(points))
            turns = [lambda points=points: store.write(points), lambda bodies=bodies: post_all(connection, bodies)]
            taken = {which: await seconds(turns[which]) for which in ((0, 1) if number % 2 else (1, 0))}
            # The first round warms up both.
            if number:
                ours_s, raw_s = ours_s + taken[0], raw_s + taken[1]
        await store.close()
        connection.close()
    count = size.points * size.rounds
    return [
        Figure("recorder_points", count / ours_s, "points/s", "", "10 fields, VictoriaMetrics on the same two cores"),
        Figure("recorder_points_bare", count / raw_s, "points/s", "", f"ready-made lines, {LINES_A_POST:,} a post"),
        Figure("recorder_points_ratio", raw_s / ours_s, "ratio", ">= 0.5", "ours to bare, in turns"),
    ]


def spool(folder: Path, size: Size) -> list[Figure]:
    """An hour of a farm of 1,538 miners at 10 s, as far as a sample tells."""
    queue = Spool(folder / "spool.sqlite3", max_mb=1000)
    points = list(sample_points(size.points, 0))
    started = time.perf_counter()
    for first in range(0, len(points), 1_000):
        queue.put(points[first : first + 1_000])
    rate = len(points) / (time.perf_counter() - started)
    hour_mb = queue.bytes / queue.points * 1_538 * 360 / 1e6
    queue.close()
    return [
        Figure("recorder_spool_points", rate, "points/s", "", "to disk while the store is away"),
        Figure("recorder_spool_hour", hour_mb, "MB", "", "an hour of 1,538 miners at 10 s, 10 fields"),
    ]


async def embedded(folder: Path, size: Size) -> list[Figure]:
    """Days of some miners at 10 s."""
    store = EmbeddedStore(folder / "series.sqlite3", Retention())
    start = SYSTEM_CLOCK.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=size.days + 1)
    stop = start + timedelta(days=size.days)
    rows = size.days * 86_400 // STEP_S
    points = [point for miner in range(size.miners) for point in miner_points(f"m{miner}", start, rows)]
    write_s = await seconds(lambda: write_all(store, points, 1_000))
    pack_s = await seconds(lambda: store.maintain(stop + timedelta(hours=1)))
    fields = ("power_w", "hashrate_ths")
    rolled, raw = (Question("miner", start, stop, step_s, fields, "m0") for step_s in (300, 420))
    site = Question("miner", start, stop, 300, fields)
    span = f"{size.days} days, 2 fields, step 5 min"
    figures = [
        Figure("embedded_rows_written", len(points) / write_s, "rows/s", "", "10 fields, committed by the thousand"),
        Figure("embedded_rows_packed", len(points) / pack_s, "rows/s", "", "packed, rolled up, added up"),
        Figure("embedded_history", await middle_ms(lambda: store.history(rolled)), "ms", "", f"one miner, {span}"),
        Figure("embedded_history_raw", await middle_ms(lambda: store.history(raw)), "ms", "", f"from {rows:,} points"),
        Figure("embedded_site_totals", await middle_ms(lambda: store.totals(site)), "ms", "", span),
    ]
    await store.close()
    return figures + sizes(folder / "series.sqlite3", len(points))


def sizes(path: Path, rows: int) -> list[Figure]:
    """What a row takes on disk."""
    with closing(sqlite3.connect(path)) as file:
        (points,) = file.execute("SELECT sum(length(body)) FROM chunk").fetchone()
        (rollups,) = file.execute("SELECT sum(length(body)) FROM rollup").fetchone()
    return [
        Figure("embedded_row", points / rows, "B/row", "", "10 fields, packed"),
        Figure("embedded_row_rollups", rollups / rows, "B/row", "", "its share of the 5-minute and 1-hour roll-ups"),
    ]


def sample_points(count: int, number: int) -> Iterator[Point]:
    """Points of a farm: a hundred miners, one after the other, ten seconds apart."""
    start = SYSTEM_CLOCK.now() - timedelta(days=1) + timedelta(hours=number)
    values = random.Random(number)  # noqa: S311 (readings, not keys)
    for place in range(count):
        at = start + timedelta(seconds=STEP_S * (place // FARM))
        yield Point("miner", f"m{place % FARM}", at, reading(values), {"site": "farm"})


def miner_points(miner: str, start: datetime, count: int) -> Iterator[Point]:
    """Points of one miner, ten seconds apart."""
    values = random.Random(miner)  # noqa: S311 (readings, not keys)
    for place in range(count):
        yield Point("miner", miner, start + timedelta(seconds=STEP_S * place), reading(values), {"site": "farm"})


def reading(values: random.Random) -> dict[str, float]:
    """Ten figures of a miner, with the noise that miners have."""
    return {
        "power_w": float(values.randint(3200, 3300)),
        "hashrate_ths": round(values.gauss(110, 1), 2),
        "hashrate_5s_ths": round(values.gauss(110, 5), 2),
        "chip_min_c": round(values.gauss(60, 0.3), 1),
        "chip_avg_c": round(values.gauss(66, 0.3), 1),
        "chip_max_c": round(values.gauss(72, 0.5), 1),
        "fans_0_rpm": float(values.randint(53, 55) * 100),
        "fans_1_rpm": float(values.randint(53, 55) * 100),
        "accepted_shares": float(values.randint(0, 10**6)),
        "latency_ms": round(values.uniform(5, 50), 1),
    }


def ready_made(points: list[Point]) -> Iterator[bytes]:
    """The lines of as many points of another site: both sides write series of their own."""
    others = [replace(point, tags={"site": "raw"}) for point in points]
    for first in range(0, len(others), LINES_A_POST):
        yield "\n".join(lines(others[first : first + LINES_A_POST], for_metrics=True)).encode()


async def post_all(connection: http.client.HTTPConnection, bodies: list[bytes]) -> None:
    """Post lines as a script would, one request after the other."""
    for body in bodies:
        connection.request("POST", "/api/v2/write?precision=ms", body)
        connection.getresponse().read()


async def write_all(store: EmbeddedStore, points: list[Point], batch: int) -> None:
    """Write points by batches."""
    for first in range(0, len(points), batch):
        await store.write(points[first : first + batch])


async def seconds(work: Callable[[], Awaitable[object]]) -> float:
    """Return how long it takes."""
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


async def middle_ms(work: Callable[[], Awaitable[object]]) -> float:
    """Return the middle of eleven times, in milliseconds."""
    return 1000 * median([await seconds(work) for _ in range(11)])
