"""The other pages: alerts with Clear, the timeline, automatic control, curtailment, the network, the calculator."""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import httpx
import pytest

from hashbus.messages import (
    Alert,
    AlertAck,
    BidEffect,
    BitcoinPrice,
    ControlRequest,
    CurtailmentOffer,
    CurtailmentQuestion,
    CurtailmentRequest,
    Decision,
    FoundDevice,
    NetworkState,
    PlannedMiner,
    PowerRequest,
    Rank,
    ScanRequest,
    ScanResult,
    ScanStatus,
    Severity,
)
from tests.servers import Mosquitto
from tests.web.world import WebService, World, seen, until


def alert(world: World, key: str, **more: Any) -> Alert:
    values: dict[str, Any] = {"severity": Severity.WARNING, "title": f"{key} is hot", "since": world.now(), **more}
    return Alert(site=world.site, at=world.now(), key=key, **values)


async def keys(admin: httpx.AsyncClient) -> dict[str, Any]:
    return {one["key"]: one for one in (await admin.get("/api/alerts")).json()}


async def test_clear_marks_an_alert_as_seen_and_a_new_one_stands_out_again(
    admin: httpx.AsyncClient, world: World
) -> None:
    key = f"hot-{secrets.token_hex(4)}"
    first = alert(world, key)
    await world.say("notifier", first)
    await until(lambda: keys(admin), lambda found: key in found)
    assert (await admin.post(f"/api/alerts/{key}/clear")).json() == {"cleared": [key]}
    found = await until(lambda: keys(admin), lambda found: found[key]["acked_by"])
    assert found[key]["acked_by"] == "anna"
    bus = await world.bus("notifier")
    async with bus.subscribe(AlertAck, key=key) as acks:
        ack = await acks.next(10)
    assert ack is not None
    assert ack.since == first.since
    await world.say("notifier", alert(world, key, since=world.now() + timedelta(seconds=1)))
    await until(lambda: keys(admin), lambda found: found[key]["acked_by"] is None)


async def test_an_alert_that_is_over_is_gone(admin: httpx.AsyncClient, world: World) -> None:
    key = f"hot-{secrets.token_hex(4)}"
    first = alert(world, key)
    await world.say("notifier", first)
    await until(lambda: keys(admin), lambda found: key in found)
    await world.say("notifier", first.model_copy(update={"cleared_at": world.now()}))
    await until(lambda: keys(admin), lambda found: key not in found)
    assert (await admin.post(f"/api/alerts/{key}/clear")).status_code == 404


async def test_the_timeline_says_what_happened_and_why_once(admin: httpx.AsyncClient, world: World) -> None:
    miner = await world.new_miner()
    request = PowerRequest(
        site=world.site,
        at=world.now(),
        source="web",
        scope=miner,
        name="override",
        rank=Rank.OVERRIDE,
        cap_w=2000,
        until=world.now() + timedelta(hours=1),
        why="the guests sleep",
    )
    decision: Decision = world.decision(request, BidEffect.WON, 2000)
    for _ in range(3):
        await world.say("controller", decision)
    told = await until(
        lambda: admin.get("/api/timeline", params={"target": miner, "kind": "decision"}),
        lambda said: said.json()["events"],
    )
    [event] = told.json()["events"]
    assert event["title"] == f"{miner}: to 2,000 W"
    assert event["why"] == "the guests sleep"


async def test_after_a_restart_nothing_is_told_twice(
    own_web: Callable[..., WebService], mosquitto: Mosquitto, site: str
) -> None:
    with own_web() as web:
        await web.set_up()
        async with AsyncExitStack() as stack:
            world = World(mosquitto, site, stack)
            for number in range(5):
                miner = f"m{number}"
                decision = Decision(
                    site=site, at=world.now(), miner=miner, id="d1", power_w=0, winner="grid", reason="grid", bids=()
                )
                await world.say("controller", decision)
            client = await stack.enter_async_context(web.signed_in())
            before = await until(
                lambda: client.get("/api/timeline", params={"kind": "decision"}),
                lambda said: sum(one["count"] for one in said.json()["events"]) == 5,
            )
            web.kill()
            web.start()
            await until(lambda: client.get("/api/decisions"), lambda said: len(said.json()) == 5)
            late = Decision(
                site=site, at=world.now(), miner="late", id="d2", power_w=0, winner="x", reason="late", bids=()
            )
            await world.say("controller", late)
            after = await until(
                lambda: client.get("/api/timeline", params={"kind": "decision"}),
                lambda said: said.json()["events"][0]["target"] == "late",
            )
            assert after.json()["events"][1:] == before.json()["events"]


async def test_many_that_change_together_for_one_reason_are_one_line(admin: httpx.AsyncClient, world: World) -> None:
    why = f"grid order {secrets.token_hex(4)}"
    miners = [world.miner() for _ in range(30)]
    decisions = [
        Decision(
            site=world.site, at=world.now(), miner=miner, id=f"d-{miner}", power_w=0, winner="grid", reason=why, bids=()
        )
        for miner in miners
    ]
    await world.say("controller", *decisions)
    told = await until(
        lambda: admin.get("/api/timeline", params={"kind": "decision"}),
        lambda said: sum(one["count"] for one in said.json()["events"] if one["why"] == why) == 30,
    )
    lines = [one for one in told.json()["events"] if one["why"] == why]
    assert len(lines) < 10
    assert any("miners: to asleep" in one["title"] for one in lines)


@pytest.mark.parametrize(("path", "is_enabled"), [("auto-control/enable", True), ("auto_control/disable", False)])
async def test_automatic_control_is_switched_by_a_request(
    admin: httpx.AsyncClient, world: World, path: str, is_enabled: bool
) -> None:
    bus = await world.bus("controller")
    async with bus.subscribe(ControlRequest) as requests:
        requests.drain()
        why = f"holidays {secrets.token_hex(4)}"
        assert (await admin.post(f"/api/{path}", json={"why": why})).status_code == 202
        request = await until(lambda: requests.next(5), lambda one: one and one.why == why)
    assert request.is_enabled is is_enabled
    assert request.source == "web"


async def test_a_curtailment_is_asked_changed_and_ended(admin: httpx.AsyncClient, world: World) -> None:
    bus = await world.bus("curtailer")
    async with bus.subscribe(CurtailmentRequest, source="web") as requests:
        body = {"target_w": 5e6, "for_s": 3600, "ramp_s": 60, "why": "the grid asks"}
        begun = await admin.post("/api/curtailment/start", json=body)
        assert begun.status_code == 202, begun.text
        request = await until(lambda: requests.next(5), lambda one: one and one.why == "the grid asks")
        assert (request.target_w, request.ramp_s) == (5e6, 60)
        assert request.ends_at - request.starts_at == timedelta(hours=1)
        await until(lambda: admin.get("/api/curtailment"), lambda said: "web" in said.json()["requests"])
        assert (await admin.post("/api/curtailment/cancel")).status_code == 202
        ended = await until(lambda: requests.next(5), lambda one: one and one.is_cancelled)
        assert ended.id == request.id
    await until(lambda: admin.get("/api/curtailment"), lambda said: said.json()["requests"]["web"]["is_cancelled"])
    assert (await admin.post("/api/curtailment/cancel")).status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"target_w": 1, "level_pct": 50},
        {"target_w": 1, "for_s": 3600, "ends_at": "2030-01-01T00:00:00Z"},
        {"target_w": 1, "ends_at": "2020-01-01T00:00:00Z"},
        {"level_pct": 120},
    ],
)
async def test_a_curtailment_that_makes_no_sense_is_refused(admin: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await admin.post("/api/curtailment/start", json=body)).status_code == 422


async def test_a_preview_is_what_the_curtailer_answers(admin: httpx.AsyncClient, world: World) -> None:
    bus = await world.bus("curtailer")
    async with bus.subscribe(CurtailmentQuestion) as questions:
        asking = admin.post("/api/curtailment/preview", json={"target_w": 3000})
        answer = until(lambda: questions.next(5), lambda one: one)

        async def curtail() -> None:
            question = await answer
            offer = CurtailmentOffer(
                site=world.site,
                at=world.now(),
                asker=question.source,
                id=question.id,
                strategy=question.strategy,
                target_w=3000,
                planned_w=3050,
                miners=(PlannedMiner(miner="attic", cap_w=0, saves_w=3050),),
                why="one sleeps",
            )
            await world.say("curtailer", offer)

        said, _ = await asyncio.gather(asking, curtail())
    assert said.status_code == 200
    assert said.json()["miners"][0]["miner"] == "attic"


async def test_a_scan_is_asked_and_what_it_finds_is_listed(admin: httpx.AsyncClient, world: World) -> None:
    bus = await world.bus("poller")
    assert (await admin.post("/api/network/scan", json={"networks": ["the cellar"]})).json()["field"] == "networks"
    async with bus.subscribe(ScanRequest) as requests:
        asked = (await admin.post("/api/network/scan", json={"networks": ["10.0.0.0/24"]})).json()
        request = await until(lambda: requests.next(5), lambda one: one and one.id == asked["id"])
    found = FoundDevice(host="10.0.0.7", driver="bitaxe", model="Gamma", hashrate_ths=1.2)
    result = ScanResult(
        site=world.site,
        at=world.now(),
        asker="web",
        id=request.id,
        status=ScanStatus.DONE,
        found=(found,),
        total=254,
        visited=254,
    )
    await world.say("poller", result)
    said = await until(lambda: admin.get("/api/network/devices"), lambda said: said.json()["new"])
    assert said.json()["new"][0]["host"] == "10.0.0.7"


async def test_the_calculator_takes_live_values_and_keeps_what_was_asked(
    admin: httpx.AsyncClient, world: World
) -> None:
    now = world.now()
    few: dict[str, Any] = {"sources_used": 4, "sources_total": 4, "completeness_pct": 100, "taken_at": now}
    await world.say("market", BitcoinPrice(site=world.site, at=now, price_usd=92_477, **few))
    network: dict[str, Any] = {"difficulty": 152.27e12, "hashrate_ehs": 1090, "subsidy_btc": 3.125}
    await world.say("market", NetworkState(site=world.site, at=now, **network, **few))
    await until(lambda: admin.get("/api/market"), lambda said: said.json()["network"])
    body = {"model": "S19 Pro", "price_per_kwh": 0.10, "currency": "USD", "invested_each": 2000}
    answer = (await admin.post("/api/calculator", json=body)).json()
    assert answer["net_per_day"] < 0
    assert answer["roi_days"] is None
    assert "never" in answer["verdict"]
    [kept, *_] = (await admin.get("/api/calculator/history")).json()
    assert kept["asked"]["model"] == "S19 Pro"
    wrong = await admin.post("/api/calculator", json={"model": "Toaster 3000", "price_per_kwh": 0.1})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "model")


async def test_a_stale_reading_counts_in_no_total(admin: httpx.AsyncClient, world: World) -> None:
    miner = world.miner()
    await world.say("poller", world.info(miner), world.reading(miner, age_s=3600, power_w=4_000_000))
    await seen(admin, miner)
    row = (await admin.get(f"/api/miner/{miner}/status")).json()
    assert row["is_stale"] is True
    totals = (await admin.get("/api/system/status")).json()["totals"]
    assert totals["power_w"] < 4_000_000
    assert totals["stale"] >= 1
