"""The interface is what its OpenAPI document says: schemathesis tries every path with all that fits and does not."""

import asyncio
import json
import subprocess
import urllib.request
from pathlib import Path

from tests import servers
from tests.collector.clouds import API, PASSWORD, Cloud, new_person, new_site

PATIENCE_S = 110

# What is left out, and why.
CONFIGURATION = """
[auth.openapi.session]
api_key = "{session}"

[auth.openapi."site key"]
api_key = "{key}"

[[operations]]  # ends the session that the others need
include-path = "{api}/session"
enabled = false

[[operations]]  # takes "62.5" for 62.5, as clients write it; takes readings of the last 30 days only
include-path = "{api}/upload"
checks.negative_data_rejection.enabled = false
checks.positive_data_acceptance.enabled = false

[[operations]]  # which parameters a command needs depends on the command
include-path-regex = "{api}/commands(/batch)?$"
checks.positive_data_acceptance.enabled = false
"""


def test_every_path_keeps_to_the_document(tmp_path: Path, cloud_database: str) -> None:
    limits = {"calls_per_minute": 1_000_000, "failures_per_minute": 10_000}
    with servers.Collector(tmp_path / "collector", cloud_database, limits=limits) as collector:
        key = asyncio.run(new_site(cloud_database, "north"))
        asyncio.run(new_person(cloud_database, "anna"))
        session, csrf = _logged_in(collector.url)
        configuration = tmp_path / "schemathesis.toml"
        configuration.write_text(CONFIGURATION.format(session=session, key=key, api=API))
        document = f"{collector.url}{API}/openapi.json"
        options = ["--header", f"X-CSRF-Token: {csrf}", "--max-examples", "8", "--seed", "1", "--no-color"]
        command = [servers.program("st"), "--config-file", str(configuration), "run", document, *options]
        phases = ["--phases", "examples,coverage,fuzzing", "--generation-database", "none"]
        done = subprocess.run(
            [*command, *phases], cwd=tmp_path, check=False, capture_output=True, text=True, timeout=PATIENCE_S
        )
        assert done.returncode == 0, done.stdout[-8000:]
        assert "Traceback" not in collector.log.read_text()


async def test_the_document_knows_the_paths_of_the_contract(cloud: Cloud) -> None:
    async with cloud.http.get(f"{cloud.url}{API}/openapi.json") as answer:
        document = await answer.json()
    for method, path in (
        ("post", "upload"),
        ("get", "commands/pending"),
        ("post", "commands/{command_id}/result"),
        ("post", "commands"),
        ("post", "commands/batch"),
        ("delete", "commands/{command_id}"),
        ("get", "commands/history"),
        ("get", "summary/{site_id}"),
        ("get", "live/{site_id}"),
        ("get", "alerts"),
        ("get", "stats"),
    ):
        assert method in document["paths"][f"{API}/{path}"]
    assert "hashrate_ghs" in document["components"]["schemas"]["MinerRecord"]["properties"]


async def test_what_is_wrong_with_a_call_is_said_in_words(cloud: Cloud) -> None:
    await cloud.site()
    anna = await cloud.person()
    is_json = {"Content-Type": "application/json"}
    for path, body, says in (
        ("commands", b"x", "the body: is not JSON"),
        ("commands", b"[]", "the body: must be a JSON object, with Content-Type: application/json"),
        ("commands", b'{"site_id": "north"}', "command_type: is missing"),
        ("commands/batch", b"{}", "commands: is missing"),
        ("session", b'{"username": "anna", "password": 5}', "password: Input should be a valid string"),
    ):
        answer = await anna.call("POST", path, data=body, headers=is_json)
        assert (answer.status, answer.body["error"]) == (422, says)
    answer = await anna.call("GET", "miners?page=0")
    assert answer.body["error"] == "page: Input should be greater than or equal to 1 (got '0')"


async def test_what_is_not_there_is_refused_in_the_one_form(cloud: Cloud) -> None:
    for method, path, status in (("GET", "/nowhere", 404), ("PUT", f"{API}/upload", 405), ("GET", f"{API}/", 404)):
        async with cloud.http.request(method, f"{cloud.url}{path}") as answer:
            body = await answer.json()
            assert (answer.status, body["success"], bool(body["error"])) == (status, False, True)


def _logged_in(url: str) -> tuple[str, str]:
    body = json.dumps({"username": "anna", "password": PASSWORD}).encode()
    request = urllib.request.Request(f"{url}{API}/session", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        cookie = answer.headers["Set-Cookie"].split(";")[0].partition("=")[2]
        return cookie, json.load(answer)["csrf_token"]
