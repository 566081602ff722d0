"""How long an InfluxDB keeps points, and the roll-ups that stay when they are gone."""

from __future__ import annotations

import urllib.parse
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from hashbus_recorder.repository import Point, Question
from hashbus_recorder.stores.influx import InfluxStore
from hashbus_recorder.stores.influx_server import InfluxServer
from tests.recorder.databases import moody_database
from tests.recorder.stores import START, closing, miner, new_database
from tests.servers import Influxd

DAY = timedelta(days=1)


@dataclass
class Place:
    """A database with points and one with roll-ups."""

    influxd: Influxd
    points: str
    rollups: str

    def store(self, retention_days: int | None = None) -> InfluxStore:
        return InfluxStore(
            self.server(self.points),
            site="home",
            totals_step_s=60,
            retention_days=retention_days,
            rollups=self.server(self.rollups),
        )

    def server(self, database: str) -> InfluxServer:
        return InfluxServer(self.influxd.url, bucket=database, org="", token="", api="v1")

    def command(self, text: str) -> str:
        body = urllib.parse.urlencode({"q": text}).encode()
        with urllib.request.urlopen(f"{self.influxd.url}/query?db={self.points}", data=body, timeout=10) as answer:
            return str(answer.read().decode())


@pytest.fixture
def place(influxd: Influxd) -> Place:
    return Place(influxd, new_database(influxd), new_database(influxd))


@pytest.fixture
async def store(place: Place) -> AsyncIterator[InfluxStore]:
    async with closing(place.store()) as one:
        yield one


def reading(device: str, minute: int, power_w: float) -> Point:
    point = miner(device, START + timedelta(minutes=minute), power_w, state="mining" if minute % 2 else "tuning")
    return Point(point.measurement, point.device, point.at, point.fields, {"site": "home"})


def question(step_s: int, days: float = 2) -> Question:
    return Question("miner", START, START + days * DAY, step_s, ("power_w", "state"), "attic")


async def test_charts_are_the_same_from_roll_ups_and_stay_when_the_points_are_gone(
    store: InfluxStore, place: Place
) -> None:
    for device, more_w in (("attic", 0), ("cellar", 1000)):
        await store.write([reading(device, minute, more_w + minute % 97) for minute in range(2880)])
    asked, site = question(900), Question("miner", START, START + 2 * DAY, 900, ("power_w",))
    history, totals = await store.history(asked), await store.totals(site)

    for _ in range(3):
        await store.maintain(START + 2 * DAY + timedelta(hours=1))
    place.command('DROP MEASUREMENT "miner"')
    await store.write([reading("attic", 2880, 5)])

    rolled, rolled_totals = await store.history(asked), await store.totals(site)
    assert rolled.columns["power_w"].mean == pytest.approx(history.columns["power_w"].mean, rel=1e-12)
    assert rolled.columns["power_w"].min == history.columns["power_w"].min
    assert rolled.columns["power_w"].max == history.columns["power_w"].max
    assert rolled.columns["power_w"].last == history.columns["power_w"].last
    assert rolled.columns["state"].last == history.columns["state"].last
    assert rolled_totals.columns["power_w"].sum == pytest.approx(totals.columns["power_w"].sum, rel=1e-12)
    assert rolled_totals.columns["power_w"].devices == totals.columns["power_w"].devices


async def test_late_points_are_rolled_up_again_even_by_the_next_recorder(store: InfluxStore, place: Place) -> None:
    await store.write([reading("attic", minute, 1000) for minute in range(0, 1440, 10)])
    await store.maintain(START + DAY + timedelta(hours=1))
    await store.maintain(START + DAY + timedelta(hours=1))
    await store.write([reading("attic", 601, 3000)])

    async with closing(place.store()) as again:
        await again.maintain(START + DAY + timedelta(hours=1))
        place.command('DELETE FROM "miner" WHERE time < now()')
        await again.write([reading("attic", 1500, 1)])
        found = await again.history(question(3600, days=1.2))

    assert found.columns["power_w"].max[9:12] == [1000, 3000, 1000]


async def test_nothing_to_roll_up_is_no_trouble(store: InfluxStore) -> None:
    await store.maintain(START)
    await store.write([reading("attic", 0, 1000)])
    await store.maintain(START + timedelta(hours=1))

    assert (await store.history(question(300, days=0.01))).columns["power_w"].mean[0] == 1000


async def test_finer_than_the_roll_ups_is_widened_where_the_points_are_gone(place: Place) -> None:
    async with closing(place.store(retention_days=2)) as store:
        await store.maintain(START + 10 * DAY)

        assert (await store.history(question(60))).step_s == 300


async def test_the_retention_of_the_settings_is_set_on_the_database(place: Place) -> None:
    async with closing(place.store(retention_days=30)) as store:
        await store.maintain(START)

    assert '"720h0m0s"' in place.command("SHOW RETENTION POLICIES")


async def test_the_retention_of_a_bucket_is_set_or_the_operator_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    async with moody_database() as database:
        server = InfluxServer(database.url, bucket="site", org="home", token="t", api="v2")
        async with closing(InfluxStore(server, site="home", retention_days=30)) as store:
            database.status, database.answer = 403, '{"message": "no rights"}'
            await store.maintain(START)
            await store.maintain(START)
            said = capsys.readouterr().out
            assert said.count("retention not set; set it by hand") == 1
            assert "no rights" in said

            database.status, database.answer = 200, '{"buckets": [{"id": "b1", "name": "site"}]}'
            await store.maintain(START)

    assert [(one.method, one.path) for one in database.requests[-2:]] == [
        *(("GET", "/api/v2/buckets"), ("PATCH", "/api/v2/buckets/b1"))
    ]
    assert '"everySeconds": 2592000' in database.bodies[-1]
