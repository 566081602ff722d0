"""No request, however odd, ends in a 500; what is wrong is said in one form, and no body grows without bound."""

import asyncio
import json
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from hashbus_web.app import api
from tests.servers import ROOT, Mosquitto, program
from tests.web.test_rights import somebody
from tests.web.world import WebService, World, seen

ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        0,
        -1,
        1e308,
        10**30,
        0.1,
        "",
        "x",
        "*",
        "\x00",
        "..",
        "a" * 5000,
        "ünïcödé ✓",
        "2026-02-30T00:00:00Z",
    ),
    *([], [None], ["x"] * 3, {}, {"a": {"b": {"c": []}}}, "9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00Z", "1e9"),
)
ODD_TEXTS = (*(one for one in ODD if isinstance(one, str)), "-1", "0", "1e999", "NaN", "99999999999999999999", "null")
NAMES = (
    "miner",
    "battery",
    "equipment",
    "zone",
    "key",
    "user_id",
    "token_id",
    "session_id",
    "operation_id",
    "batch_id",
)
TRIES = 6

DOCUMENT = api().openapi()
CALLS = [
    (method.upper(), path, call)
    for path, methods in DOCUMENT["paths"].items()
    for method, call in methods.items()
    if path not in ("/api/events", "/api/auth/logout") and not path.endswith("/preview")
]


MINER = "m-of-odd-requests"


@pytest.fixture(scope="module")
def somebodys_token(shared: WebService, mosquitto: Mosquitto) -> str:
    """An administrator of these tests alone: odd requests may change what they are; and a miner to act on."""

    async def made() -> str:
        async with AsyncExitStack() as stack:
            world = World(mosquitto, shared.site, stack)
            await world.say("poller", world.info(MINER), world.reading(MINER))
            admin = await stack.enter_async_context(shared.signed_in())
            await seen(admin, MINER)
            client = await stack.enter_async_context(somebody(shared, admin, "admin"))
            return client.headers["Authorization"]

    return asyncio.run(made())


def fields_of(call: dict[str, Any]) -> list[str]:
    """The names that a body may have."""
    content = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    kinds = [content, *content.get("anyOf", [])]
    names = [kind["$ref"].rsplit("/", 1)[-1] for kind in kinds if "$ref" in kind]
    return [field for name in names for field in DOCUMENT["components"]["schemas"][name].get("properties", {})]


def bodies(call: dict[str, Any], chance: random.Random) -> Iterator[Any]:
    """Bodies that are nearly right, and some that are nothing at all."""
    fields = fields_of(call)
    yield from chance.sample(ODD, 3)
    for _ in range(TRIES):
        chosen = chance.sample(fields, chance.randint(0, len(fields)))
        yield {name: chance.choice(ODD) for name in chosen}


@pytest.mark.parametrize(("method", "path", "call"), CALLS, ids=[f"{method} {path}" for method, path, _ in CALLS])
async def test_no_request_ends_in_a_500(
    shared: WebService, somebodys_token: str, method: str, path: str, call: dict[str, Any]
) -> None:
    chance = random.Random(path)
    filled = path.replace("{miner}", MINER)
    for name in NAMES:
        filled = filled.replace(f"{{{name}}}", chance.choice(["x", "..", "%00", "a" * 300, "%F0%9F%A6%8A"]))
    async with shared.client(headers={"Authorization": somebodys_token}) as client:
        await ask_all(client, method, filled, call, chance)


async def ask_all(
    client: httpx.AsyncClient, method: str, path: str, call: dict[str, Any], chance: random.Random
) -> None:
    """Ask in every odd way; each answer is well formed."""
    names = [one["name"] for one in call.get("parameters", []) if one["in"] == "query"]
    for _ in range(TRIES if method == "GET" else 2):
        query = {name: chance.choice(ODD_TEXTS) for name in chance.sample(names, chance.randint(0, len(names)))}
        check(await client.request(method, path, params=query))
    for body in bodies(call, chance) if method != "GET" else ():
        text = json.dumps(body)
        check(await client.request(method, path, content=text, headers={"Content-Type": "application/json"}))


def check(answer: httpx.Response) -> None:
    """An answer is what was asked, or a problem in the one form."""
    assert answer.status_code != 500, answer.text
    if answer.status_code >= 400:
        problem = answer.json()
        assert set(problem) == {"code", "error", "field", "hint"}
        assert problem["error"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b'{"power_w": NaN}', "application/json"),
        (b"[" * 20_000, "application/json"),
        (b"power_w=2000", "application/x-www-form-urlencoded"),
        (b"", "application/json"),
    ],
    ids=["broken", "not UTF-8", "NaN", "deep", "a form", "empty"],
)
async def test_what_is_no_json_is_said_so(admin: httpx.AsyncClient, world: World, content: bytes, kind: str) -> None:
    miner = await world.new_miner()
    await seen(admin, miner)
    headers = {"Content-Type": kind}
    answer = await admin.post(f"/api/miner/{miner}/power_limit", content=content, headers=headers)
    check(answer)
    assert answer.status_code in (400, 422)


async def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(admin: httpx.AsyncClient) -> None:
    async def endless() -> Any:
        for _ in range(100):
            yield b"x" * 65_536

    announced = await admin.post("/api/calculator", content=b"x" * 300_000)
    assert announced.status_code == 413
    try:
        told = await admin.post("/api/calculator", content=endless())
        assert told.status_code == 413
    except (httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
        pass  # the connection was closed while we were still sending: nothing more was read


@pytest.mark.parametrize("path", ["/", "/miners/attic", "/api/miners", "/api/nothing", "/assets/none.js"])
async def test_every_answer_has_the_headers_that_protect_a_page(shared: WebService, path: str) -> None:
    async with shared.client() as client:
        headers = (await client.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers
    assert headers["x-request-id"]


async def test_a_place_within_the_page_is_the_page_and_a_missing_file_is_not(shared: WebService) -> None:
    async with shared.client() as client:
        assert "<title>" in (await client.get("/miners/attic")).text
        assert (await client.get("/assets/none.js")).status_code == 404
        assert (await client.get("/../../etc/passwd")).status_code == 200
        assert "root:" not in (await client.get("/..%2f..%2fetc/passwd")).text


def test_every_answer_is_as_it_is_described(shared: WebService, somebodys_token: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(program("schemathesis"), "run", f"{shared.url}/api/openapi.json"),
            *("--header", f"Authorization: {somebodys_token}", "--no-color", "--max-examples", "4", "--seed", "1"),
            *("--phases", "fuzzing", "--exclude-path-regex", "events|auth|setup|users|history|preview"),
            *("--checks", "not_a_server_error,content_type_conformance,response_schema_conformance"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert re.search(r"([1-9]\d+) generated, \1 passed", done.stdout), done.stdout[-4000:]


def test_the_page_of_all_calls_is_what_the_service_says() -> None:
    command = [sys.executable, "tools/rest_page.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
