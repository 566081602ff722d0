"""Who may do what: the table of roles against every call there is, and grants on single devices."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from hashbus_web.app import api
from hashbus_web.people.rights import Grant, Leaves, Right, Role, default_grants, leave_of
from tests.web.world import WebService, World, seen, until

EVERYBODY, SIGNED_IN, OPERATORS, ADMINS = "nobody", "guest", "operator", "admin"

OPEN_TO = {
    "GET /api/auth/state": EVERYBODY,
    "POST /api/setup": EVERYBODY,
    "POST /api/auth/login": EVERYBODY,
    "POST /api/auth/refresh": EVERYBODY,
    "GET /api/auth/openid/{provider}/start": EVERYBODY,
    "GET /api/auth/openid/{provider}/callback": EVERYBODY,
    "GET /api/system/health": EVERYBODY,
    "POST /api/calculator": EVERYBODY,
    "GET /api/calculator/models": EVERYBODY,
    "POST /api/auth/logout": SIGNED_IN,
    "POST /api/auth/password": SIGNED_IN,
    "DELETE /api/auth/sessions/{session_id}": SIGNED_IN,
    "POST /api/tokens": SIGNED_IN,
    "DELETE /api/tokens/{token_id}": SIGNED_IN,
    "GET /api/users": ADMINS,
    "POST /api/users": ADMINS,
    "PATCH /api/users/{user_id}": ADMINS,
    "DELETE /api/users/{user_id}": ADMINS,
    "GET /api/audit": ADMINS,
}
"""Every other call: who looks must be signed in, who acts must be an operator."""

REFUSED = (401, 403)
BATTERY = "wall-of-rights"


def calls() -> list[str]:
    """Every call of the API: `GET /api/miners`."""
    paths = api().openapi()["paths"]
    return [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]


def least(call: str) -> str:
    """Whom a call is open to at least."""
    return OPEN_TO.get(call) or (SIGNED_IN if call.startswith("GET ") else OPERATORS)


@asynccontextmanager
async def somebody(
    shared: WebService, admin: httpx.AsyncClient, role: str, grants: list[dict[str, Any]] | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A new person of that role, signed in."""
    name = f"{role}-{secrets.token_hex(4)}"
    body = {"name": name, "password": "a long enough secret", "role": role, "grants": grants}
    made = await admin.post("/api/users", json=body)
    assert made.status_code == 201, made.text
    async with shared.signed_in(name, "a long enough secret") as client:
        yield client


async def asked(client: httpx.AsyncClient, call: str, miner: str) -> int:
    """What a call answers to somebody, with a body that says nothing."""
    method, path = call.split(" ")
    filled = path.replace("{miner}", miner).replace("{battery}", BATTERY).replace("{equipment}", "none")
    if "{" not in path:
        filled += f"?battery={BATTERY}" if path.startswith("/api/battery/") else f"?miner={miner}"
    for name in ("session_id", "user_id", "token_id", "operation_id", "batch_id", "key", "zone", "provider"):
        filled = filled.replace(f"{{{name}}}", "none")
    if path == "/api/events":
        async with client.stream("GET", filled) as answer:
            return answer.status_code
    answer = await client.request(method, filled, json=None if method == "GET" else {})
    return answer.status_code


ORDER = (EVERYBODY, SIGNED_IN, OPERATORS, ADMINS)


@pytest.mark.parametrize("role", ORDER)
async def test_every_call_is_open_to_exactly_those_of_the_table(
    shared: WebService, admin: httpx.AsyncClient, world: World, role: str
) -> None:
    miner = await world.new_miner()
    await world.say("poller", world.battery(BATTERY))
    await seen(admin, miner)
    await until(lambda: admin.get(f"/api/battery/{BATTERY}/status"), lambda said: said.status_code == 200)
    # Last, because after it nobody is signed in any more.
    order = sorted(calls(), key=lambda call: call == "POST /api/auth/logout")
    wrong = []
    if role == EVERYBODY:
        async with shared.client() as client:
            wrong = await differing(client, order, miner, role)
    else:
        async with somebody(shared, admin, role) as client:
            wrong = await differing(client, order, miner, role)
    assert wrong == []


async def differing(client: httpx.AsyncClient, order: list[str], miner: str, role: str) -> list[str]:
    """The calls that let in somebody too many, or one too few."""
    wrong = []
    for call in order:
        is_open = ORDER.index(role) >= ORDER.index(least(call))
        status = await asked(client, call, miner)
        says_no = status in REFUSED and not (call == "POST /api/auth/refresh" and is_open)
        if says_no == is_open:
            wrong.append(f"{call}: {status}")
    return wrong


async def test_who_may_touch_one_miner_sees_no_other(
    shared: WebService, admin: httpx.AsyncClient, world: World
) -> None:
    mine, other = await world.new_miner(), await world.new_miner()
    for miner in (mine, other):
        await seen(admin, miner)
    async with somebody(shared, admin, "operator", [{"on": f"miner:{mine}", "may_write": True}]) as client:
        assert [one["id"] for one in (await client.get("/api/miners")).json()["miners"]] == [mine]
        assert (await client.get(f"/api/miner/{other}")).status_code == 404
        assert (await client.post(f"/api/miner/{other}/power_off")).status_code == 404
        assert (await client.post(f"/api/miner/{mine}/power_off")).status_code == 202
        assert (await client.post("/api/curtailment/start", json={"target_w": 1})).status_code == 403
        assert (await client.get("/api/history", params={"device": other})).status_code == 404
        assert set((await client.get("/api/decisions")).json()) <= {mine}


async def test_a_group_is_granted_with_all_its_miners_to_look_at_only(
    shared: WebService, admin: httpx.AsyncClient, world: World
) -> None:
    group = f"g-{world.miner()}"
    miner = await world.new_miner(group=group)
    await seen(admin, miner)
    async with somebody(shared, admin, "operator", [{"on": f"group:{group}", "may_write": False}]) as client:
        page = (await client.get(f"/api/miner/{miner}")).json()
        assert page["may_write"] is False
        assert (await client.post(f"/api/miner/{miner}/power_off")).status_code == 403


async def test_a_changed_role_counts_at_the_next_request(
    shared: WebService, admin: httpx.AsyncClient, world: World
) -> None:
    miner = await world.new_miner()
    await seen(admin, miner)
    async with somebody(shared, admin, "operator") as client:
        me = (await client.get("/api/auth/state")).json()["user"]["id"]
        assert (await client.post(f"/api/miner/{miner}/power_off")).status_code == 202
        await admin.patch(f"/api/users/{me}", json={"role": "guest"})
        assert (await client.post(f"/api/miner/{miner}/power_off")).status_code == 403
        await admin.patch(f"/api/users/{me}", json={"is_disabled": True})
        assert (await client.get("/api/miners")).status_code == 401


@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_do_what_the_table_says(role: Role) -> None:
    leaves = Leaves(all=(leave_of(role, default_grants(role)),))
    acts = {right for right in Right if right is not Right.READ and leaves.may_on_site(right)}
    expected = {
        Role.ADMIN: set(Right) - {Right.READ},
        Role.OPERATOR: set(Right) - {Right.READ, Right.ADMIN},
        Role.GUEST: set(),
    }
    assert acts == expected[role]
    assert leaves.may_on_site(Right.READ)


def test_a_guest_with_a_written_grant_still_only_looks() -> None:
    leaves = Leaves(all=(leave_of(Role.GUEST, (Grant(on="*", may_write=True),)),))
    assert not leaves.may_on(Right.POWER, "miner", "attic")


def test_a_bot_may_what_both_it_and_its_owner_may() -> None:
    owner = leave_of(Role.OPERATOR, (Grant(on="group:cellar", may_write=True),))
    bot = leave_of(Role.OPERATOR, (Grant(on="miner:attic", may_write=True),))
    both = Leaves(all=(owner, bot))
    assert both.may_on(Right.POWER, "miner", "attic", "cellar")
    assert not both.may_on(Right.POWER, "miner", "attic", "roof")
    assert not both.may_on(Right.POWER, "miner", "desk", "cellar")
    assert both.sight.sees("miner", "attic", "cellar")
    assert not both.sight.sees("miner", "desk", "cellar")
    assert not both.may_on_site(Right.CURTAIL)
