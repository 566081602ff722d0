"""The configuration page over time, on a real HTTP server and with a clock that the test moves."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr
from yarl import URL

from hashbus_poller.drivers.antminer.conf import MinerConf
from hashbus_poller.drivers.antminer.page import SETTLING_S, TRY_AGAIN_S, ConfPage
from hashbus_poller.drivers.antminer.stats import Stats
from hashbus_poller.drivers.antminer.wire import AntminerWeb
from hashbus_poller.drivers.contract import Garbled, Refused, Unreachable, Unsupported, Wiring
from hashbus_poller.testing.driver_promises import MemoryTape

HOST = "127.82.1.3"


class HandClock:
    """A clock that stands still until the test moves it."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"a driver waits for nothing, and not for {seconds} s")


class FakePage:
    """A configuration page that shows and takes what the test says; `takes` is the only type of mode that it heeds."""

    def __init__(self) -> None:
        self.conf: dict[str, object] = {
            "pools": [{"url": "stratum+tcp://pool.example:1", "user": "w", "pass": "x"}],
            "bitmain-fan-ctrl": False,
            "bitmain-work-mode": "0",
            "bitmain-freq-level": "100",
        }
        self.takes: type = object
        self.status = 200
        self.verdict: object = {"stats": "success", "code": "M000", "msg": "OK!"}
        self.shown = 0
        self.written: list[dict[str, object]] = []

    async def show(self, _: web.Request) -> web.Response:
        self.shown += 1
        return web.Response(status=self.status, text=json.dumps(self.conf))

    async def take(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.written.append(body)
        if isinstance(body["miner-mode"], self.takes):
            self.conf["bitmain-work-mode"] = str(body["miner-mode"])
        return web.Response(text=json.dumps(self.verdict))


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def fake() -> FakePage:
    return FakePage()


@pytest.fixture
async def page(fake: FakePage, clock: HandClock) -> AsyncIterator[ConfPage]:
    app = web.Application()
    app.router.add_get("/cgi-bin/get_miner_conf.cgi", fake.show)
    app.router.add_post("/cgi-bin/set_miner_conf.cgi", fake.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as session:
        wiring = Wiring(clock=clock, http=lambda: session, tape=MemoryTape())
        address = URL.build(scheme="http", host=HOST, port=port, path="/")
        pages = AntminerWeb(address, ("root", SecretStr("pw")), wiring, timeout_s=5.0, turn=asyncio.Lock())
        yield ConfPage(pages, clock)
    await runner.cleanup()


def asleep(conf: MinerConf) -> MinerConf:
    return replace(conf, work_mode=1)


def running(elapsed_s: float) -> Stats:
    return Stats(elapsed_s=elapsed_s, latest_ths=100.0)


async def test_firmware_that_says_yes_and_does_nothing_gets_the_other_spelling_next_time(
    page: ConfPage, fake: FakePage, clock: HandClock
) -> None:
    fake.takes = str
    await page.change(asleep)
    assert fake.conf["bitmain-work-mode"] == "0", "it said yes and did nothing"
    clock.seconds += SETTLING_S + 1
    await page.change(asleep)
    assert fake.conf["bitmain-work-mode"] == "1"
    clock.seconds += SETTLING_S + 1
    await page.change(lambda conf: replace(conf, work_mode=0))
    assert [body["miner-mode"] for body in fake.written] == [1, "1", "0"], "and what it takes is remembered"


async def test_firmware_that_says_no_to_both_spellings_is_quoted(page: ConfPage, fake: FakePage) -> None:
    fake.verdict = {"stats": "error", "code": "M001", "msg": "miner-mode error"}
    with pytest.raises(Refused, match="M001: miner-mode error"):
        await page.change(asleep)
    assert [body["miner-mode"] for body in fake.written] == [1, "1"]


async def test_within_the_settling_time_the_last_write_counts_and_not_what_the_page_shows(
    page: ConfPage, fake: FakePage
) -> None:
    fake.takes = bytes  # the page goes on showing the old mode
    await page.change(asleep)
    await page.change(asleep)
    assert len(fake.written) == 1, "the same again is not written again"
    await page.change(lambda conf: replace(conf, fan_pct=60.0))
    assert fake.written[-1]["miner-mode"] == 1, "another change keeps the first"


async def test_a_setting_is_asked_for_again_when_the_miner_has_started_again(
    page: ConfPage, fake: FakePage, clock: HandClock
) -> None:
    for _ in range(3):
        clock.seconds += 60
        await page.in_force(running(elapsed_s=clock.seconds))
    assert fake.shown == 1
    clock.seconds += 60
    for _ in range(2):
        await page.in_force(running(elapsed_s=30))
    assert fake.shown == 3, "a young run may still show the setting of the one before"
    clock.seconds += 60
    for _ in range(2):
        await page.in_force(running(elapsed_s=90))
    assert fake.shown == 4


async def test_a_miner_that_does_not_hash_is_asked_each_time(page: ConfPage, fake: FakePage) -> None:
    for _ in range(2):
        await page.in_force(Stats(elapsed_s=5000, latest_ths=0.0))
        await page.in_force(Stats(is_empty=True))
    assert fake.shown == 4


@pytest.mark.parametrize("status", [500, 503, 404])
async def test_a_page_that_fails_is_left_alone_for_a_minute(
    page: ConfPage, fake: FakePage, clock: HandClock, status: int
) -> None:
    fake.status = status
    for _ in range(3):
        assert await page.in_force(running(5000)) is None
    assert fake.shown == 1
    fake.status = 200
    clock.seconds += TRY_AGAIN_S
    assert await page.in_force(running(5000)) is not None


@pytest.mark.parametrize(
    ("status", "error"), [(401, Refused), (403, Refused), (404, Unsupported), (500, Unreachable), (302, Garbled)]
)
async def test_a_status_becomes_the_error_that_fits(
    page: ConfPage, fake: FakePage, status: int, error: type[Exception]
) -> None:
    fake.status = status
    with pytest.raises(error):
        await page.shown()


async def test_a_page_without_pools_is_never_written_back(page: ConfPage, fake: FakePage) -> None:
    del fake.conf["pools"]
    with pytest.raises(Garbled, match='lacks its list of "pools"'):
        await page.change(asleep)
    assert fake.written == []


@pytest.mark.parametrize(
    "broken",
    [
        {"bitmain-work-mode": ["no", "number"]},
        {"pools": {"url": "u", "user": "w", "pass": "pool-secret-3"}},
        {"pools": [{"url": 5, "user": "w", "pass": "pool-secret-3"}]},
    ],
)
async def test_no_complaint_about_a_page_shows_a_pool_password(
    page: ConfPage, fake: FakePage, broken: dict[str, object]
) -> None:
    fake.conf["pools"] = [{"url": "u", "user": "w", "pass": "pool-secret-3"}]
    fake.conf |= broken
    with pytest.raises(Garbled) as caught:
        await page.shown()
    assert b'"w"' in caught.value.payload
    assert b"pool-secret-3" not in caught.value.payload
    assert "pool-secret-3" not in str(caught.value)
