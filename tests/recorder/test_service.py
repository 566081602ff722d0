"""The recorder as a site runs it: a process on a real broker, asked over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hashbus.config_errors import ConfigError
from hashbus.messages import MinerTelemetry
from hashbus.mqtt_bus import MqttBus
from hashbus.settings import BrokerSettings, load
from hashbus_recorder.settings import RecorderSettings
from tests import servers

NOW = datetime.now(UTC)


@dataclass
class Recorder:
    """The settings of a recorder process, its data and where it answers."""

    folder: Path
    settings: dict[str, Any]
    port: int

    def command(self, *more: str) -> list[str]:
        # JSON is YAML too.
        (self.folder / "site.yaml").write_text(json.dumps(self.settings))
        return [sys.executable, "-m", "hashbus_recorder", "--config", str(self.folder / "site.yaml"), *more]

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(self.command(), stdout=log, stderr=log)
        try:
            assert servers.wait_until(lambda: servers.answers(f"http://127.0.0.1:{self.port}/devices")), self.log()
            yield process
        finally:
            process.kill()
            process.wait()

    def once(self, *more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*more), capture_output=True, text=True, timeout=60, check=False)

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def powers(self) -> list[float]:
        """Every reading of the attic's power that is kept."""
        asked = urllib.parse.urlencode({"device": "attic", "days": "2", "step": "raw", "fields": "power_w"})
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/history?{asked}", timeout=10) as answer:
                values: list[float] = json.load(answer)["fields"]["power_w"]["values"]
        except (OSError, KeyError):
            return []
        return values


@pytest.fixture
def recorder(mosquitto: servers.Mosquitto, site: str, tmp_path: Path) -> Recorder:
    port = servers.free_port()
    settings = {
        "site": site,
        "data_dir": str(tmp_path / "var"),
        "broker": {"port": mosquitto.port},
        "health": {"port": 0},
        "recorder": {"history": {"port": port}, "flush_s": 0.1},
    }
    return Recorder(tmp_path, settings, port)


def publish(recorder: Recorder, *powers: int) -> None:
    asyncio.run(_publish(recorder, powers))


async def _publish(recorder: Recorder, powers: tuple[int, ...]) -> None:
    broker, site = BrokerSettings(port=recorder.settings["broker"]["port"]), recorder.settings["site"]
    async with MqttBus(broker, site=site, account="poller") as bus:
        for power_w in powers:
            at = NOW - timedelta(hours=1) + timedelta(seconds=power_w)
            bus.publish(
                MinerTelemetry(site=site, at=at, miner="attic", driver="whatsminer", state="mining", power_w=power_w)
            )
        await bus.flush()


def test_what_the_site_says_can_be_asked_a_moment_later(recorder: Recorder) -> None:
    with recorder.running():
        publish(recorder, *range(100))
        assert servers.wait_until(lambda: len(recorder.powers()) == 100)
        assert recorder.powers() == list(range(100))


def test_a_killed_recorder_goes_on_where_it_was(recorder: Recorder) -> None:
    with recorder.running() as process:
        publish(recorder, 0, 1, 2)
        assert servers.wait_until(lambda: len(recorder.powers()) == 3)
        process.kill()
    with recorder.running():
        # The broker repeats what is retained: it is the same reading, and counts once.
        publish(recorder, 3)
        assert servers.wait_until(lambda: recorder.powers() == [0, 1, 2, 3])


def test_a_stopped_recorder_writes_what_it_holds_and_ends_well(recorder: Recorder) -> None:
    recorder.settings["recorder"]["flush_s"] = 60
    with recorder.running() as process:
        publish(recorder, *range(50))
        health = next(json.loads(line) for line in recorder.log().splitlines() if "health" in line)["health"]
        figure = 'bus_received_total{type="MinerTelemetry"} 50.0'
        assert servers.wait_until(lambda: figure in text_of(health.replace("healthz", "metrics")))
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    with recorder.running():
        assert recorder.powers() == list(range(50))


def text_of(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def test_once_records_what_the_broker_retains(recorder: Recorder) -> None:
    publish(recorder, 7)

    assert recorder.once("--once").returncode == 0

    with recorder.running():
        assert recorder.powers() == [7]


def test_a_second_recorder_on_the_same_data_says_so_and_ends(recorder: Recorder) -> None:
    with recorder.running():
        # Under the same name the broker would let only one of them in.
        recorder.settings["site"] += "-2"
        second = recorder.once("--once")

    assert second.returncode == 2
    assert "in use by another recorder; stop that one first" in second.stderr


def test_a_taken_port_is_named(recorder: Recorder) -> None:
    with recorder.running():
        recorder.settings["site"] += "-2"
        recorder.settings["data_dir"] += "-2"
        second = recorder.once()

    assert second.returncode == 2
    assert f"recorder.history.port: 127.0.0.1:{recorder.port} cannot be used" in second.stderr


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ({"store": {"kind": "influks"}}, "recorder.store.kind: 'influks' is not known; did you mean `influx`?"),
        ({"store": {"kind": "influx", "url": "localhost", "bucket": "b"}}, "recorder.store.url"),
        ({"store": {"kind": "influx", "url": "http://localhost:8086"}}, "recorder.store.bucket: is missing"),
        ({"store": {"kind": "influx", "token": "x"}}, "a secret does not belong into this file"),
        ({"store": {"kind": "embedded", "points_day": 3}}, "did you mean `points_days`?"),
        ({"spool_mb": "much"}, "'much' is not a number of megabytes; write the bare number"),
        ({"totals_step_s": 7}, "recorder.totals_step_s: 7 is not right"),
    ],
)
def test_a_mistake_in_the_settings_is_one_clear_line(recorder: Recorder, section: dict[str, Any], says: str) -> None:
    recorder.settings["recorder"] = section

    recorder.command()
    with pytest.raises(ConfigError) as mistake:
        load(RecorderSettings, recorder.folder / "site.yaml", account="recorder", environ={})

    assert len(mistake.value.problems) == 1
    assert says in mistake.value.problems[0]


def test_a_folder_it_may_not_write_is_named(recorder: Recorder, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    recorder.settings["data_dir"] = str(tmp_path / "file")

    answer = recorder.once("--once")

    assert answer.returncode == 2
    assert "recorder.store: " in answer.stderr
    assert os.fspath(tmp_path / "file") in answer.stderr
