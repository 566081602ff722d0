"""Points reach the store, whatever happens to it meanwhile."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import MinerState, MinerTelemetry
from hashbus.testing.memory_bus import MemoryBroker, MemoryBus
from hashbus_recorder import metrics
from hashbus_recorder.quarantine import Quarantine
from hashbus_recorder.recording import Batching, Recording
from hashbus_recorder.repository import Point, Question, TimeSeriesRepository
from hashbus_recorder.service import hear
from hashbus_recorder.spool import Spool
from hashbus_recorder.stores.influx import InfluxStore
from hashbus_recorder.stores.influx_server import InfluxServer
from tests.recorder.databases import MoodyDatabase, moody_database
from tests.recorder.stores import START, closing, embedded, every, miner, new_database
from tests.servers import Influxd

SOON = Batching(flush_s=0.02, batch_points=100, drain_points=100)


class HurriedClock:
    """Time runs a hundred times faster for whoever waits between two tries."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return SYSTEM_CLOCK.monotonic() * 100

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 100)


@dataclass
class Place:
    """A recording at work, and the folder it uses."""

    recording: Recording
    spool: Spool
    folder: Path


@asynccontextmanager
async def at_work(
    store: TimeSeriesRepository, folder: Path, batching: Batching = SOON, spool: Spool | None = None
) -> AsyncIterator[Place]:
    spool = spool or Spool(folder / "spool.sqlite3", max_mb=10)
    recording = Recording(store, spool, Quarantine(folder / "refused.jsonl"), HurriedClock(), batching)
    task = asyncio.create_task(recording.run())
    try:
        yield Place(recording, spool, folder)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        spool.close()


@pytest.fixture
async def database() -> AsyncIterator[MoodyDatabase]:
    async with moody_database() as one:
        yield one


@pytest.fixture
async def store(database: MoodyDatabase) -> AsyncIterator[InfluxStore]:
    server = InfluxServer(database.url, bucket="site", org="home", token="", api="v1")
    async with closing(InfluxStore(server, site="home")) as one:
        yield one


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 (nobody tells a test that a row is in a database)
            await asyncio.sleep(0.005)


async def test_a_database_that_is_killed_and_comes_back_misses_nothing(tmp_path: Path) -> None:
    (tmp_path / "influxd").mkdir()
    with Influxd(tmp_path / "influxd") as influxd:
        server = InfluxServer(influxd.url, bucket=new_database(influxd), org="", token="", api="v1")
        async with closing(InfluxStore(server, site="home")) as store:
            moments = every(10, 900)
            async with at_work(store, tmp_path) as place:
                add(place.recording, moments[:300])
                await until(lambda: not place.recording.waiting)
                await asyncio.to_thread(influxd.kill)
                add(place.recording, moments[300:600])
                await until(lambda: place.spool.points > 0)
                await asyncio.to_thread(influxd.start)
                add(place.recording, moments[600:])
                await until(lambda: place.spool.points == 0 and place.recording.problems["store"] is None)

            asked = Question("miner", START, moments[-1] + timedelta(seconds=1), 3600, ("power_w",), "attic")
            kept = [value async for part in store.samples(asked) for value in part.columns["power_w"]]
    assert kept == [float(number) for number in range(900)]


def add(recording: Recording, moments: list[datetime]) -> None:
    for at in moments:
        recording.add(Point("miner", "attic", at, {"power_w": (at - START).total_seconds() / 10}, {"site": "home"}))


async def test_new_points_do_not_wait_for_those_of_the_outage(
    store: InfluxStore, database: MoodyDatabase, tmp_path: Path
) -> None:
    spool = Spool(tmp_path / "spool.sqlite3", max_mb=10)
    for first in range(0, 1000, 100):
        spool.put([miner("old", at, 1) for at in every(1, 1000)[first : first + 100]])

    async with at_work(store, tmp_path, spool=spool) as place:
        place.recording.add(miner("new", START, 1))
        await until(lambda: len(database.lines) == 1001)

    devices = [line.split(" ")[0].partition("device=")[2] for line in database.lines]
    assert devices.index("new") <= 100
    olds = [int(line.rsplit(" ", 1)[1]) for line in database.lines if "device=old" in line]
    assert olds == sorted(olds)


async def test_what_is_refused_is_kept_in_a_file_and_never_tried_again(
    store: InfluxStore, database: MoodyDatabase, tmp_path: Path
) -> None:
    before = metrics.REFUSED._value.get()
    async with at_work(store, tmp_path) as place:
        for device in ("attic", "poison", "cellar"):
            place.recording.add(miner(device, START, 3000))
        await until(lambda: len(database.lines) == 2)
        await until((tmp_path / "refused.jsonl").exists)
        tries = len(database.requests)
        place.recording.add(miner("attic", every(1, 2)[1], 3000))
        await until(lambda: len(database.lines) == 3)

    assert len(database.requests) == tries + 1
    rows = [json.loads(row) for row in (tmp_path / "refused.jsonl").read_text().splitlines()]
    assert [(row["device"], row["reason"], row["fields"]) for row in rows] == [
        ("poison", "field type conflict", {"power_w": 3000})
    ]
    assert metrics.REFUSED._value.get() == before + 1


async def test_without_store_and_without_disk_memory_is_bounded_and_both_ends_survive(
    store: InfluxStore, database: MoodyDatabase, tmp_path: Path
) -> None:
    spool = Spool(tmp_path / "spool.sqlite3", max_mb=10)
    spool._file.execute("PRAGMA max_page_count = 1")
    database.status = 503
    bounded = Batching(flush_s=0.02, batch_points=100, memory_points=1000)
    async with at_work(store, tmp_path, bounded, spool) as place:
        for number, at in enumerate(every(1, 5000)):
            place.recording.add(miner("attic", at, number))
            if number % 500 == 0:
                await asyncio.sleep(0.03)
        await until(lambda: place.recording.problems["spool"] is not None)
        assert "is full" in str(place.recording.problems["spool"])
        assert place.recording.waiting <= 1000
        database.status = 204
        await until(lambda: place.recording.problems["store"] is None and spool.points == 0)

    watts = [float(line.partition("power_w=")[2].split(" ")[0]) for line in database.lines]
    assert (min(watts), max(watts)) == (0, 4999)
    assert len(watts) > 500


async def test_a_full_store_loses_nothing_and_takes_it_all_when_there_is_room_again(tmp_path: Path) -> None:
    points = [
        miner(f"m{number}", at, number, note=random.Random(number).randbytes(300).hex())
        for number, at in enumerate(every(1, 3000))
    ]
    async with closing(embedded(tmp_path, max_mb=1)) as store, at_work(store, tmp_path) as place:
        for point in points:
            place.recording.add(point)
        await until(lambda: place.spool.points > 0 and not place.recording.waiting)
        assert "is full: free space there" in str(place.recording.problems["store"])

    async with closing(embedded(tmp_path, max_mb=20)) as store:
        async with at_work(store, tmp_path) as place:
            await until(lambda: place.spool.points == 0)
        kept = {one.device for one in await store.series()}
    assert kept == {point.device for point in points}


async def test_a_burst_is_taken_no_faster_than_it_is_written(tmp_path: Path) -> None:
    broker = MemoryBroker()
    poller, recorder = MemoryBus(broker, "poller"), MemoryBus(broker, "recorder")
    bounded = Batching(flush_s=0.02, batch_points=100, memory_points=1000)
    async with (
        closing(embedded(tmp_path)) as store,
        at_work(store, tmp_path, bounded) as place,
        recorder.subscribe(MinerTelemetry) as subscription,
    ):
        hearing = asyncio.create_task(hear(subscription, place.recording))
        for at in every(1, 5000):
            poller.publish(
                MinerTelemetry(site="home", at=at, miner="attic", driver="x", state=MinerState.MINING, power_w=1)
            )
        asked = Question("miner", START, every(1, 5001)[-1], 5000, ("power_w",), "attic")
        async with asyncio.timeout(20):
            while sum([len(part.at) async for part in store.samples(asked)]) < 5000:
                await asyncio.sleep(0.01)
                assert place.recording.waiting < 1000
        hearing.cancel()


async def test_a_recorder_that_is_stopped_while_the_store_is_away_leaves_its_points_in_the_spool(
    store: InfluxStore, database: MoodyDatabase, tmp_path: Path
) -> None:
    database.status = 503
    async with at_work(store, tmp_path, Batching(flush_s=60)) as place:
        place.recording.add(miner("attic", START, 3000))
        await asyncio.sleep(0)

    again = Spool(tmp_path / "spool.sqlite3", max_mb=10)
    assert again.points == 1
    again.close()


async def test_an_outage_is_told_when_it_begins_and_when_it_ends_and_not_in_between(
    store: InfluxStore, database: MoodyDatabase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database.status = 500
    async with at_work(store, tmp_path) as place:
        for at in every(1, 5):
            place.recording.add(miner("attic", at, 3000))
            tries = len(database.requests)
            await until(lambda tries=tries: len(database.requests) > tries)  # type: ignore[misc]
        database.status = 204
        await until(lambda: len(database.lines) == 5)
        await until(lambda: place.recording.problems["store"] is None)

    said = capsys.readouterr()
    text = said.out + said.err
    assert (text.count("away "), text.count("back ")) == (1, 1)
