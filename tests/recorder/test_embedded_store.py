"""The embedded store under what a site does to it: killed, full, shared, damaged, late, and with a clock that jumps."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Coroutine
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hashbus_recorder.repository import PointsRefused, Question, StoreUnavailable
from hashbus_recorder.stores.database import StoreUnusable
from hashbus_recorder.stores.embedded import EmbeddedStore
from hashbus_recorder.stores.retention import Retention
from tests.recorder.stores import START, closing, embedded, every, miner

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

# Writes for ever, a second of a small farm at a time, puts things in order meanwhile, and says what is committed.
WRITER = """
import asyncio, sys
from datetime import datetime, timedelta
from pathlib import Path
from hashbus_recorder.repository import Point
from hashbus_recorder.stores.embedded import EmbeddedStore
from hashbus_recorder.stores.retention import Retention

async def main():
    store = EmbeddedStore(Path(sys.argv[1]), Retention())
    start = datetime.fromisoformat(sys.argv[2])
    for number in range(1_000_000):
        at = start + timedelta(minutes=number)
        await store.write([Point("miner", f"m{miner}", at, {"power_w": float(number)}) for miner in range(20)])
        print(number, flush=True)
        if number % 50 == 49:
            await store.maintain(at)

asyncio.run(main())
"""


def question(step_s: int, start: datetime = START, days: float = 1) -> Question:
    return Question("miner", start, start + days * DAY, step_s, ("power_w",), "attic")


async def count(store: EmbeddedStore, start: datetime = START, days: float = 400) -> int:
    return sum([len(part.at) async for part in store.samples(question(1, start, days))])


def kill_while_writing(path: Path) -> int:
    """Let another process write, kill it, and return the last number it said was committed."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), START.isoformat()], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    with writer.stdout as said:
        while int(said.readline()) < 170:
            pass
        writer.kill()
        committed = [170, *(int(line) for line in said if line.endswith("\n"))][-1]
    writer.wait()
    return committed


async def test_a_killed_recorder_has_everything_it_committed_and_a_sound_file(tmp_path: Path) -> None:
    path = tmp_path / "series.sqlite3"
    committed = await asyncio.to_thread(kill_while_writing, path)

    with sqlite3.connect(path) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    async with closing(embedded(tmp_path)) as store:
        asked = Question("miner", START, START + 30 * DAY, 60, ("power_w",), "m7")
        kept = [value async for part in store.samples(asked) for value in part.columns["power_w"]]
        assert kept[: committed + 1] == [float(number) for number in range(committed + 1)]
        totals = await store.totals(asked)
        assert totals.columns["power_w"].sum[: committed + 1] == [20.0 * number for number in range(committed + 1)]


async def test_a_full_disk_is_said_and_what_was_written_stays(tmp_path: Path) -> None:
    async with closing(embedded(tmp_path, max_mb=1)) as store:
        written: list[datetime] = []
        with pytest.raises(StoreUnavailable, match=r"full: free space there, or keep points for fewer days"):
            await write_until_full(store, written)

        kept = Question("miner", START, START + DAY, 60, ("power_w",), "m1")
        assert sum([len(part.at) async for part in store.samples(kept)]) == len(written)

    async with closing(embedded(tmp_path, max_mb=3)) as store:
        await store.write([miner("attic", START, 3000)])


async def test_only_one_recorder_may_use_a_store(tmp_path: Path) -> None:
    async with closing(embedded(tmp_path)):
        with pytest.raises(StoreUnusable, match="in use by another recorder"):
            embedded(tmp_path)
    await embedded(tmp_path).close()


async def test_a_damaged_file_is_refused_and_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "series.sqlite3"
    path.write_bytes(b"this is no database " * 400)

    with pytest.raises(StoreUnusable, match=r"is damaged: .* move it away"):
        embedded(tmp_path)

    assert path.read_bytes().startswith(b"this is no database")


async def test_a_file_of_a_later_version_is_refused(tmp_path: Path) -> None:
    await embedded(tmp_path).close()
    with sqlite3.connect(tmp_path / "series.sqlite3") as file:
        file.execute("PRAGMA user_version = 99")
    file.close()

    with pytest.raises(StoreUnusable, match="has format 99"):
        embedded(tmp_path)


async def test_points_go_after_their_days_and_coarser_ones_stay(tmp_path: Path) -> None:
    keep = Retention(points_days=2, five_minute_days=4, hour_days=50, totals_days=4)
    async with closing(embedded(tmp_path, keep)) as store:
        await store.write([miner("attic", at, 3000.0) for at in every(600, 10 * 144)])
        await maintain_until_done(store, START + 10 * DAY)

        assert await count(store) == 2 * 144
        old, middle = question(60, START), question(60, START + 7 * DAY)
        assert (await store.history(old)).step_s == 3600
        assert set((await store.history(old)).columns["power_w"].mean) == {3000}
        assert (await store.history(middle)).step_s == 300
        assert (await store.totals(old)).step_s == 3600
        assert set((await store.totals(old)).columns["power_w"].sum) == {3000}


async def test_a_point_older_than_what_is_kept_is_refused_by_name(tmp_path: Path) -> None:
    async with closing(embedded(tmp_path, Retention(points_days=2))) as store:
        await store.write([miner("attic", at, 3000.0) for at in every(3600, 10 * 24)])
        await maintain_until_done(store, START + 10 * DAY)

        with pytest.raises(PointsRefused, match="older than what is kept"):
            await store.write([miner("attic", START, 1.0)])


async def test_a_clock_that_jumps_ahead_and_back_does_not_empty_the_record(tmp_path: Path) -> None:
    async with closing(embedded(tmp_path, Retention(points_days=30))) as store:
        await store.write([miner("attic", at, 3000.0) for at in every(600, 3 * 144)])
        for minute in range(60):
            await store.maintain(START + 400 * DAY + timedelta(minutes=minute))
        await store.maintain(START + 3 * DAY)

        assert (await store.history(question(3600))).columns["power_w"].mean == [3000] * 24
        await store.write([miner("attic", START + 3 * DAY, 3000.0)])
        assert await count(store, START + 3 * DAY) == 1


async def test_a_late_point_reaches_an_hour_and_a_day_that_are_packed(tmp_path: Path) -> None:
    async with closing(embedded(tmp_path)) as store:
        await store.write([miner("attic", at, 1000.0) for at in every(3600, 48)])
        await store.maintain(START + 3 * DAY)

        await store.write([miner("attic", START + timedelta(minutes=1), 3000.0), miner("attic", START, 2000.0)])

        for _ in range(2):
            assert (await store.history(question(3600))).columns["power_w"].mean[:2] == [2500, 1000]
            assert (await store.history(question(86_400))).columns["power_w"].max == [3000]
            assert (await store.totals(question(3600))).columns["power_w"].sum[:2] == [2500, 1000]
            await store.maintain(START + 3 * DAY)


async def test_a_damaged_hour_or_day_shows_as_a_gap_and_the_rest_stays_of_use(tmp_path: Path) -> None:
    async with closing(embedded(tmp_path)) as store:
        await store.write([miner("attic", at, 1000.0) for at in every(600, 3 * 144)])
        await store.maintain(START + 4 * DAY)
        third_ms = int((START + 2 * HOUR).timestamp()) * 1000
        store._written.execute("UPDATE chunk SET body = x'0102' WHERE hour_ms = ?", (third_ms,))
        store._written.execute("UPDATE rollup SET body = x'0102' WHERE day_ms = ?", (int(START.timestamp()) * 1000,))

        means = (await store.history(question(3600, days=3))).columns["power_w"].mean
        assert [place for place, mean in enumerate(means) if mean is None] == [2]
        await store.write([miner("attic", START + 2 * HOUR, 500.0)])
        await store.maintain(START + 4 * DAY)
        assert (await store.history(question(3600))).columns["power_w"].mean[1:4] == [1000, 500, 1000]


async def test_points_are_written_and_read_while_it_puts_things_in_order(tmp_path: Path) -> None:
    async with closing(embedded(tmp_path)) as store:
        await store.write([miner("attic", at, 1000.0) for at in every(60, 5 * 1440)])
        tidy = store.maintain(START + 6 * DAY)
        seen = 0
        async for _ in interleaved(tidy):
            await store.write([miner("attic", START + 6 * DAY + timedelta(seconds=seen), 1.0)])
            seen += 1
            assert (await store.history(question(3600))).columns["power_w"].mean == [1000] * 24

        assert seen > 3
        assert await count(store, START + 6 * DAY) == seen


async def write_until_full(store: EmbeddedStore, written: list[datetime]) -> None:
    for at in every(1, 1000):
        await store.write([miner(f"m{place}", at, 1.0, text="x" * 90) for place in range(100)])
        written.append(at)


async def maintain_until_done(store: EmbeddedStore, now: datetime) -> None:
    """A run moves the limits by an hour: as many runs as there are hours."""
    for _ in range(10 * 24):
        await store.maintain(now)


async def interleaved(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Come round again and again until the work is done."""
    task = asyncio.ensure_future(work)
    while not task.done():
        yield
        await asyncio.sleep(0)
    await task
