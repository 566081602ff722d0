"""Every panel of every dashboard asks for something that a recorder really records."""

import json
import re
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hashbus.messages import VOCABULARY, Message
from hashbus_recorder.points import point_of, recorded_types
from hashbus_recorder.stores.influx import InfluxStore
from hashbus_recorder.stores.influx_server import InfluxServer
from tests.contract.samples import sample
from tests.recorder.stores import new_database
from tests.servers import ROOT, Influxd

SITE = "home"
FILES = sorted((ROOT / "grafana/dashboards").glob("*.json"))
PAGES: dict[str, Any] = {file.stem: json.loads(file.read_text()) for file in FILES}
GRAFANA_MACROS = {"$timeFilter": "time > now() - 2h", "$__interval": "2m"}


def questions(page: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Return what each panel asks of the series, with Grafana's variables filled in as it does for "All"."""
    for panel in page["panels"]:
        for target in panel["targets"]:
            if "query" in target:
                yield f"{panel['title']} {target['refId']}", filled(target["query"])


def filled(query: str) -> str:
    for macro, value in GRAFANA_MACROS.items():
        query = query.replace(macro, value)
    query = query.replace("$site", SITE)
    return re.sub(r"\$(\w+)\$", "(.*)$", query)


def said(minutes_ago: float) -> list[Message]:
    """Return one full message of each type, of a moment ago; counters are higher the later they are read."""
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    messages = []
    for kind in VOCABULARY:
        message = sample(kind)
        counters = {
            name: 1000 - minutes_ago for name in ("rejected_shares", "accepted_shares") if hasattr(message, name)
        }
        counters |= {name: 1000 - minutes_ago for name in kind.model_fields if name.endswith("_energy_wh")}
        messages.append(message.model_copy(update={"site": SITE, "at": at, **counters}))
    return messages


@pytest.fixture
async def database(influxd: Influxd) -> AsyncIterator[str]:
    name = new_database(influxd)
    store = InfluxStore(InfluxServer(influxd.url, bucket=name, org="", token="", api="v1"), site=SITE)
    points = [point_of(message) for minutes in (30, 20, 10) for message in said(minutes)]
    await store.write([point for point in points if point is not None])
    yield name
    await store.close()


def answer(server: Influxd, database: str, query: str) -> list[list[Any]]:
    asked = urllib.parse.urlencode({"db": database, "q": query})
    with urllib.request.urlopen(f"{server.url}/query?{asked}", timeout=30) as reply:
        (result,) = json.load(reply)["results"]
    assert "error" not in result, f"{result['error']}: {query}"
    return [row for series in result.get("series", ()) for row in series["values"]]


async def test_every_panel_gets_rows_from_a_real_database(influxd: Influxd, database: str) -> None:
    asked = 0
    for name, page in PAGES.items():
        for title, query in questions(page):
            rows = answer(influxd, database, query)
            assert any(value is not None for row in rows for value in row[1:]), (
                f"{name}, {title} shows nothing: {query}"
            )
            asked += 1
    assert asked > 50


async def test_every_choice_lists_the_devices_there_are(influxd: Influxd, database: str) -> None:
    for name, page in PAGES.items():
        for variable in page["templating"]["list"]:
            rows = answer(influxd, database, filled(variable["query"]))
            assert rows, f"{name}: {variable['name']} offers nothing"


@pytest.mark.parametrize("name", PAGES)
def test_no_two_panels_lie_on_each_other(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PAGES[name]["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in PAGES[name]["panels"]}) == len(PAGES[name]["panels"])


def test_dashboards_ask_only_where_the_site_has_a_source() -> None:
    provided = "".join(path.read_text() for path in Path(ROOT / "grafana/provisioning/datasources").glob("*.yaml"))
    for page in PAGES.values():
        for panel in page["panels"]:
            assert f"uid: {panel['datasource']['uid']}" in provided


def test_what_is_recorded_often_is_shown_somewhere() -> None:
    shown = "".join(file.read_text() for file in FILES)
    measured = {kind.__name__ for kind in recorded_types() if kind.topic.stale_after is not None}
    unseen = {kind.__name__ for kind in recorded_types() if kind.__name__ in measured and not _is_shown(kind, shown)}
    assert unseen <= {"MinerEconomics", "CurrencyRates"}


def _is_shown(kind: type[Message], text: str) -> bool:
    levels = [level for level in kind.topic.template.split("/") if not level.startswith("{")]
    return f'\\"{"_".join(level for level in levels if level != "telemetry")}\\"' in text
