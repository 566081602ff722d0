"""Logins: tokens that end, that are good once, and that no other site can use; bots with scopes."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.web.world import ADMIN, PAGE, PASSWORD, WebService, World, seen


@asynccontextmanager
async def fresh(shared: WebService, *, cookie: bool = False) -> AsyncIterator[tuple[httpx.AsyncClient, dict[str, str]]]:
    """A login of this test alone, and what it gave."""
    async with shared.client(headers=PAGE if cookie else {}) as client:
        said = await client.post("/api/auth/login", json={"name": ADMIN, "password": PASSWORD, "cookie": cookie})
        assert said.status_code == 200, said.text
        yield client, said.json()


async def test_a_wrong_password_tells_nothing_and_is_written_down(shared: WebService, admin: httpx.AsyncClient) -> None:
    async with shared.client() as client:
        unknown = f"nobody-{secrets.token_hex(4)}"
        answers = [
            await client.post("/api/auth/login", json={"name": name, "password": "wrong wrong wrong"})
            for name in (ADMIN, unknown)
        ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()
    acts = (await admin.get("/api/audit")).json()["acts"]
    assert any(act["act"] == "login_failed" and act["who"] == unknown for act in acts)


async def test_guessing_passwords_is_stopped_for_a_name(shared: WebService) -> None:
    name = f"victim-{secrets.token_hex(4)}"
    async with shared.client() as client:
        statuses = []
        for _ in range(9):
            body = {"name": name, "password": "guess guess guess"}
            statuses.append((await client.post("/api/auth/login", json=body)).status_code)
    assert statuses[0] == 401
    assert statuses[-1] == 429


async def test_a_refresh_token_is_good_once_and_its_theft_ends_the_login(shared: WebService) -> None:
    async with fresh(shared) as (client, first):
        second = (await client.post("/api/auth/refresh", json={"refresh_token": first["refresh_token"]})).json()
        third = (await client.post("/api/auth/refresh", json={"refresh_token": second["refresh_token"]})).json()
        bearer = {"Authorization": f"Bearer {third['access_token']}"}
        assert (await client.get("/api/miners", headers=bearer)).status_code == 200
        stolen = await client.post("/api/auth/refresh", json={"refresh_token": first["refresh_token"]})
        assert stolen.status_code == 401
        assert (await client.get("/api/miners", headers=bearer)).status_code == 401
        last = await client.post("/api/auth/refresh", json={"refresh_token": third["refresh_token"]})
        assert last.status_code == 401


async def test_two_tabs_that_renew_at_once_both_stay(shared: WebService) -> None:
    async with fresh(shared) as (client, first):
        body = {"refresh_token": first["refresh_token"]}
        answers = await asyncio.gather(*(client.post("/api/auth/refresh", json=body) for _ in range(2)))
        assert [answer.status_code for answer in answers] == [200, 200]
        for answer in answers:
            bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
            assert (await client.get("/api/miners", headers=bearer)).status_code == 200


async def test_a_page_has_its_tokens_in_cookies_that_scripts_and_other_sites_cannot_use(shared: WebService) -> None:
    async with shared.client(headers=PAGE) as client:
        said = await client.post("/api/auth/login", json={"name": ADMIN, "password": PASSWORD, "cookie": True})
        cookies = said.headers.get_list("set-cookie")
        assert len(cookies) == 2
        assert all("HttpOnly" in one and "SameSite=strict" in one for one in cookies)
        assert said.json()["access_token"] is None
        assert said.json()["refresh_token"] is None


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"X-Hashbus": "page"}, 409),
        ({"X-Hashbus": "page", "Origin": "https://evil.example"}, 403),
        ({"X-Hashbus": "page", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"X-Hashbus": "page", "Sec-Fetch-Site": "same-origin"}, 409),
    ],
    ids=["a plain form", "our page", "another origin", "cross-site", "same-origin"],
)
async def test_another_sites_page_cannot_act_with_our_cookie(
    shared: WebService, headers: dict[str, str], status: int
) -> None:
    async with fresh(shared, cookie=True) as (client, _):
        del client.headers["X-Hashbus"]
        assert (await client.post("/api/curtailment/cancel", headers=headers)).status_code == status
        assert (await client.get("/api/miners")).status_code == 200


async def test_going_out_ends_the_tokens(shared: WebService) -> None:
    async with fresh(shared) as (client, first):
        client.headers["Authorization"] = f"Bearer {first['access_token']}"
        assert (await client.post("/api/auth/logout")).status_code == 204
        assert (await client.get("/api/miners")).status_code == 401
        renewal = await client.post("/api/auth/refresh", json={"refresh_token": first["refresh_token"]})
        assert renewal.status_code == 401


@pytest.mark.parametrize("token", ["x", "a.b.c", "hbt_unknown", "eyJhbGciOiJub25lIn0.eyJzaWQiOiJ4In0."])
async def test_what_is_no_token_of_ours_opens_nothing(shared: WebService, token: str) -> None:
    async with shared.client(headers={"Authorization": f"Bearer {token}"}) as client:
        assert (await client.get("/api/miners")).status_code == 401


async def test_another_password_ends_every_other_login(shared: WebService, admin: httpx.AsyncClient) -> None:
    name, old, new = f"carl-{secrets.token_hex(4)}", "the old long secret", "the new long secret"
    await admin.post("/api/users", json={"name": name, "password": old, "role": "guest"})
    async with shared.signed_in(name, old) as here, shared.signed_in(name, old) as there:
        wrong = await here.post("/api/auth/password", json={"old": "not this one", "new": new})
        assert (wrong.status_code, wrong.json()["field"]) == (403, "old")
        assert (await here.post("/api/auth/password", json={"old": old, "new": new})).status_code == 204
        assert (await here.get("/api/miners")).status_code == 200
        assert (await there.get("/api/miners")).status_code == 401


async def test_a_bot_does_what_its_scopes_say_until_it_is_revoked(
    shared: WebService, admin: httpx.AsyncClient, world: World
) -> None:
    miner, other = await world.new_miner(), await world.new_miner()
    await seen(admin, miner)
    await seen(admin, other)
    grants = [{"on": f"miner:{miner}", "may_write": True}]
    made = await admin.post("/api/tokens", json={"title": "nightly", "rights": ["read", "power"], "grants": grants})
    assert made.status_code == 201, made.text
    token = made.json()
    assert token["token"].startswith("hbt_")
    listed = (await admin.get("/api/tokens")).json()
    assert token["id"] in {one["id"] for one in listed}
    assert all("token" not in one and "hash" not in one for one in listed)
    async with shared.client(headers={"Authorization": f"Bearer {token['token']}"}) as bot:
        said = await bot.post(f"/api/miner/{miner}/power_limit", json={"power_w": 2000})
        assert said.status_code == 202
        assert said.json()["via"] == "bot nightly"
        assert (await bot.post(f"/api/miner/{miner}/order", json={"command": "reboot"})).status_code == 403
        assert (await bot.get(f"/api/miner/{other}")).status_code == 404
        assert (await bot.get("/api/users")).status_code == 403
        assert (await bot.post("/api/tokens", json={"title": "child"})).status_code == 403
        assert (await admin.delete(f"/api/tokens/{token['id']}")).status_code == 204
        assert (await bot.get("/api/miners")).status_code == 401


async def test_nobody_hands_on_what_they_do_not_have(admin: httpx.AsyncClient) -> None:
    said = await admin.post("/api/tokens", json={"title": "boss", "rights": ["admin"]})
    assert said.status_code == 403
    assert said.json()["field"] == "rights"


async def test_the_last_administrator_stays(own_web: Callable[..., WebService]) -> None:
    with own_web() as web:
        await web.set_up()
        async with web.signed_in() as admin:
            me = (await admin.get("/api/auth/state")).json()["user"]["id"]
            assert (await admin.patch(f"/api/users/{me}", json={"role": "guest"})).status_code == 409
            assert (await admin.patch(f"/api/users/{me}", json={"is_disabled": True})).status_code == 409
            assert (await admin.delete(f"/api/users/{me}")).status_code == 409


async def test_no_secret_is_written_anywhere(shared: WebService, admin: httpx.AsyncClient, world: World) -> None:
    password, pool = f"pw-{secrets.token_hex(8)}", f"pool-{secrets.token_hex(8)}"
    name = f"dora-{secrets.token_hex(4)}"
    await admin.post("/api/users", json={"name": name, "password": password, "role": "operator"})
    token = (await admin.post("/api/tokens", json={"title": "t"})).json()["token"]
    miner = await world.new_miner(capabilities=("pool",))
    await seen(admin, miner)
    order = {"command": "set_pool", "params": {"url": "stratum+tcp://p:1", "worker": "w", "password": pool}}
    operation = await admin.post(f"/api/miner/{miner}/order", json=order)
    assert operation.status_code == 202
    async with shared.signed_in(name, password) as client:
        access = client.headers["Authorization"].removeprefix("Bearer ")
    audit = (await admin.get("/api/audit", params={"limit": 1000})).text
    database = (shared.data_dir / "web" / "web.sqlite3").read_bytes()
    database += (shared.data_dir / "web" / "web.sqlite3-wal").read_bytes()
    for secret in (password, pool, token, access):
        assert secret not in shared.log.read_text()
        assert secret not in audit
        assert secret not in operation.text
        assert secret.encode() not in database


async def test_behind_a_trusted_proxy_with_https_the_cookies_never_travel_without_it(shared: WebService) -> None:
    async with shared.client(headers={**PAGE, "X-Forwarded-Proto": "https", "X-Forwarded-For": "10.9.8.7"}) as client:
        said = await client.post("/api/auth/login", json={"name": ADMIN, "password": PASSWORD, "cookie": True})
    assert all("Secure" in one for one in said.headers.get_list("set-cookie"))
    assert "max-age" in said.headers["strict-transport-security"]
    async with fresh(shared) as (client, first):
        client.headers["Authorization"] = f"Bearer {first['access_token']}"
        addresses = {one["address"] for one in (await client.get("/api/auth/sessions")).json()}
    assert "10.9.8.7" in addresses
