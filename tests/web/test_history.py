"""The past, asked at a real recorder; served from memory while the recorder is away, and said to be old."""

import asyncio
import json
import secrets
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.servers import Daemon, Mosquitto, answers, free_port
from tests.web.world import WebService, World, until


class Recorder(Daemon):
    """The recorder of the site, with its embedded store."""

    def __init__(self, folder: Path, broker: Mosquitto, site: str) -> None:
        folder.mkdir()
        port, health = free_port(), free_port()
        self.url = f"http://{self.host}:{port}"
        file = folder / "site.yaml"
        settings = {
            "site": site,
            "data_dir": str(folder / "var"),
            "broker": {"host": broker.host, "port": broker.port},
            "health": {"port": health},
            "recorder": {"history": {"port": port, "finest_step_s": 1}, "flush_s": 0.1, "totals_step_s": 10},
        }
        file.write_text(yaml.safe_dump(settings))
        super().__init__(
            [sys.executable, "-m", "hashbus_recorder", "--config", str(file)],
            port=port,
            log=folder / "recorder.log",
            is_ready=lambda: answers(f"{self.url}/devices"),
        )


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory, mosquitto: Mosquitto) -> Iterator[tuple[WebService, Recorder]]:
    """A site whose only miner has a past of three hours, at 3000, 2000 and 1000 W."""
    folder, site = tmp_path_factory.mktemp("past"), f"past-{secrets.token_hex(4)}"
    with Recorder(folder / "recorder", mosquitto, site) as recorder:
        with WebService(folder / "web", mosquitto, site, history_url=recorder.url) as web:
            asyncio.run(tell(web, mosquitto))
            yield web, recorder


async def tell(web: WebService, broker: Mosquitto) -> None:
    """Let the past happen, and wait until it is recorded."""
    await web.set_up()
    async with AsyncExitStack() as stack:
        world = World(broker, web.site, stack)
        await world.say("poller", world.info("attic"), world.reached("attic"))
        for hours, power_w in ((3, 3000), (2, 2000), (1, 1000)):
            await world.say("poller", world.reading("attic", age_s=hours * 3600.0, power_w=power_w))
        client = await stack.enter_async_context(web.signed_in())
        await until(
            lambda: client.get("/api/miner/history", params={"days": "0.2", "fields": "power_w", "width": "4000"}),
            lambda said: said.status_code == 200 and known(said.json()) == [3000, 2000, 1000],
        )


@pytest.fixture
async def recorded(past: tuple[WebService, Recorder]) -> AsyncIterator[tuple[httpx.AsyncClient, Recorder]]:
    """Somebody who asks."""
    web, recorder = past
    async with web.signed_in() as client:
        yield client, recorder


def known(chart: dict[str, Any]) -> list[float]:
    """The points of a chart that are no gaps."""
    columns = chart["fields"].get("power_w", {})
    return [value for value in columns.get("mean") or columns.get("sum") or () if value is not None]


async def test_a_chart_fits_the_width_and_has_gaps_where_nothing_was_heard(
    recorded: tuple[httpx.AsyncClient, Recorder],
) -> None:
    client, _ = recorded
    asked = {"range": "6h", "fields": "power_w", "width": "100"}
    chart = (await client.get("/api/miner/attic/history", params=asked)).json()
    assert len(chart["at"]) <= 100
    assert len(chart["at"]) == len(chart["fields"]["power_w"]["mean"])
    assert chart["fields"]["power_w"]["unit"] == "W"
    assert None in chart["fields"]["power_w"]["mean"]
    assert chart["at"] == sorted(chart["at"])
    assert chart["is_stale"] is False


async def test_all_begins_where_the_record_begins(recorded: tuple[httpx.AsyncClient, Recorder]) -> None:
    client, _ = recorded
    chart = (await client.get("/api/miner/attic/history", params={"range": "all", "fields": "power_w"})).json()
    assert known(chart)
    # The first, coarse look finds the beginning within four days.
    assert chart["stop"] - chart["start"] < timedelta(days=9).total_seconds()


async def test_the_site_adds_up_and_says_of_how_many(recorded: tuple[httpx.AsyncClient, Recorder]) -> None:
    client, _ = recorded
    chart = (await client.get("/api/site/history", params={"range": "6h", "fields": "power_w"})).json()
    assert chart["devices_known"] == 1
    assert "sum" in chart["fields"]["power_w"]


async def test_a_csv_file_has_every_point(recorded: tuple[httpx.AsyncClient, Recorder]) -> None:
    client, _ = recorded
    said = await client.get("/api/miner/attic/history.csv", params={"days": 1, "fields": "power_w"})
    assert said.headers["content-type"].startswith("text/csv")
    assert "attachment" in said.headers["content-disposition"]
    lines = said.text.strip().splitlines()
    assert lines[0] == "at,power_w"
    assert [line.split(",")[1] for line in lines[1:]] == ["3000.0", "2000.0", "1000.0"]


async def test_while_the_recorder_is_away_what_was_read_is_shown_as_old(
    recorded: tuple[httpx.AsyncClient, Recorder],
) -> None:
    client, recorder = recorded
    asked = {"days": "0.2", "fields": "power_w", "width": "4000"}
    before = (await client.get("/api/miner/attic/history", params=asked)).json()
    recorder.kill()
    # What was just read is as good as new; a moment later it is old.
    old = await until(
        lambda: client.get("/api/miner/attic/history", params=asked), lambda said: said.json()["is_stale"]
    )
    assert known(old.json()) == known(before)
    assert "recorder does not answer" in old.json()["why"]
    other = await client.get("/api/miner/attic/history", params={"range": "1y"})
    assert (other.status_code, other.json()["code"]) == (503, "away")
    csv = await client.get("/api/miner/attic/history.csv")
    assert csv.status_code == 503
    status = (await client.get("/api/system/status")).json()
    assert status["recorder"]["is_there"] is False
    recorder.start()
    back = await until(
        lambda: client.get("/api/miner/attic/history", params=asked), lambda said: not said.json()["is_stale"]
    )
    assert known(back.json())


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"range": "2h"}, "range"),
        ({"days": "0"}, "days"),
        ({"days": "1", "from": "2026-01-01"}, "from"),
        ({"from": "yesterday"}, "from"),
        ({"fields": "power w"}, "fields"),
        ({"width": "1"}, "width"),
    ],
)
async def test_a_wrong_question_names_its_parameter(
    recorded: tuple[httpx.AsyncClient, Recorder], asked: dict[str, str], field: str
) -> None:
    client, _ = recorded
    said = await client.get("/api/miner/attic/history", params=asked)
    assert said.status_code == 422
    assert said.json()["field"] == field, json.dumps(said.json())
