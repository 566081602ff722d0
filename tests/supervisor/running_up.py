"""`hashbus up` as a person runs it: a process of its own, on a site file of the test."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import pytest
import yaml

from hashbus.topics import service_kind
from tests.servers import ROOT, free_port, wait_until

FAKE = Path(__file__).with_name("fake_service.py")
HASHBUS = (sys.executable, "-m", "hashbus_supervisor")


def fake(behaviour: str, service: str) -> list[str]:
    """The command of a service with a behaviour."""
    return [sys.executable, str(FAKE), behaviour, service]


def environment(*first: Path) -> dict[str, str]:
    """This one, in which services find the tests, and nothing of a site of our own; packages of `first` hide others."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("HASHBUS_")}
    return {**ours, "PYTHONPATH": os.pathsep.join(map(str, (*first, ROOT))), "COLUMNS": "200", "TZ": "UTC"}


def hashbus(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    command = [*HASHBUS, *(str(one) for one in arguments)]
    return subprocess.run(command, check=False, env=environment(), capture_output=True, text=True, timeout=60, cwd=cwd)


class Up:
    """One site: its file, and `hashbus up` on it.

    `behaviours` are services with the behaviour of each; a service that is `missing` is not installed for this site.
    """

    def __init__(
        self,
        folder: Path,
        behaviours: Mapping[str, str],
        *,
        broker: str = "mosquitto",
        missing: str | None = None,
        **supervisor: object,
    ) -> None:
        self.port = free_port()
        self.data_dir = folder / "var"
        self.file = folder / "site.yaml"
        self.output = folder / "output.txt"
        self._hiding = folder / "hiding"
        if missing is not None:
            # A package that cannot be run, found before the one that is installed.
            (self._hiding / f"hashbus_{missing}").mkdir(parents=True)
            (self._hiding / f"hashbus_{missing}" / "__init__.py").touch()
        settings = {
            "site": "test",
            "data_dir": str(self.data_dir),
            "broker": {"port": self.port},
            "health": {"port": 0},
            "supervisor": {
                "broker": broker,
                "commands": {name: fake(behaviour, name) for name, behaviour in behaviours.items()},
                **supervisor,
            },
            **{service_kind(name): {} for name in behaviours},
        }
        if "simulator" in behaviours:
            settings["simulator"] = {"control_port": None}
        self.file.write_text(yaml.safe_dump(settings))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        assert self._process, "it does not run"
        return self._process.pid

    @property
    def said(self) -> str:
        """Everything that a person saw so far."""
        return self.output.read_text() if self.output.exists() else ""

    @property
    def diary(self) -> list[str]:
        """What the services wrote down when they ended."""
        return (self.data_dir / "diary.txt").read_text().splitlines()

    def start(self, *arguments: str, within: Sequence[str] = ()) -> Self:
        """Start the site and go on at once; `within` is a command that runs it as its last arguments say."""
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(
                [*within, *HASHBUS, "up", "--config", str(self.file), *arguments],
                env=environment(self._hiding),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        return self

    def until(self, pattern: str) -> re.Match[str]:
        """Wait until a person saw something; fails the test, and shows what was seen, when it does not come."""
        wait_until(lambda: re.search(pattern, self.said) is not None or self.has_ended)
        found = re.search(pattern, self.said)
        if found is None:
            pytest.fail(f"nobody said {pattern!r}; this was said:\n{self.said}", pytrace=False)
        return found

    @property
    def has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to end; returns its exit code."""
        assert self._process, "it does not run"
        self._process.send_signal(how)
        return self.ends()

    def ends(self) -> int:
        """Wait for its end; returns its exit code."""
        assert self._process, "it does not run"
        code = self._process.wait(timeout=40)
        self._process = None
        return code

    def children(self) -> dict[str, int]:
        """The process id of each of its processes, by the word that tells them apart."""
        return {name_of(pid): pid for pid in children_of(self.pid)}


def children_of(pid: int) -> list[int]:
    """The direct children of a process."""
    return [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]


def name_of(pid: int) -> str:
    """Which process of a site this is: `broker`, or the name of the service."""
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    if str(FAKE) in words:
        return words[words.index(str(FAKE)) + 2]
    return "broker"


def is_alive(pid: int) -> bool:
    """Whether a process is there and is more than an entry that nobody has fetched."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in ("Z", "X")
