"""Questions about the past over HTTP, and `hashbus history` in a terminal."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hashbus_recorder.cli import history as command
from hashbus_recorder.history_api import HistoryApi, serve
from hashbus_recorder.repository import Point, TimeSeriesRepository
from hashbus_recorder.stores.influx import InfluxStore
from hashbus_recorder.stores.influx_server import InfluxServer
from tests.recorder.stores import START, closing, embedded, every, miner

NOW = START + timedelta(days=1)


class StoppedClock:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class Api:
    url: str
    http: aiohttp.ClientSession

    async def get(self, path: str, **parameters: str) -> tuple[int, Any]:
        async with self.http.get(f"{self.url}{path}", params=parameters) as answer:
            return answer.status, await answer.json()


async def served(store: TimeSeriesRepository, at_once: int = 4) -> AsyncIterator[Api]:
    runner, port = await serve(
        HistoryApi(store, StoppedClock(), at_once=at_once, finest_s=30, totals_s=60), "127.0.0.1", 0
    )
    async with aiohttp.ClientSession() as http:
        yield Api(f"http://127.0.0.1:{port}", http)
    await runner.cleanup()


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with closing(embedded(tmp_path)) as store:
        for device, power_w in (("attic", 3000.0), ("cellar", 1000.0)):
            await store.write([miner(device, at, power_w, chip_max_c=70.5, state="mining") for at in every(60, 720)])
        await store.write([Point("battery", "garage", START, {"soc_pct": 55.0})])
        async for one in served(store):
            yield one


async def test_a_chart_has_units_and_nulls_where_nothing_was_heard(api: Api) -> None:
    status, found = await api.get("/history", device="attic", days="1", fields="power_w,chip_max_c", step="1h")

    assert status == 200
    assert (found["step_s"], len(found["at"])) == (3600, 24)
    assert found["at"][0] == START.isoformat()
    power = found["fields"]["power_w"]
    assert power["unit"] == "W"
    assert power["mean"] == [3000] * 12 + [None] * 12
    assert found["fields"]["chip_max_c"]["unit"] == "°C"


async def test_the_points_themselves_come_when_asked(api: Api) -> None:
    _, found = await api.get("/history", device="attic", days="1", fields="power_w", step="raw")

    assert found["step_s"] == 0
    assert found["at"] == [at.isoformat() for at in every(60, 720)]
    assert found["fields"] == {"power_w": {"unit": "W", "values": [3000] * 720}}


async def test_the_site_is_summed_and_says_of_how_many(api: Api) -> None:
    _, found = await api.get("/totals", fields="power_w", days="1", step="6h")

    assert found["devices_known"] == 2
    assert found["fields"]["power_w"] == {"unit": "W", "sum": [4000, 4000, None, None], "devices": [2, 2, 0, 0]}


async def test_the_devices_are_listed_with_their_age_and_fields(api: Api) -> None:
    _, found = await api.get("/devices")

    assert [(one["measurement"], one["device"]) for one in found] == [
        *(("battery", "garage"), ("miner", "attic"), ("miner", "cellar"))
    ]
    assert found[0]["age_s"] == 86_400
    assert found[1]["fields"] == {"chip_max_c": "°C", "power_w": "W", "state": ""}


async def test_a_csv_holds_every_point_or_the_means(api: Api) -> None:
    async with api.http.get(f"{api.url}/export.csv", params={"device": "attic", "days": "1"}) as answer:
        assert answer.content_type == "text/csv"
        assert "attic-miner.csv" in answer.headers["Content-Disposition"]
        rows = list(csv.DictReader(io.StringIO(await answer.text())))
    assert len(rows) == 720
    assert rows[0] == {"at": START.isoformat(), "chip_max_c": "70.5", "power_w": "3000.0", "state": "mining"}

    wanted = {"device": "attic", "days": "1", "step": "3600", "fields": "power_w,state"}
    async with api.http.get(f"{api.url}/export.csv", params=wanted) as answer:
        rows = list(csv.DictReader(io.StringIO(await answer.text())))
    assert [(row["power_w"], row["state"]) for row in rows] == [("3000.0", "mining")] * 12 + [("", "")] * 12


@pytest.mark.parametrize(
    ("path", "parameters", "status", "says"),
    [
        ("/history", {}, 400, "device: is missing"),
        ("/history", {"device": "attik"}, 404, "nothing is kept of miner 'attik'; did you mean attic?"),
        ("/history", {"device": "attic", "days": "0"}, 400, "days: '0' is not a number of days above 0"),
        ("/totals", {"fields": "chip_max_c"}, 400, "fields: 'chip_max_c' does not add up over devices"),
        ("/totals", {"device": "attic"}, 400, "device: makes no sense for a total"),
        ("/totals", {"step": "raw"}, 400, "step: makes no sense for a total"),
        ("/export.csv", {"device": "attic", "step": "x"}, 400, "step: 'x' is no step"),
        ("/nowhere", {}, 404, "nothing here; known: /history, /totals, /devices, /export.csv"),
    ],
)
async def test_a_wrong_question_is_answered_with_what_is_wrong(
    api: Api, path: str, parameters: dict[str, str], status: int, says: str
) -> None:
    found = await api.get(path, **parameters)

    assert found[0] == status
    assert says in found[1]["error"]


async def test_a_store_that_is_away_is_an_honest_503(free_port: int) -> None:
    server = InfluxServer(f"http://127.0.0.1:{free_port}", bucket="b", org="o", token="", api="v2")
    async with closing(InfluxStore(server, site="home")) as store:
        async for api in served(store):
            for path in ("/history", "/export.csv"):
                status, found = await api.get(path, device="attic")
                assert status == 503
                assert "the store does not answer" in found["error"]


async def test_too_many_questions_at_once_are_told_to_come_back(tmp_path: Path) -> None:
    async with closing(embedded(tmp_path)) as store:
        await store.write([miner("attic", at, 1) for at in every(10, 5000)])
        async for api in served(store, at_once=2):
            answers = await asyncio.gather(*[api.get("/history", device="attic", days="3") for _ in range(30)])
            statuses = [status for status, _ in answers]
            assert set(statuses) == {200, 503}
            assert (await api.get("/devices"))[0] == 200


async def test_an_export_nobody_reads_any_more_ends(api: Api) -> None:
    for _ in range(8):
        async with api.http.get(f"{api.url}/export.csv", params={"device": "attic", "days": "3000"}) as answer:
            await answer.content.readany()
            answer.close()

    assert (await api.get("/devices"))[0] == 200


async def test_the_terminal_shows_a_line_a_field(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    code = await asyncio.to_thread(command, ["attic", "--days", "1", "--url", api.url])

    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert lines[0].startswith("miner attic: ")
    assert lines[1].startswith("power_w ")
    assert lines[1].endswith("3000 .. 3000 .. 3000 W")
    assert "▄" in lines[1]
    assert lines[2].endswith("70.5 .. 70.5 .. 70.5 °C")


async def test_the_terminal_finds_the_measurement_of_a_device(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    assert await asyncio.to_thread(command, ["garage", "--days", "2", "--url", api.url]) == 0
    assert "soc_pct" in capsys.readouterr().out

    assert await asyncio.to_thread(command, ["--url", api.url]) == 0
    listed = capsys.readouterr().out
    assert "garage" in listed
    assert "24 h ago" in listed or "1 d ago" in listed


async def test_the_terminal_writes_a_csv(api: Api, tmp_path: Path) -> None:
    file = tmp_path / "attic.csv"

    assert await asyncio.to_thread(command, ["attic", "--days", "1", "--csv", str(file), "--url", api.url]) == 0

    assert len(file.read_text().splitlines()) == 721


async def test_the_terminal_says_what_went_wrong(api: Api, free_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert await asyncio.to_thread(command, ["attik", "--url", api.url]) == 1
    assert "did you mean attic?" in capsys.readouterr().err

    assert await asyncio.to_thread(command, ["attic", "--url", f"http://127.0.0.1:{free_port}"]) == 1
    assert "does it run?" in capsys.readouterr().err

    assert await asyncio.to_thread(command, ["attic", "--csv", "/nowhere/x.csv", "--url", api.url]) == 1
    assert "/nowhere/x.csv cannot be written" in capsys.readouterr().err
