"""What the page costs and how long it waits: live values to 50 pages of a site of 1,000 miners, charts, and lists.

Everything is real: the broker with accounts, the recorder with a record of three days, the web service. The pages are
connections that unzip what they get, as browsers do.
"""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

import aiohttp
import yaml

from benchmarks import processes
from benchmarks.figures import Figure
from benchmarks.recorder_points import miner_points, write_all
from benchmarks.servers import Service, SiteBroker
from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import Capability, Level, MinerInfo, MinerState, MinerTelemetry
from hashbus.mqtt_bus import MqttBus
from hashbus.settings import BrokerSettings
from hashbus_recorder.repository import Point
from hashbus_recorder.stores.embedded import EmbeddedStore
from hashbus_recorder.stores.retention import Retention
from tests.servers import free_port

SITE = "farm"
INTERVAL_S = 10.0
"""Each miner is read so often, evenly spread."""

DAYS = 3
NAME, PASSWORD = "anna", "correct horse battery"


class Size(NamedTuple):
    """How much is measured."""

    miners: int
    pages: int
    watched_s: float
    asked: int
    recorded: int
    step_s: int


FULL = Size(miners=1_000, pages=50, watched_s=30, asked=300, recorded=1_000, step_s=600)
QUICK = Size(miners=5, pages=2, watched_s=1.5, asked=5, recorded=2, step_s=7200)


class Live(NamedTuple):
    """What so many open pages cost the service, and how long they waited."""

    cpu_pct: float
    delays_ms: list[float]
    kb_per_s: float
    rss_mb: float


async def measure(*, quick: bool) -> list[Figure]:
    """Measure; about two minutes, half of it writing the record."""
    size = QUICK if quick else FULL
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        await _write_past(folder, size)
        with SiteBroker(folder / "broker") as broker:
            file, url = _site_file(folder, broker)
            with Service("recorder", file), Service("web", file) as web:
                async with _signed_in(folder, url) as http, _poller(broker, size) as say:
                    return [
                        *await _live(http, url, web, say, size),
                        *await _rest(http, size),
                        *await _past(http, size),
                    ]


async def _write_past(folder: Path, size: Size) -> None:
    """Record three days: one miner every 10 s, the others less often, so that it does not take an hour."""
    path = folder / "var" / "recorder" / "series.sqlite3"
    path.parent.mkdir(parents=True)
    store = EmbeddedStore(path, Retention())
    start = SYSTEM_CLOCK.now() - timedelta(days=DAYS)
    await write_all(store, list(miner_points("m0", start, DAYS * 86_400 // (10 if size.recorded > 2 else 3600))), 5_000)
    await write_all(store, list(_others(start, size)), 5_000)
    await store.maintain(SYSTEM_CLOCK.now())
    await store.close()


def _others(start: datetime, size: Size) -> Iterator[Point]:
    for place in range(DAYS * 86_400 // size.step_s):
        at = start + timedelta(seconds=place * size.step_s)
        for miner in range(1, size.recorded):
            yield Point("miner", f"m{miner}", at, {"power_w": 3200.0, "hashrate_ths": 110.0}, {"site": SITE})


def _site_file(folder: Path, broker: SiteBroker) -> tuple[Path, str]:
    history, port = free_port(), free_port()
    settings = broker.settings("{service}")
    site = {
        "site": SITE,
        "data_dir": str(folder / "var"),
        "broker": settings | {"password_file": str(broker.secrets / "{service}")},
        "recorder": {"history": {"port": history}},
        "web": {"host": "127.0.0.1", "port": port, "history_url": f"http://127.0.0.1:{history}"},
    }
    file = folder / "site.yaml"
    file.write_text(yaml.safe_dump(site), encoding="utf-8")
    return file, f"http://127.0.0.1:{port}"


@asynccontextmanager
async def _signed_in(folder: Path, url: str) -> AsyncIterator[aiohttp.ClientSession]:
    code = (folder / "var" / "web" / "setup-code").read_text(encoding="ascii").strip()
    async with aiohttp.ClientSession(url, cookie_jar=aiohttp.DummyCookieJar()) as http:
        (await http.post("/api/setup", json={"code": code, "name": NAME, "password": PASSWORD})).raise_for_status()
        said = await http.post("/api/auth/login", json={"name": NAME, "password": PASSWORD})
        http.headers["Authorization"] = f"Bearer {(await said.json())['access_token']}"
        yield http


@asynccontextmanager
async def _poller(broker: SiteBroker, size: Size) -> AsyncIterator[Callable[[int, float], None]]:
    """Be the poller of the site; gives a way to say one reading, marked with a moment."""
    settings = BrokerSettings.model_validate(_with_password(broker))
    async with MqttBus(settings, site=SITE, account="poller") as bus:
        await bus.connected()
        for number in range(size.miners):
            bus.publish(_info(number))
        await bus.flush()
        yield lambda number, moment: bus.publish(_reading(number, moment))


def _with_password(broker: SiteBroker) -> dict[str, object]:
    settings = broker.settings("poller")
    settings["password"] = Path(settings.pop("password_file")).read_text(encoding="utf-8").strip()
    return settings


def _info(number: int) -> MinerInfo:
    return MinerInfo(
        site=SITE,
        at=SYSTEM_CLOCK.now(),
        miner=f"m{number}",
        driver="antminer",
        level=Level.GOLD,
        make="Antminer",
        model="Antminer S21",
        capabilities=(Capability.POWER_LIMIT, Capability.SLEEP),
        max_power_w=3600,
    )


def _reading(number: int, moment_s: float) -> MinerTelemetry:
    return MinerTelemetry(
        site=SITE,
        at=SYSTEM_CLOCK.now(),
        miner=f"m{number}",
        driver="antminer",
        state=MinerState.MINING,
        power_w=3200 + number % 50,
        hashrate_ths=200.5,
        chips_c=(61.0, 62.0, 63.0),
        fans_rpm=(5400, 5500, 5450, 5500),
        # In whole microseconds of the machine's stopwatch: comes back in the row of the list.
        uptime_s=float(int(moment_s * 1e6)),
    )


async def _live(
    http: aiohttp.ClientSession, url: str, web: Service, say: Callable[[int, float], None], size: Size
) -> list[Figure]:
    alone = await _watched(http, url, web, say, size._replace(pages=1))
    many = await _watched(http, url, web, say, size)
    p50, p99 = _p50_p99(many.delays_ms)
    of_pages = f"{size.pages} pages, {size.miners:,} miners every {INTERVAL_S:g} s"
    each = (many.cpu_pct - alone.cpu_pct) / max(1, size.pages - 1)
    return [
        Figure("web_live_delay_p50", p50, "ms", "", f"{of_pages}; told twice a second"),
        Figure("web_live_delay_p99", p99, "ms", "<= 1000", "from `publish` to the page"),
        Figure("web_live_cpu", many.cpu_pct, "% of a core", "", f"of the service; with one page {alone.cpu_pct:.1f} %"),
        Figure("web_live_cpu_a_page", each, "% of a core", "", "each further page"),
        Figure("web_live_traffic_a_page", many.kb_per_s, "kB/s", "", "zipped"),
        Figure("web_memory", many.rss_mb, "MB", "", f"resident; {of_pages}"),
    ]


async def _watched(
    http: aiohttp.ClientSession, url: str, web: Service, say: Callable[[int, float], None], size: Size
) -> Live:
    """Let pages look on while all miners are read on schedule."""
    delays_ms: list[float] = []
    sizes = [0]
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        # Left as they come, so that what goes over the wire can be counted.
        browser = await stack.enter_async_context(
            aiohttp.ClientSession(url, headers=http.headers, auto_decompress=False)
        )
        pages = []
        for _ in range(size.pages):
            headers = {"Accept-Encoding": "gzip"}
            answer = await stack.enter_async_context(
                browser.get("/api/events", headers=headers, timeout=aiohttp.ClientTimeout(total=None))
            )
            pages.append(tasks.create_task(_look_on(answer, delays_ms, sizes)))
        await _say_on_schedule(say, size, 2.0)  # everybody has the picture
        delays_ms.clear()
        sizes[0] = 0
        before_s, begun_s = processes.cpu_s(web.pid), time.monotonic()
        await _say_on_schedule(say, size, size.watched_s)
        await asyncio.sleep(0.7)
        took_s = time.monotonic() - begun_s
        cpu_pct = (processes.cpu_s(web.pid) - before_s) / took_s * 100
        for page in pages:
            page.cancel()
    memory = processes.memory(web.pid).rss_mb
    return Live(cpu_pct, delays_ms, sizes[0] / took_s / size.pages / 1000, memory)


async def _say_on_schedule(say: Callable[[int, float], None], size: Size, lasts_s: float) -> None:
    """Say the readings of all miners in turn, each every `INTERVAL_S`."""
    begun_s, number = time.monotonic(), 0
    while (passed_s := time.monotonic() - begun_s) < lasts_s:
        while number < passed_s / INTERVAL_S * size.miners + 1:
            say(number % size.miners, time.monotonic())
            number += 1
        await asyncio.sleep(0.01)


async def _look_on(answer: aiohttp.ClientResponse, delays_ms: list[float], sizes: list[int]) -> None:
    """Unzip what comes, and note how old each reading is."""
    text, unzip = b"", zlib.decompressobj(zlib.MAX_WBITS | 16)
    async for part in answer.content.iter_any():
        sizes[0] += len(part)
        now_us = time.monotonic() * 1e6
        whole, _, text = (text + unzip.decompress(part)).rpartition(b"\n\n")
        if b"event: delta" in whole:
            marks = re.findall(rb'"uptime_s":(\d+)', whole)
            delays_ms += [(now_us - int(mark)) / 1000 for mark in marks if int(mark)]


async def _rest(http: aiohttp.ClientSession, size: Size) -> list[Figure]:
    """Ask what is answered from memory, one question after the other on one connection."""
    calls = {
        "web_status_p99": ("/api/system/status", "<= 20"),
        "web_miner_p99": ("/api/miner/m0/status", "<= 20"),
        "web_history_cached_p99": ("/api/miner/m0/history?range=3d&fields=power_w,hashrate_ths", "<= 20"),
        "web_list_p99": (f"/api/miners?limit={size.miners}", ""),
    }
    figures = []
    for name, (path, target) in calls.items():
        await _fetched(http, path)
        _, p99 = _p50_p99([await _fetched(http, path) for _ in range(size.asked)])
        figures.append(Figure(name, p99, "ms", target, f"GET {path.partition('?')[0]}"))
    return figures


async def _past(http: aiohttp.ClientSession, size: Size) -> list[Figure]:
    """Ask what was not asked before: each question ends at another second."""
    stop = SYSTEM_CLOCK.now()

    def window(number: int) -> str:
        to = stop - timedelta(seconds=number + 1)
        begin = (to - timedelta(days=DAYS)).isoformat()
        return f"from={begin}&to={to.isoformat()}&fields=power_w,hashrate_ths".replace("+", "%2B")

    async def asked(path: str) -> list[float]:
        return [await _fetched(http, f"{path}?{window(number)}") for number in range(max(3, size.asked // 5))]

    one, site = _p50_p99(await asked("/api/miner/m0/history")), _p50_p99(await asked("/api/site/history"))
    return [
        Figure("web_history_miner_p99", one[1], "ms", "", f"3 days of one miner, not cached; p50 {one[0]:.1f} ms"),
        Figure("web_history_site_p99", site[1], "ms", "", f"3 days of {size.recorded:,} miners; p50 {site[0]:.1f} ms"),
    ]


async def _fetched(http: aiohttp.ClientSession, path: str) -> float:
    """Return how long a question takes, in ms, until the last byte is there."""
    begun_s = time.perf_counter()
    async with http.get(path, headers={"Accept-Encoding": "gzip"}) as answer:
        body = await answer.read()
    took_ms = (time.perf_counter() - begun_s) * 1000
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status} {json.loads(body)}")
    return took_ms


def _p50_p99(values: list[float]) -> tuple[float, float]:
    if len(values) < 2:
        return (values[0], values[0]) if values else (0.0, 0.0)
    cuts = quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[98]
