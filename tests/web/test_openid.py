"""Logins elsewhere: who is allowed comes in, nobody else does, and no token that does not hold is believed."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey

from tests.servers import Mosquitto, free_port
from tests.web.providers import CLIENT, SECRET, Fake, served
from tests.web.world import WebService

PORT = free_port()
URL = f"http://127.0.0.1:{PORT}"
ANNA = {"sub": "g-1", "email": "anna@example.com", "email_verified": True, "name": "Anna B."}


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory, mosquitto: Mosquitto) -> Iterator[WebService]:
    """A service with three providers."""
    folder = tmp_path_factory.mktemp("openid")
    (folder / "secret").write_text(SECRET)
    client = {"issuer": URL, "client_id": CLIENT, "client_secret_file": str(folder / "secret")}
    openid = {
        "google": {**client, "title": "Google", "allowed": ["Anna@example.com", "g-7"], "role": "operator"},
        "github": {**client, "kind": "github", "allowed": ["octocat"]},
        "house": {"kind": "home_assistant", "issuer": URL, "allowed": ["Anna"]},
    }
    with WebService(folder / "web", mosquitto, "elsewhere", openid=openid) as service:
        yield service


@pytest.fixture
async def fake(web: WebService) -> AsyncIterator[Fake]:
    """The providers, telling the truth until a test says otherwise."""
    await web.set_up()
    async with served(Fake(port=PORT, who=dict(ANNA))) as provider:
        yield provider


async def came_in(web: WebService, provider: str, change: Callable[[httpx.URL], httpx.URL] | None = None) -> Any:
    """Go the whole way of a browser; returns who is signed in, or what the page is told."""
    async with web.client() as browser:
        begun = await browser.get(f"/api/auth/openid/{provider}/start")
        assert begun.status_code == 302
        where = begun.headers["location"]
        if where.startswith("/"):
            return where
        agreed = await browser.get(where)
        back = httpx.URL(agreed.headers["location"])
        ended = await browser.get(change(back) if change else back)
        if ended.headers["location"] != "/":
            return ended.headers["location"]
        return (await browser.get("/api/auth/state")).json()["user"]


async def test_the_page_offers_every_provider(web: WebService, fake: Fake) -> None:
    async with web.client() as browser:
        offered = (await browser.get("/api/auth/state")).json()["providers"]
    assert {one["id"]: one["title"] for one in offered} == {"google": "Google", "github": "Github", "house": "House"}
    assert fake.codes == {}


async def test_who_is_allowed_comes_in_and_is_the_same_person_again(web: WebService, fake: Fake) -> None:
    first = await came_in(web, "google")
    assert (first["name"], first["role"], first["comes_from"]) == ("Anna B.", "operator", "google")
    fake.who["name"] = "Anna C."
    assert (await came_in(web, "google"))["id"] == first["id"]


async def test_github_tells_who_it_is(web: WebService, fake: Fake) -> None:
    fake.who = {"id": 583231, "login": "octocat"}
    assert (await came_in(web, "github"))["name"] == "octocat"


async def test_home_assistant_tells_who_it_is_and_gets_its_token_back(web: WebService, fake: Fake) -> None:
    fake.who = {"id": "c0ffee", "name": "Anna", "is_owner": True}
    assert (await came_in(web, "house"))["comes_from"] == "house"
    assert fake.revoked == ["hr"]


@pytest.mark.parametrize(
    ("provider", "who"),
    [
        ("google", {**ANNA, "sub": "g-2", "email": "eve@example.com"}),
        ("google", {**ANNA, "sub": "g-3", "email_verified": False}),
        ("google", {"sub": "g-4", "name": "anna@example.com"}),
        ("github", {"id": 2, "login": "mallory"}),
        ("house", {"id": "x", "name": "Guest"}),
    ],
    ids=["another address", "an address nobody verified", "a name like the address", "another login", "another person"],
)
async def test_nobody_else_comes_in(web: WebService, fake: Fake, provider: str, who: dict[str, Any]) -> None:
    fake.who = who
    assert "may%20not%20come%20in" in await came_in(web, provider)


@pytest.mark.parametrize(
    "lie",
    [
        {"aud": "somebody-else"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"nonce": "of another login"},
        {"sub": None},
    ],
    ids=lambda lie: next(iter(lie)),
)
async def test_a_token_that_does_not_hold_is_not_believed(web: WebService, fake: Fake, lie: dict[str, Any]) -> None:
    fake.claims = lie
    assert "login_error" in await came_in(web, "google")


async def test_a_token_that_another_key_signed_is_not_believed(web: WebService, fake: Fake) -> None:
    fake.signing_key = RSAKey.generate_key(2048, {"kid": "k1"})
    assert "does%20not%20hold" in await came_in(web, "google")


async def test_a_login_that_was_begun_elsewhere_is_not_taken(web: WebService, fake: Fake) -> None:
    told = await came_in(web, "google", lambda back: back.copy_set_param("state", "of another browser"))
    assert "not%20begun%20here" in told
    assert len(fake.codes) == 1  # the code was not even shown to the provider


async def test_a_code_that_the_provider_refuses_is_said_so(web: WebService, fake: Fake) -> None:
    async with web.client() as browser:
        begun = await browser.get("/api/auth/openid/house/start")
        agreed = await browser.get(begun.headers["location"])
        back = agreed.headers["location"]
        fake.codes.clear()
        assert "login_error" in (await browser.get(back)).headers["location"]
        assert (await browser.get("/api/auth/openid/nobody/start")).status_code == 404
