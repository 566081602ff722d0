"""What people ask of miners becomes a message on the bus, and the operation tells what came of it."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from hashbus.messages import (
    BidEffect,
    Capability,
    Command,
    DeviceOrder,
    OrderResult,
    OrderStatus,
    PowerRequest,
    Rank,
    SetpointResult,
    SetpointStatus,
)
from tests.web.world import World, seen, until

FINAL = ("confirmed", "refused", "failed", "timed_out")


async def heard_request(world: World, miner: str) -> Any:
    bus = await world.bus("controller")
    return bus.subscribe(PowerRequest, scope=miner)


def shown(world: World, miner: str, decision: str) -> SetpointResult:
    """The miner shows 2000 W."""
    return SetpointResult(
        site=world.site,
        at=world.now(),
        miner=miner,
        status=SetpointStatus.CONFIRMED,
        asked_w=2000,
        taken_w=2000,
        decision=decision,
    )


async def status_of(admin: httpx.AsyncClient, operation: dict[str, Any], *wanted: str) -> dict[str, Any]:
    found = await until(
        lambda: admin.get(f"/api/operations/{operation['id']}"), lambda said: said.json()["status"] in wanted
    )
    said: dict[str, Any] = found.json()
    return said


@pytest.mark.parametrize(
    ("path", "body", "cap_w", "floor_w"),
    [
        ("power_limit", {"power_w": 2000}, 2000, 2000),
        ("power_limit", {"power_w": 2000, "bound": "at_most"}, 2000, None),
        ("power_limit", {"power_w": 2000, "bound": "at_least"}, None, 2000),
        ("power_pct", {"pct": 50}, 1800, 1800),
        ("power_on", {}, None, 3600),
        ("power_off", {}, 0, None),
    ],
)
async def test_power_that_is_asked_becomes_an_override_with_an_end(
    admin: httpx.AsyncClient, world: World, path: str, body: dict[str, Any], cap_w: float, floor_w: float
) -> None:
    miner = await world.new_miner()
    await seen(admin, miner)
    async with await heard_request(world, miner) as requests:
        said = await admin.post(f"/api/miner/{miner}/{path}", json={**body, "for_s": 600})
        assert said.status_code == 202, said.text
        request = await requests.next(10)
    assert request is not None
    assert (request.cap_w, request.floor_w) == (cap_w, floor_w)
    assert (request.source, request.rank) == ("web", Rank.OVERRIDE)
    assert timedelta(seconds=590) < request.until - request.at <= timedelta(seconds=600)
    assert "anna" in request.why


async def test_an_operation_goes_from_pending_over_taken_to_confirmed(admin: httpx.AsyncClient, world: World) -> None:
    miner = await world.new_miner()
    await seen(admin, miner)
    async with await heard_request(world, miner) as requests:
        operation = (await admin.post(f"/api/miner/{miner}/power_limit", json={"power_w": 2000})).json()
        assert operation["status"] == "pending"
        request = await requests.next(10)
    decision = world.decision(request, BidEffect.WON, 2000)
    await world.say("controller", decision)
    taken = await status_of(admin, operation, "taken")
    assert "2000 W" in taken["message"]
    await world.say("poller", shown(world, miner, decision.id))
    assert (await status_of(admin, operation, *FINAL))["status"] == "confirmed"
    newest = (await admin.get(f"/api/miner/{miner}/op_status")).json()
    assert newest["id"] == operation["id"]


async def test_a_wish_that_is_blocked_is_refused_with_who_stands_above_it(
    admin: httpx.AsyncClient, world: World
) -> None:
    miner = await world.new_miner()
    await seen(admin, miner)
    async with await heard_request(world, miner) as requests:
        operation = (await admin.post(f"/api/miner/{miner}/power_on", json={})).json()
        request = await requests.next(10)
    await world.say("controller", world.decision(request, BidEffect.BLOCKED, 0, blocked_by="grid order r1"))
    ended = await status_of(admin, operation, *FINAL)
    assert ended["status"] == "refused"
    assert "grid order r1" in ended["message"]


async def test_what_is_so_already_is_confirmed_although_nothing_new_is_decided(
    admin: httpx.AsyncClient, world: World
) -> None:
    miner = await world.new_miner()
    await seen(admin, miner)
    async with await heard_request(world, miner) as requests:
        await admin.post(f"/api/miner/{miner}/power_limit", json={"power_w": 2000})
        request = await requests.next(10)
        decision = world.decision(request, BidEffect.WON, 2000)
        await world.say("controller", decision)
        await world.say("poller", shown(world, miner, decision.id))
        again = (await admin.post(f"/api/miner/{miner}/power_limit", json={"power_w": 2000})).json()
    assert (await status_of(admin, again, *FINAL))["status"] == "confirmed"


@pytest.mark.parametrize(
    ("status", "ends_as"),
    [
        (OrderStatus.DONE, "confirmed"),
        (OrderStatus.FAILED, "failed"),
        (OrderStatus.UNSUPPORTED, "refused"),
        (OrderStatus.REJECTED, "refused"),
        (OrderStatus.EXPIRED, "timed_out"),
        (OrderStatus.UNKNOWN, "failed"),
    ],
)
async def test_an_order_ends_as_the_poller_says(
    admin: httpx.AsyncClient, world: World, status: OrderStatus, ends_as: str
) -> None:
    miner = await world.new_miner()
    await seen(admin, miner)
    poller = await world.bus("poller")
    async with poller.subscribe(DeviceOrder, miner=miner) as orders:
        operation = (await admin.post(f"/api/miner/{miner}/order", json={"command": "reboot"})).json()
        order = await orders.next(10)
    assert order is not None
    assert order.command is Command.REBOOT
    result = OrderResult(
        site=world.site,
        at=world.now(),
        miner=miner,
        asker="web",
        id=order.id,
        command=order.command,
        status=status,
        code="x",
        message="so it went",
    )
    await world.say("poller", result)
    ended = await status_of(admin, operation, *FINAL)
    assert (ended["status"], ended["message"]) == (ends_as, "so it went")


@pytest.mark.parametrize(
    ("path", "body", "status", "field", "because"),
    [
        ("power_limit", {"power_w": 9000}, 422, "power_w", "more than"),
        ("power_limit", {"power_w": 500}, 422, "power_w", "less than"),
        ("power_limit", {"power_w": "much"}, 422, "power_w", "got 'much'"),
        ("power_limit", {"power_w": -1}, 422, "power_w", "got -1"),
        ("power_limit", {}, 422, "power_w", "power_w"),
        ("power_limit", {"power_w": 2000, "for_s": 1}, 422, "for_s", "60"),
        ("power_limit", {"power_w": 2000, "colour": "red"}, 422, "colour", "colour"),
        ("order", {"command": "restart"}, 409, None, "cannot restart"),
        ("order", {"command": "explode"}, 422, "command", "explode"),
    ],
)
async def test_what_cannot_be_is_refused_with_the_field_and_what_would_be_right(
    admin: httpx.AsyncClient,
    world: World,
    path: str,
    body: dict[str, Any],
    status: int,
    field: str | None,
    because: str,
) -> None:
    miner = await world.new_miner()
    await seen(admin, miner)
    said = await admin.post(f"/api/miner/{miner}/{path}", json=body)
    assert said.status_code == status, said.text
    problem = said.json()
    assert problem["field"] == field
    assert because in problem["error"] + (problem["hint"] or "")


async def test_a_miner_without_sleep_is_not_told_to_sleep(admin: httpx.AsyncClient, world: World) -> None:
    miner = await world.new_miner(capabilities=(Capability.POWER_LIMIT,))
    await seen(admin, miner)
    said = await admin.post(f"/api/miner/{miner}/power_off")
    assert said.status_code == 409
    assert "cannot sleep; 1000 W is the least it draws" in said.json()["error"]


async def test_a_miner_whose_power_nobody_knows_is_woken_by_an_order(admin: httpx.AsyncClient, world: World) -> None:
    unknown = {"max_power_w": None, "rated_power_w": None, "min_power_w": None}
    miner = await world.new_miner(capabilities=(Capability.SLEEP,), **unknown)
    await seen(admin, miner)
    poller = await world.bus("poller")
    async with poller.subscribe(DeviceOrder, miner=miner) as orders:
        await admin.post(f"/api/miner/{miner}/power_on")
        order = await orders.next(10)
    assert order is not None
    assert order.command is Command.ENABLE


async def test_an_act_on_many_tells_who_cannot_and_goes_on_with_the_others(
    admin: httpx.AsyncClient, world: World
) -> None:
    group = f"g-{world.miner()}"
    able = [await world.new_miner(group=group) for _ in range(3)]
    unable = await world.new_miner(group=group, capabilities=(), model="Mute")
    for miner in (*able, unable):
        await seen(admin, miner)
    act = {"kind": "power_limit", "power_w": 2000}
    said = await admin.post("/api/miners/act", json={"group": group, "act": act})
    assert said.status_code == 202, said.text
    batch = said.json()
    assert (batch["total"], batch["pending"], batch["refused"]) == (4, 3, 1)
    page = (await admin.get(f"/api/batches/{batch['id']}")).json()
    [problem] = page["problems"]
    assert problem["target"] == unable
    assert "cannot be told a power" in problem["message"]


async def test_the_only_miner_needs_no_name_and_of_several_one_must_be_named(
    admin: httpx.AsyncClient, world: World
) -> None:
    miner = await world.new_miner()
    await world.new_miner()
    await seen(admin, miner)
    said = await admin.get("/api/miner/status")
    assert said.status_code == 422
    assert said.json()["field"] == "miner"
    assert (await admin.get(f"/api/miner/status?miner={miner}")).json()["id"] == miner


async def test_a_battery_portal_logs_in_anew_only_where_there_is_one(admin: httpx.AsyncClient, world: World) -> None:
    battery = f"b-{world.miner()}"
    await world.say("poller", world.battery(battery))
    await until(lambda: admin.get(f"/api/battery/{battery}/status"), lambda said: said.status_code == 200)
    said = await admin.post(f"/api/battery/{battery}/refresh_session")
    assert said.status_code == 409
    assert "takes no orders" in said.json()["error"]


async def test_a_group_is_told_what_it_may_draw_together(admin: httpx.AsyncClient, world: World) -> None:
    group = f"g-{world.miner()}"
    miner = await world.new_miner(group=group)
    await seen(admin, miner)
    async with await heard_request(world, group) as requests:
        body = {"kind": "power_limit", "power_w": 5000, "bound": "at_most"}
        operation = (await admin.post(f"/api/groups/{group}/power", json=body)).json()
        request = await requests.next(10)
    assert (request.scope, request.cap_w, request.floor_w) == (group, 5000, None)
    decision = world.decision(request, BidEffect.NARROWED, 2500).model_copy(update={"miner": miner})
    await world.say("controller", decision)
    assert (await status_of(admin, operation, *FINAL))["status"] == "confirmed"
    assert (await admin.post("/api/groups/nobody/power", json=body)).status_code == 404
