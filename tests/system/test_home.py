"""A whole home on real processes: it runs, it can be told what to do, and it survives the death of any of its parts."""

import json
import os
import random
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.servers import ROOT, accepts_connections, wait_until
from tests.supervisor.running_up import HASHBUS, children_of, environment

PATIENCE_S = 60.0
DEVICES = {"attic", "garage", "desk", "house"}


class Home:
    """The demo of the repository at addresses and ports of this test, run by `hashbus up`."""

    def __init__(self, folder: Path) -> None:
        written = yaml.safe_load((ROOT / "config/demo.yaml").read_text().replace("127.21.0.", "127.87.0."))
        first = _free_range()
        self.control, self.history = first + 30, first + 31
        written["data_dir"] = str(folder / "var")
        written["broker"]["port"] = first + 32
        written["health"] = {"first_port": first}
        written["poller"]["interval_s"] = 1
        written["recorder"]["history"]["port"] = self.history
        written["simulator"]["control_port"] = self.control
        written["simulator"]["house"]["speed"] = 1
        written["controller"]["min_interval_s"] = 1
        written["web"] |= {"port": first + 33, "history_url": f"http://127.0.0.1:{self.history}"}
        self.file = folder / "site.yaml"
        self.file.write_text(yaml.safe_dump(written))
        (folder / "demo-secrets").symlink_to(ROOT / "config/demo-secrets")
        self.output = folder / "output.txt"
        self.start()

    def start(self) -> None:
        """Run `hashbus up`."""
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [*HASHBUS, "up", "--config", str(self.file)],
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def say(self, *arguments: str) -> str:
        """Run a `hashbus` command on this home; returns what it printed."""
        command = [*HASHBUS, *arguments, "--config", str(self.file)]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60, check=False)
        return done.stdout + done.stderr

    def messages(self) -> list[dict[str, Any]]:
        """Every retained message, as `hashbus watch --json --once` prints them."""
        lines = [line for line in self.say("watch", "--json", "--once").splitlines() if line.startswith("{")]
        return [json.loads(line) for line in lines]

    def newest(self, topic_end: str) -> dict[str, dict[str, Any]]:
        """The retained payloads of one kind of topic, by device."""
        found = {}
        for message in self.messages():
            if message["topic"].endswith(topic_end):
                found[message["topic"].split("/")[3]] = message["message"]
        return found

    def truth(self, device: str) -> dict[str, Any]:
        """What is really so in the emulated device."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.control}/devices/{device}/state", timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def recorded(self, device: str, field: str) -> list[float]:
        """What the recorder answers for the last hour of a device, without gaps."""
        url = f"http://127.0.0.1:{self.history}/history?device={device}&fields={field}&days=0.05&step=raw"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                columns = json.load(answer)
        except OSError:
            return []  # it does not listen yet
        return [value for value in columns["fields"][field]["values"] if value is not None]

    def processes(self) -> dict[str, int]:
        """The process id of each part by its name."""
        return {_part(pid): pid for pid in children_of(self.process.pid)}

    def is_fresh(self) -> bool:
        """Whether every device was read after now."""
        after = time.time()

        def all_newer() -> bool:
            readings = {**self.newest("/telemetry")}
            return set(readings) >= DEVICES - {"house"} and all(
                _seconds(readings[device]["at"]) > after for device in DEVICES - {"house"}
            )

        return wait_until(all_newer, timeout_s=PATIENCE_S)


def _free_range(size: int = 40) -> int:
    """The first of so many ports in a row on which nothing listens, where no other test looks for its own."""
    for first in random.sample(range(12_000, 19_000, size), k=100):
        if not any(accepts_connections("127.0.0.1", port) for port in range(first, first + size)):
            return first
    pytest.fail("no free range of ports", pytrace=False)


def _part(pid: int) -> str:
    """Which part of the home a process is."""
    words = Path(f"/proc/{pid}/cmdline").read_text()
    found = re.search(r"\0hashbus_(\w+)\0", words)
    return found[1] if found else "broker"


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """One home for all tests of this file, which follow each other."""
    one = Home(tmp_path_factory.mktemp("home"))
    yield one
    one.process.send_signal(signal.SIGTERM)
    try:
        one.process.wait(timeout=40)
    except subprocess.TimeoutExpired:
        one.process.kill()
        raise


def test_every_device_is_read_over_its_own_protocol(home: Home) -> None:
    assert wait_until(lambda: set(home.newest("/telemetry")) >= DEVICES, timeout_s=PATIENCE_S), home.output.read_text()
    readings = home.newest("/telemetry")
    assert readings["attic"]["power_w"] == pytest.approx(home.truth("attic")["power_w"], rel=0.05)
    assert 0 <= readings["house"]["soc_pct"] <= 100
    assert home.newest("/info")["desk"]["make"] == "Bitaxe"


def test_the_series_are_stored_and_answered(home: Home) -> None:
    assert wait_until(lambda: len(home.recorded("attic", "power_w")) >= 3, timeout_s=PATIENCE_S)
    assert "attic" in home.say("history")


def test_a_person_sets_a_power_the_miner_takes_it_and_the_reason_can_be_read(home: Home) -> None:
    said = home.say("set", "attic", "1500", "--for", "10m", "--why", "the room is warm")
    assert "attic: 1500 W" in said, said
    assert wait_until(lambda: home.truth("attic")["power_limit_w"] == 1500, timeout_s=PATIENCE_S)

    def is_confirmed() -> bool:
        return bool(home.newest("/setpoint/result").get("attic", {}).get("status") == "confirmed")

    assert wait_until(is_confirmed, timeout_s=PATIENCE_S)
    assert "because the room is warm" in home.say("why", "attic")


@pytest.mark.parametrize("part", ["poller", "recorder", "controller", "notifier", "broker", "simulator"])
def test_any_part_may_be_killed_and_the_home_goes_on(home: Home, part: str) -> None:
    before = home.processes()
    os.kill(before[part], signal.SIGKILL)
    assert wait_until(lambda: home.processes().get(part) not in (None, before[part]), timeout_s=PATIENCE_S)
    assert home.is_fresh(), home.output.read_text()[-2000:]
    others = {name: pid for name, pid in home.processes().items() if name != part}
    assert others == {name: pid for name, pid in before.items() if name != part}, "another part fell with it"


def test_after_all_that_the_override_still_holds(home: Home) -> None:
    assert "because the room is warm" in home.say("why", "attic")
    assert home.newest("/setpoint")["attic"]["power_w"] == 1500
    assert wait_until(lambda: home.truth("attic")["power_limit_w"] == 1500, timeout_s=PATIENCE_S)


def test_no_secret_stands_in_any_log_or_topic(home: Home) -> None:
    folder = home.file.parent
    secrets = [path.read_text().strip() for path in (folder / "demo-secrets").iterdir() if path.is_file()]
    secrets += [path.read_text().strip() for path in (folder / "var/secrets").iterdir()]
    logs = "".join(path.read_text(errors="replace") for path in (folder / "var/log").iterdir())
    everything = logs + home.output.read_text() + json.dumps(home.messages())
    found = [secret for secret in secrets if len(secret) > 5 and re.search(rf"\b{re.escape(secret)}\b", everything)]
    assert not found


def test_a_backup_of_the_running_home_starts_again_elsewhere(home: Home, tmp_path: Path) -> None:
    known = len(home.recorded("attic", "power_w"))
    (tmp_path / "passphrase").write_text("a house by the river")
    archive, key = str(tmp_path / "home.tar.gz"), ("--passphrase-file", str(tmp_path / "passphrase"))
    assert "files)" in (said := home.say("backup", archive, *key)), said
    home.process.send_signal(signal.SIGTERM)
    home.process.wait(timeout=40)
    there = ["--into", str(tmp_path / "there"), "--data-dir", str(tmp_path / "there/var")]
    restored = subprocess.run(
        [*HASHBUS, "restore", archive, *there, *key], env=environment(), capture_output=True, text=True, check=False
    )
    assert restored.returncode == 0, restored.stderr
    file = tmp_path / "there/site.yaml"
    file.write_text(file.read_text().replace(str(home.file.parent / "var"), str(tmp_path / "there/var")))
    home.file = file
    home.start()
    assert home.is_fresh(), home.output.read_text()[-2000:]
    assert wait_until(lambda: len(home.recorded("attic", "power_w")) >= known, timeout_s=PATIENCE_S)
    assert "because the room is warm" in home.say("why", "attic")
