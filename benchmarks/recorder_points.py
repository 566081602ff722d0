"""How many points a second the recorder takes, against raw HTTP posts of as many lines, and how fast it reads back.

Run it by itself; it starts the VictoriaMetrics it needs and prints `name | value | unit | note`.
"""

from __future__ import annotations

import asyncio
import http.client
import random
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import MinerTelemetry
from hashbus_recorder.points import point_of
from hashbus_recorder.repository import Point, Question
from hashbus_recorder.spool import Spool
from hashbus_recorder.stores.embedded import EmbeddedStore
from hashbus_recorder.stores.line_protocol import lines
from hashbus_recorder.stores.retention import Retention
from hashbus_recorder.stores.victoria import VictoriaStore

POINTS_A_ROUND = 20_000
ROUNDS = 20
LINES_A_POST = 5_000
MINERS = 100
STEP_S = 10
DAYS = 3

Figure = tuple[str, float, str, str]


def main() -> None:
    """Print every figure."""
    for name, value, unit, note in asyncio.run(run()):
        print(f"{name} | {value:,.4g} | {unit} | {note}")


async def run() -> list[Figure]:
    """Measure; half a minute on two cores."""
    with tempfile.TemporaryDirectory() as folder:
        figures = [messages_to_points()]
        figures += await against_raw_posts(Path(folder))
        figures += spool(Path(folder))
        figures += await embedded(Path(folder))
        return figures


def messages_to_points() -> Figure:
    """A telemetry message of a miner with three boards, made into a point."""
    telemetry = MinerTelemetry.model_validate(
        {"site": "farm", "at": SYSTEM_CLOCK.now(), "miner": "m1", "driver": "whatsminer", "state": "mining"}
        | {"power_w": 3245.5, "hashrate_ths": 110.2, "chip_min_c": 60, "chip_avg_c": 66, "chip_max_c": 71.5}
        | {"fans_rpm": (5400, 5500), "boards": [{"slot": slot, "hashrate_ths": 36.7} for slot in range(3)]}
    )
    count = 20_000
    started = time.perf_counter()
    for _ in range(count):
        point_of(telemetry)
    return "recorder_messages_to_points", count / (time.perf_counter() - started), "messages/s", "with three boards"


async def against_raw_posts(folder: Path) -> list[Figure]:
    """Points through the recorder's store, and as many ready-made lines over one kept connection, in turns.

    The server flushes to disk every few rounds and stalls both, so all of the time counts, not the middle of it.
    """
    ours_s = raw_s = 0.0
    with victoria_metrics(folder) as port:
        store = VictoriaStore(f"http://127.0.0.1:{port}", site="farm")
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for number in range(ROUNDS + 1):
            points = list(sample_points(POINTS_A_ROUND, number))
            bodies = list(ready_made(points))
            turns = [lambda points=points: store.write(points), lambda bodies=bodies: post_all(connection, bodies)]
            taken = {which: await seconds(turns[which]) for which in ((0, 1) if number % 2 else (1, 0))}
            # The first round warms up both.
            if number:
                ours_s, raw_s = ours_s + taken[0], raw_s + taken[1]
        await store.close()
        connection.close()
    count = POINTS_A_ROUND * ROUNDS
    return [
        ("recorder_points", count / ours_s, "points/s", "10 fields, into VictoriaMetrics on the same two cores"),
        ("recorder_raw_posts", count / raw_s, "points/s", f"ready-made lines, {LINES_A_POST:,} a post"),
        ("recorder_points_ratio", raw_s / ours_s, "ratio", "target at least 0.5"),
    ]


def spool(folder: Path) -> list[Figure]:
    """An hour of a farm of 1,538 miners at 10 s, as far as a sample tells."""
    queue = Spool(folder / "spool.sqlite3", max_mb=1000)
    points = list(sample_points(POINTS_A_ROUND, 0))
    started = time.perf_counter()
    for first in range(0, len(points), 1_000):
        queue.put(points[first : first + 1_000])
    rate = len(points) / (time.perf_counter() - started)
    size = queue.bytes / queue.points
    queue.close()
    return [
        ("recorder_spool_points", rate, "points/s", "to disk while the store is away"),
        ("recorder_spool_hour", size * 1_538 * 360 / 1e6, "MB", "an hour of 1,538 miners at 10 s, 10 fields"),
    ]


async def embedded(folder: Path) -> list[Figure]:
    """Three days of ten miners at 10 s; the cost of a row does not depend on how many miners there are."""
    store = EmbeddedStore(folder / "series.sqlite3", Retention())
    start = SYSTEM_CLOCK.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS + 1)
    stop = start + timedelta(days=DAYS)
    points = [point for miner in range(10) for point in miner_points(f"m{miner}", start, DAYS * 86_400 // STEP_S)]
    write_s = await seconds(lambda: write_all(store, points, 1_000))
    pack_s = await seconds(lambda: store.maintain(stop + timedelta(hours=1)))
    fields = ("power_w", "hashrate_ths")
    rolled, raw = (Question("miner", start, stop, step_s, fields, "m3") for step_s in (300, 420))
    site = Question("miner", start, stop, 300, fields)
    figures: list[Figure] = [
        ("embedded_rows_written", len(points) / write_s, "rows/s", "10 fields, committed by the thousand"),
        ("embedded_rows_packed", len(points) / pack_s, "rows/s", "hours packed, days rolled up, site added up"),
        ("embedded_three_days", await middle_ms(lambda: store.history(rolled)), "ms", "one miner, step 5 min"),
        ("embedded_three_days_raw", await middle_ms(lambda: store.history(raw)), "ms", "the same from 25,920 points"),
        ("embedded_site_totals", await middle_ms(lambda: store.totals(site)), "ms", "3 days, 2 fields, step 5 min"),
    ]
    await store.close()
    return figures + sizes(folder / "series.sqlite3", len(points))


def sizes(path: Path, rows: int) -> list[Figure]:
    """What a row takes on disk."""
    with closing(sqlite3.connect(path)) as file:
        (points,) = file.execute("SELECT sum(length(body)) FROM chunk").fetchone()
        (rollups,) = file.execute("SELECT sum(length(body)) FROM rollup").fetchone()
    return [
        ("embedded_row", points / rows, "B/row", "10 fields, packed"),
        ("embedded_row_rollups", rollups / rows, "B/row", "its share of the 5-minute and 1-hour roll-ups"),
    ]


def sample_points(count: int, number: int) -> Iterator[Point]:
    """Points of a farm: a hundred miners, one after the other, ten seconds apart."""
    start = SYSTEM_CLOCK.now() - timedelta(days=1) + timedelta(hours=number)
    values = random.Random(number)  # noqa: S311 (readings, not keys)
    for place in range(count):
        at = start + timedelta(seconds=STEP_S * (place // MINERS))
        yield Point("miner", f"m{place % MINERS}", at, reading(values), {"site": "farm"})


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


@contextmanager
def victoria_metrics(folder: Path) -> Iterator[int]:
    """Run a VictoriaMetrics on a free loopback port."""
    program = shutil.which("victoria-metrics") or shutil.which("victoria-metrics", path=".tools/usr/bin")
    if program is None:
        raise SystemExit("victoria-metrics is not installed: `make setup-test` installs it")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, f"-storageDataPath={folder}/vm", f"-httpListenAddr=127.0.0.1:{port}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        wait_for(f"http://127.0.0.1:{port}/health")
        yield port
    finally:
        process.terminate()
        process.wait(30)


def wait_for(url: str) -> None:
    """Wait until a server answers."""
    for _ in range(200):
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 (loopback)
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{url} does not answer")


if __name__ == "__main__":
    main()
