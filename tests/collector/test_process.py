"""The collector as a process: it starts with nothing, is killed and comes back, and its command does what it says."""

import asyncio
import gzip
import io
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from hashbus_collector.cli import cloud as command
from hashbus_collector.columns import IDENTITY, MEASURED
from hashbus_collector.database import open_database
from hashbus_collector.migrating import migrate
from hashbus_collector.settings import DatabaseSettings
from tests import servers
from tests.collector.clouds import API, PASSWORD, Site, Visitor, cloud_over, new_site, reading


@dataclass(frozen=True)
class Done:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


Cloud = Callable[..., Done]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Outside pytest's own folders, which are closed to the user that PostgreSQL becomes when root starts it."""
    made = Path(tempfile.mkdtemp(prefix="hashbus-collector-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def cloud(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cloud:
    """`hashbus cloud` for the collector of `folder`, within this process."""
    monkeypatch.delenv("DATABASE_URL", raising=False)

    def run(*words: str, given: str = "") -> Done:
        monkeypatch.setattr(sys, "stdin", io.StringIO(given))
        capsys.readouterr()
        try:
            code = command(["--config", str(folder / "cloud.yaml"), *words])
        except SystemExit as ended:
            code = int(ended.code or 0)
        return Done(code, *capsys.readouterr())

    return run


def test_it_starts_with_nothing_but_itself_and_its_command_works_beside_it(folder: Path, cloud: Cloud) -> None:
    (folder / "cloud.yaml").write_text(f"data_dir: {folder}\nhealth: {{port: 0}}\n")
    assert "site north added" in cloud("sites", "add", "north", "--title", "North").out
    made = cloud("keys", "make", "north", "--out", str(folder / "key"))
    assert (made.code, made.out) == (0, ""), made.err
    key = (folder / "key").read_text().strip()
    assert re.fullmatch(r"hsc_[A-Za-z0-9_-]{40}", key)
    assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600
    port = servers.free_port()
    (folder / "cloud.yaml").write_text(f"data_dir: {folder}\nhealth: {{port: 0}}\ncollector: {{port: {port}}}\n")
    url = f"http://127.0.0.1:{port}"
    collector = servers.Daemon(
        [sys.executable, "-m", "hashbus_collector", "--config", str(folder / "cloud.yaml")],
        port=port,
        log=folder / "log",
        is_ready=lambda: servers.answers(f"{url}/healthz"),
    )
    with collector:
        assert asyncio.run(_uploaded(url, key)) == 1
        assert "anna may log in as admin of every site" in cloud("users", "set", "anna", given=f"{PASSWORD}\n").out
        assert "north" in cloud("sites", "list").out
        collector.kill()
        collector.start()
        assert asyncio.run(_miners_seen(url)) == 1
    again = cloud("keys", "make", "north", "--out", str(folder / "key"))
    assert (again.code, "file exists" in again.err) == (1, True)
    assert (folder / "key").read_text().strip() == key
    assert cloud("keys", "make", "nowhere", "--out", str(folder / "none")).code == 1
    assert not (folder / "none").exists()
    listed = cloud("keys", "list").out
    assert len(listed.splitlines()) == 2
    assert key[:8] in listed
    assert key[10:] not in listed
    for file in [*folder.glob("collector/postgres/pg_hba.conf"), folder / "collector" / "postgres_password"]:
        assert "trust" not in file.read_text()


async def _uploaded(url: str, key: str) -> int:
    async with aiohttp.ClientSession() as http:
        answer = await Site(http, url, key).upload(reading("m1"))
        return int(answer.body["stored"])


async def _miners_seen(url: str) -> int:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        anna = Visitor(http, url)
        assert (await anna.log_in("anna")).status == 200
        return int((await anna.get("live/north"))["count"])


def test_the_note_of_a_server_that_died_with_the_machine_misleads_nobody(folder: Path, cloud: Cloud) -> None:
    (folder / "cloud.yaml").write_text(f"data_dir: {folder}\n")
    assert cloud("sites", "add", "north").code == 0
    note = folder / "collector" / "postgres" / "postmaster.pid"
    # After a power cut the process id is anybody's: here it is our own.
    note.write_text(f"{os.getpid()}\n{note.parent}\n1700000000\n5432\n{note.parent}\n\n  1 2\nready   \n")
    listed = cloud("sites", "list")
    assert (listed.code, "north" in listed.out) == (0, True), listed.err


def test_what_its_command_cannot_do_it_says_in_one_line(folder: Path, cloud: Cloud, cloud_database: str) -> None:
    (folder / "cloud.yaml").write_text(f"collector: {{database: {{url: '{cloud_database}'}}}}")
    for words, says in (
        (("keys", "make", "nowhere"), "no site 'nowhere'; add it first: hashbus cloud sites add nowhere"),
        (("keys", "revoke", "nothing"), "no key 'nothing' that is in use"),
        (("users", "role", "nobody", "guest"), "nobody is called 'nobody'"),
        (("users", "set", "anna"), "the password needs 10 characters or more"),
        (("sites", "add", "a/b"), "is no name of a site"),
    ):
        done = cloud(*words, given="short\n")
        assert done.code in (1, 2)
        assert says in done.err.splitlines()[-1]


async def test_what_was_answered_with_200_survives_kill_9(own_collector: servers.Collector) -> None:
    """Uploads while it is killed again and again: everything that was confirmed is there, and once."""
    key = await new_site(own_collector.database_url, "north")
    confirmed: set[str] = set()
    async with aiohttp.ClientSession() as http:
        killer = asyncio.create_task(_kill_and_start(own_collector, times=2))
        number = 0
        while not killer.done() or number < 30:
            name = f"m{number}"
            body = gzip.compress(json.dumps([reading(name)]).encode())
            async with asyncio.timeout(60):
                while not await _is_taken(http, own_collector.url, key, body):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.05)
            confirmed.add(name)
            number += 1
        await killer
        people = await _stored(own_collector.database_url)
    assert people == dict.fromkeys(confirmed, 1)


async def _kill_and_start(collector: servers.Collector, times: int) -> None:
    for _ in range(times):
        await asyncio.sleep(0.3)
        await asyncio.to_thread(collector.kill)
        await asyncio.to_thread(collector.start)


async def _is_taken(http: aiohttp.ClientSession, url: str, key: str, body: bytes) -> bool:
    headers = {"X-Collector-Key": key, "Content-Encoding": "gzip"}
    try:
        async with http.post(f"{url}{API}/upload", data=body, headers=headers) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def _stored(url: str) -> dict[str, int]:
    database = await open_database(DatabaseSettings(), url, None)
    rows = await database.fetch("SELECT miner_id, count(*) FROM history JOIN miner ON no = miner GROUP BY 1")
    await database.close()
    return {row["miner_id"]: row["count"] for row in rows}


async def test_while_the_database_is_away_callers_are_told_to_come_again() -> None:
    postgres = await asyncio.to_thread(servers.Postgres)
    try:
        async with cloud_over(postgres.new_database()) as cloud:
            site = await cloud.site()
            assert (await site.upload(reading("m1"))).status == 200
            await asyncio.to_thread(postgres.pause)
            answer = await site.upload(reading("m2"))
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
            assert "postgres" not in answer.body["error"]
            assert (await site.call("GET", "health")).status == 503
            await asyncio.to_thread(postgres.resume)
            assert (await site.upload(reading("m2"))).status == 200
            assert await cloud.parts.database.value("SELECT count(*) FROM history") == 2
    finally:
        await asyncio.to_thread(postgres.stop)


async def test_the_caller_is_who_the_trusted_proxy_says(cloud_database: str) -> None:
    told = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
    for behind_proxy, address, is_secure in ((True, "203.0.113.7", True), (False, "127.0.0.1", False)):
        async with cloud_over(cloud_database, behind_proxy=behind_proxy) as cloud:
            anna = await cloud.person()
            answer = await cloud.browser().log_in("anna", headers=told)
            assert ("secure" in answer.headers["Set-Cookie"].lower()) is is_secure
            assert (await anna.get("audit?limit=1"))["entries"][0]["address"] == address


async def test_tables_are_made_once_however_often_it_is_asked(postgres: servers.Postgres) -> None:
    url = postgres.new_database()
    await asyncio.gather(*(migrate(url, None) for _ in range(3)))
    database = await open_database(DatabaseSettings(), url, None)
    assert await database.value("SELECT version_num FROM alembic_version") == "0001"
    for columns, table in ((MEASURED, "history"), ({**MEASURED, **IDENTITY}, "live")):
        rows = await database.fetch("SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass", table)
        assert set(columns) <= {row["attname"] for row in rows}
    await database.close()


def test_a_port_that_is_taken_is_said_in_one_line(own_collector: servers.Collector, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hashbus_collector", "--config", str(own_collector.config)],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert f"collector.port: 127.0.0.1:{own_collector.port} cannot be used: address already in use" in done.stderr


def test_a_database_that_is_away_is_waited_for_and_said(folder: Path, cloud_database: str) -> None:
    server, _, place = cloud_database.partition("host=")
    hidden, file, log = folder / "s", folder / "cloud.yaml", folder / "log"
    url = f"{server}host={hidden}"
    port = servers.free_port()
    section = f"{{port: 0, database: {{url: '{url}'}}}}"
    file.write_text(f"data_dir: {folder}\nhealth: {{port: {port}}}\ncollector: {section}\n")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "hashbus_collector", "--config", str(file)], stderr=output, stdout=output
        )
    try:
        assert servers.wait_until(lambda: b"the database is away; trying until it is there" in log.read_bytes())
        with pytest.raises(urllib.error.HTTPError, match="503") as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz")
        assert "the database is away" in json.load(refused.value)["problems"][0]
        hidden.symlink_to(place)
        assert servers.wait_until(lambda: b'"started"' in log.read_bytes())
        assert servers.answers(f"http://127.0.0.1:{port}/healthz")
    finally:
        process.terminate()
        assert process.wait(20) == 0
