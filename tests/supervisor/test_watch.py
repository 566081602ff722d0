"""`hashbus watch` shows a running site, once or as it lives, and says so when there is none."""

import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import wait_until
from tests.supervisor.running_up import HASHBUS, Up, environment, hashbus


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A site with one miner."""
    with Up(tmp_path_factory.mktemp("site"), {"poller": "reads"}).start() as up:
        up.until("attic online")
        yield up


def test_once_prints_one_table_and_ends(up: Up) -> None:
    seen = hashbus("watch", "--once", "--config", up.file)
    assert seen.returncode == 0, seen.stderr
    assert "● attic WhatsMiner M64_VL40 mining 212.0 3600" in " ".join(seen.stdout.split())
    assert "● poller ● supervisor" in " ".join(seen.stdout.split())
    assert "no broker" not in seen.stdout


def test_json_prints_a_message_a_line(up: Up) -> None:
    seen = hashbus("watch", "--json", "--once", "--config", up.file)
    messages = {line["topic"]: line["message"] for line in map(json.loads, seen.stdout.splitlines())}
    assert messages["hashbus/test/miner/attic/telemetry"]["hashrate_ths"] == 212
    assert messages["hashbus/test/service/supervisor/status"]["state"] == "online"


def test_without_a_terminal_it_prints_a_line_an_event_until_it_is_told_to_end(up: Up, tmp_path: Path) -> None:
    output = tmp_path / "events.txt"
    with output.open("w") as file:
        watch = subprocess.Popen([*HASHBUS, "watch", "--config", up.file], env=environment(), stdout=file)
    assert wait_until(lambda: "attic online" in output.read_text())
    watch.send_signal(signal.SIGINT)
    assert watch.wait(timeout=20) == 0


@contextlib.contextmanager
def watching_on_a_terminal(up: Up) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`hashbus watch` on a terminal of 100 columns, and the end of it that a person looks at."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    env = {**environment(), "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    watch = subprocess.Popen([*HASHBUS, "watch", "--config", up.file], env=env, stdin=theirs, stdout=theirs)
    os.close(theirs)
    try:
        yield watch, ours
    finally:
        watch.kill()
        watch.wait()


def until_drawn(ours: int) -> bytes:
    """What was drawn until the miner was there."""
    seen = b""
    while not re.search("●\\s+attic".encode(), without_styles(seen)):
        seen += os.read(ours, 65_536)
    return seen


def test_on_a_terminal_the_page_lives_and_leaves_the_terminal_as_it_was(up: Up) -> None:
    with watching_on_a_terminal(up) as (watch, ours):
        seen = until_drawn(ours)
        watch.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):  # what Linux says when the other end is closed
            while more := os.read(ours, 65_536):
                seen += more
        assert watch.wait(timeout=20) == 0
        os.close(ours)
    assert b"\x1b[?1049h" in seen  # a screen of its own
    assert b"\x1b[?1049l" in seen[-100:]  # and back


def test_a_page_whose_terminal_is_gone_ends(up: Up) -> None:
    with watching_on_a_terminal(up) as (watch, ours):
        until_drawn(ours)
        os.close(ours)
        watch.wait(timeout=20)


def without_styles(seen: bytes) -> bytes:
    return re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", seen)


def test_a_site_that_was_never_started_is_called_so(tmp_path: Path) -> None:
    seen = hashbus("watch", "--once", "--config", Up(tmp_path, {}).file)
    assert seen.returncode == 1
    assert "was never set up here" in seen.stderr
