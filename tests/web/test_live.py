"""Live values: a snapshot, then only what changes; nothing twice, nothing lost, and nobody slows down the others."""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import AvailabilityState
from hashbus_web.live import stream
from hashbus_web.live.feed import Feed, Look
from hashbus_web.live.sections import Place
from hashbus_web.people.rights import Sight
from tests.servers import Mosquitto
from tests.web.test_rights import somebody
from tests.web.world import PATIENCE_S, WebService, World, seen, until


@dataclass
class Event:
    """One event as a browser gets it."""

    kind: str
    id: str
    data: dict[str, Any]


@asynccontextmanager
async def live(client: httpx.AsyncClient, **parameters: str) -> AsyncIterator[AsyncIterator[Event]]:
    """An open live page."""
    last = parameters.pop("last", "")
    headers = {"Accept-Encoding": "identity", **({"Last-Event-ID": last} if last else {})}
    async with client.stream("GET", "/api/events", params=parameters, headers=headers) as answer:
        assert answer.status_code == 200
        yield events(answer)


async def events(answer: httpx.Response) -> AsyncIterator[Event]:
    found: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            found[name] = value
        elif found:
            yield Event(found["event"], found.get("id", ""), json.loads(found["data"]))
            found = {}


async def next_with(stream: AsyncIterator[Event], holds: Callable[[Event], Any]) -> Event:
    """The next event that has something in it."""
    async with asyncio.timeout(PATIENCE_S):
        async for event in stream:
            if holds(event):
                return event
    raise AssertionError("the stream has ended")


async def test_a_page_begins_with_everything_and_then_gets_only_what_changes(
    admin: httpx.AsyncClient, world: World
) -> None:
    miner, other = await world.new_miner(), await world.new_miner()
    await seen(admin, miner)
    await seen(admin, other)
    async with live(admin) as page:
        first = await next_with(page, lambda event: event.kind)
        assert first.kind == "snapshot"
        assert {miner, other} <= set(first.data["miners"])
        assert first.data["infos"][miner]["model"] == "M64"
        assert first.data["bus"]["site"]["connected"] is True
        await world.say("poller", world.reading(miner, power_w=1234))
        change = await next_with(page, lambda event: miner in event.data.get("miners", {}))
        assert change.kind == "delta"
        assert change.data["miners"][miner]["power_w"] == 1234
        assert other not in change.data["miners"]
        assert "infos" not in change.data


async def test_a_page_that_comes_back_gets_what_it_missed_and_no_more(admin: httpx.AsyncClient, world: World) -> None:
    miner, other = await world.new_miner(), await world.new_miner()
    await seen(admin, miner)
    await seen(admin, other)
    async with live(admin) as page:
        first = await next_with(page, lambda event: event.kind)
    await world.say("poller", world.reading(miner, power_w=777))
    await until(lambda: admin.get(f"/api/miner/{miner}/status"), lambda said: said.json()["power_w"] == 777)
    async with live(admin, last=first.id) as page:
        missed = await next_with(page, lambda event: miner in event.data.get("miners", {}))
        assert missed.kind == "delta"
        assert missed.data["miners"][miner]["power_w"] == 777
        assert other not in missed.data["miners"]


@pytest.mark.parametrize("last", ["another-run-12", "nonsense", "-", "e-99999999999999999999999"])
async def test_an_id_of_another_run_begins_anew(admin: httpx.AsyncClient, last: str) -> None:
    async with live(admin, last=last) as page:
        assert (await next_with(page, lambda event: event.kind)).kind == "snapshot"


async def test_a_page_of_one_miner_gets_all_of_it(admin: httpx.AsyncClient, world: World) -> None:
    miner, other = await world.new_miner(), await world.new_miner()
    await seen(admin, miner)
    await seen(admin, other)
    async with live(admin, detail=miner) as page:
        first = await next_with(page, lambda event: miner in event.data.get("details", {}))
        assert set(first.data["details"]) == {miner}
        assert first.data["details"][miner]["telemetry"]["hashrate_ths"] == 150
        await world.say("poller", world.reached(miner, AvailabilityState.OFFLINE))
        change = await next_with(page, lambda event: miner in event.data.get("details", {}))
        assert change.data["details"][miner]["availability"]["state"] == "offline"


async def test_who_may_see_one_miner_gets_no_word_of_another(
    shared: WebService, admin: httpx.AsyncClient, world: World
) -> None:
    mine, other = await world.new_miner(), await world.new_miner()
    await seen(admin, mine)
    await seen(admin, other)
    async with somebody(shared, admin, "guest", [{"on": f"miner:{mine}", "may_write": False}]) as client:
        async with live(client, detail=f"{mine},{other}") as page:
            first = await next_with(page, lambda event: event.kind)
            assert set(first.data["miners"]) == {mine}
            assert set(first.data) <= {"at", "miners", "infos", "details", "bus", "market", "operations"}
            await world.say("poller", world.reading(other), world.reading(mine, power_w=42))
            change = await next_with(page, lambda event: "miners" in event.data)
            assert set(change.data["miners"]) == {mine}
            assert other not in json.dumps(first.data) + json.dumps(change.data)


async def test_the_same_bytes_zipped_say_the_same(admin: httpx.AsyncClient, world: World) -> None:
    miner = await world.new_miner()
    await seen(admin, miner)
    headers = {"Accept-Encoding": "gzip"}
    unzip, text = zlib.decompressobj(zlib.MAX_WBITS | 16), b""
    async with asyncio.timeout(PATIENCE_S), admin.stream("GET", "/api/events", headers=headers) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        async for part in answer.aiter_raw():
            text += unzip.decompress(part)
            if text.count(b"\n\n") == 1:
                await world.say("poller", world.reading(miner, power_w=4321))
            if b"4321" in text:
                break
    assert text.count(b"event: snapshot") == 1


async def test_a_login_that_ends_ends_its_live_page(shared: WebService, admin: httpx.AsyncClient, world: World) -> None:
    miner = await world.new_miner()
    await seen(admin, miner)
    async with somebody(shared, admin, "operator") as client:
        me = (await client.get("/api/auth/state")).json()["user"]["id"]
        async with live(client) as page:
            await next_with(page, lambda event: event.kind == "snapshot")
            await admin.delete(f"/api/users/{me}")
            await world.say("poller", world.reading(miner, power_w=5))
            ended = await next_with(page, lambda event: event.kind == "ended")
            assert "login" in ended.data["why"]


async def test_a_reader_that_takes_nothing_holds_up_nobody(
    shared: WebService, admin: httpx.AsyncClient, world: World
) -> None:
    miner = await world.new_miner()
    await seen(admin, miner)
    token = admin.headers["Authorization"]
    reader, writer = await asyncio.open_connection("127.0.0.1", shared.port, limit=1024)
    head = f"GET /api/events HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n"
    writer.write(head.encode())
    await writer.drain()
    await reader.readexactly(100)  # and then it reads no more
    async with live(admin) as page:
        for number in range(5):
            await world.say("poller", world.reading(miner, power_w=100 + number))
            power_w = 100 + number
            await next_with(
                page,
                lambda event, power_w=power_w: (
                    event.data.get("miners", {}).get(miner, {}).get("power_w") == power_w  # type: ignore[misc]
                ),
            )
    writer.close()


async def test_a_reader_that_takes_nothing_any_more_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "SLOWEST_S", 0.05)
    feed, cuts = Feed("e"), list[bool]()
    feed.put([(Place("miners", "attic"), b"1")], SYSTEM_CLOCK.now())

    async def receive() -> dict[str, str]:
        await asyncio.Event().wait()
        return {}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()  # as the server does while the socket is full

    open_page = stream.EventStream(feed, Look(Sight()), 0, pulse=lambda: b"{}", why_ended=lambda: None, is_zipped=False)
    scope: dict[str, Any] = {"extensions": {stream.ABORT: {"cut": lambda: cuts.append(True)}}}
    async with asyncio.timeout(PATIENCE_S):
        await open_page(scope, receive, send)  # type: ignore[arg-type]
    assert cuts == [True]


async def test_the_page_hears_that_the_broker_is_away_and_back(
    own_web: Callable[..., WebService], own_mosquitto: Mosquitto
) -> None:
    with own_web(own_mosquitto) as web:
        await web.set_up()
        async with web.signed_in() as client, live(client) as page:
            await next_with(page, lambda event: event.kind == "snapshot")
            own_mosquitto.kill()
            gone = await next_with(page, lambda event: event.data.get("bus", {}).get("site"))
            assert gone.data["bus"]["site"]["connected"] is False
            status = (await client.get("/api/system/status")).json()
            assert status["bus"]["connected"] is False
            assert any("broker is away" in problem for problem in status["problems"])
            assert (await client.get("/api/system/health")).status_code == 503
            refused = await client.post("/api/auto-control/disable")
            assert (refused.status_code, refused.json()["code"]) == (503, "away")
            own_mosquitto.start()
            back = await next_with(page, lambda event: event.data.get("bus", {}).get("site"))
            assert back.data["bus"]["site"]["connected"] is True


async def test_a_service_that_stops_says_so_and_ends_in_time(own_web: Callable[..., WebService]) -> None:
    with own_web() as web:
        await web.set_up()
        async with web.signed_in() as client, live(client) as page:
            await next_with(page, lambda event: event.kind == "snapshot")
            stopping = asyncio.create_task(asyncio.to_thread(web.stop))
            ended = await next_with(page, lambda event: event.kind == "ended")
            assert "stops" in ended.data["why"]
        await stopping
