"""The shell of every process: it starts, shows how it is, ends well, and says why when it does not."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import servers

PROGRAM = """
import asyncio, sys
from hashbus.service import run
from hashbus.settings import SiteSettings

async def work(running):
    kind = sys.argv[-1]
    if kind == "crash":
        raise RuntimeError("something nobody thought of")
    if running.once:
        print("one round")
        return
    await asyncio.Event().wait()

sys.exit(run("recorder", SiteSettings, work, sys.argv[1:-1]))
"""


class Process:
    """A small service in a process of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.program = folder / "service.py"
        self.program.write_text(PROGRAM)
        self.health = servers.free_port()
        self.environ = {
            **os.environ,
            "HASHBUS_BROKER__PORT": str(port),
            "HASHBUS_HEALTH__PORT": str(self.health),
        }

    def start(self, *arguments: str, kind: str = "wait") -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(self.program), *arguments, kind],
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, kind: str = "wait") -> tuple[int, str, str]:
        process = self.start(*arguments, kind=kind)
        out, err = process.communicate(timeout=30)
        return process.returncode, out, err

    def get(self, path: str) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health}{path}", timeout=5) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


@pytest.fixture
def process(tmp_path: Path, mosquitto: servers.Mosquitto) -> Process:
    return Process(tmp_path, mosquitto.port)


@pytest.fixture
def running(process: Process) -> Iterator[subprocess.Popen[str]]:
    started = process.start()
    assert servers.wait_until(lambda: servers.accepts_connections("127.0.0.1", process.health))
    yield started
    started.kill()
    started.communicate()


@pytest.mark.usefixtures("running")
def test_it_shows_its_health_and_its_figures(process: Process) -> None:
    assert servers.wait_until(lambda: process.get("/healthz")[0] == 200)
    body = json.loads(process.get("/healthz")[1])
    assert (body["service"], body["status"], body["connected"]) == ("recorder", "ok", True)
    assert b"bus_connected 1.0" in process.get("/metrics")[1]
    assert process.get("/nowhere") == (404, b"nothing here; known: /healthz, /metrics\n")


def test_it_is_not_healthy_without_a_broker(tmp_path: Path) -> None:
    lonely = Process(tmp_path, servers.free_port())
    started = lonely.start()
    try:
        assert servers.wait_until(lambda: servers.accepts_connections("127.0.0.1", lonely.health))
        status, body = lonely.get("/healthz")
        assert status == 503
        assert json.loads(body)["connected"] is False
    finally:
        started.kill()
        started.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_well_when_told_to(running: subprocess.Popen[str], number: signal.Signals) -> None:
    running.send_signal(number)
    _, err = running.communicate(timeout=20)
    assert running.returncode == 0
    assert "stopped" in err
    assert "Traceback" not in err


def test_one_round_ends_by_itself(process: Process) -> None:
    code, out, _ = process.run("--once")
    assert (code, out) == (0, "one round\n")


def test_a_crash_is_told_whole_and_ends_with_1(process: Process) -> None:
    code, _, err = process.run(kind="crash")
    assert code == 1
    assert "something nobody thought of" in err
    assert "RuntimeError" in err


def test_wrong_settings_end_with_2_and_one_line(process: Process, tmp_path: Path) -> None:
    config = tmp_path / "site.yaml"
    config.write_text("sight: home\n")
    assert process.run("--config", str(config)) == (
        2,
        "",
        f"{config}:1: sight: unknown key; did you mean `site`?\n",
    )


@pytest.mark.usefixtures("running")
def test_a_taken_health_port_is_said_with_the_way_out(process: Process) -> None:
    code, _, err = process.run()
    assert code == 2
    assert f"health.port: 127.0.0.1:{process.health} cannot be used: address already in use" in err
    assert "HASHBUS_HEALTH__PORT" in err


def test_every_line_of_its_log_is_json_and_says_who_speaks(process: Process) -> None:
    _, _, err = process.run("--once")
    lines = [json.loads(line) for line in err.splitlines()]
    assert lines
    assert all(line["service"] == "recorder" and line["at"] and line["level"] for line in lines)


def test_a_foreign_account_is_refused(process: Process) -> None:
    code, _, err = process.run("--account", "poller")
    assert code == 2
    assert err == "--account: 'poller' is not an account of recorder; write e.g. recorder-2\n"
