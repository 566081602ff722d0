"""The servers that other tests rely on: real, reachable, and able to survive what is done to them."""

import subprocess
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers import (
    Daemon,
    EmbeddedBroker,
    GuardedMosquitto,
    Influxd,
    Mosquitto,
    VictoriaMetrics,
    accepts_connections,
    program,
    wait_until,
)


def publish_retained(broker: Daemon, topic: str, text: str) -> None:
    command = [program("mosquitto_pub"), "-p", str(broker.port), "-q", "1", "-r", "-t", topic, "-m", text]
    subprocess.run(command, check=True, timeout=30)


def read_retained(broker: Daemon, topic: str) -> str:
    command = [
        program("mosquitto_sub"),
        "-p",
        str(broker.port),
        "-q",
        "1",
        "-C",
        "1",
        "-W",
        "20",
        "-t",
        topic,
    ]
    return subprocess.run(command, check=True, timeout=30, capture_output=True, text=True).stdout.strip()


def test_a_killed_mosquitto_comes_back_on_its_port_with_what_was_retained(own_mosquitto: Mosquitto) -> None:
    publish_retained(own_mosquitto, "kept", "2160 W")
    assert wait_until(lambda: own_mosquitto.has_saved(b"2160 W"))
    own_mosquitto.kill()
    assert not accepts_connections(own_mosquitto.host, own_mosquitto.port)
    own_mosquitto.start()
    assert read_retained(own_mosquitto, "kept") == "2160 W"


@pytest.mark.parametrize("kind", [Mosquitto, EmbeddedBroker])
def test_both_brokers_carry_a_message(kind: Callable[[Path], Daemon], tmp_path: Path) -> None:
    with kind(tmp_path) as broker:
        publish_retained(broker, "home", "on")
        assert read_retained(broker, "home") == "on"


def test_a_guarded_broker_lets_nobody_in_without_a_password(guarded_mosquitto: GuardedMosquitto, site: str) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        publish_retained(guarded_mosquitto, f"hashbus/{site}/service/poller/status", "{}")


@pytest.mark.parametrize(("writer", "arrives"), [("poller", True), ("recorder", False)])
def test_a_guarded_broker_carries_only_what_the_writer_of_a_topic_says(
    guarded_mosquitto: GuardedMosquitto, site: str, writer: str, arrives: bool
) -> None:
    def account(name: str) -> list[str]:
        return ["-p", str(guarded_mosquitto.port), "-u", name, "-P", guarded_mosquitto.passwords[name]]

    topic = f"hashbus/{site}/service/poller/status"
    say = [program("mosquitto_pub"), *account(writer), "-q", "1", "-r", "-t", topic, "-m", "{}"]
    subprocess.run(say, check=True, timeout=30)
    listen = [program("mosquitto_sub"), *account("controller"), "--retained-only", "-W", "1", "-C", "1", "-t", topic]
    heard = subprocess.run(listen, check=False, timeout=30, capture_output=True, text=True).stdout.strip()
    assert heard == ("{}" if arrives else "")


def test_victoria_metrics_takes_points_of_influxdb_2(victoria_metrics: VictoriaMetrics, site: str) -> None:
    address = f"{victoria_metrics.url}/api/v2/write?bucket=home&org=home"
    line = f"miner,site={site} power_w=3600".encode()
    urllib.request.urlopen(address, data=line, timeout=30).close()


def test_influxd_answers_what_was_written(influxd: Influxd, site: str) -> None:
    def ask(question: str) -> str:
        form = urllib.parse.urlencode({"db": site, "q": question}).encode()
        with urllib.request.urlopen(f"{influxd.url}/query", data=form, timeout=30) as answer:
            return str(answer.read())

    ask(f'CREATE DATABASE "{site}"')
    urllib.request.urlopen(f"{influxd.url}/write?db={site}", data=b"miner power_w=3600", timeout=30).close()
    assert "3600" in ask("SELECT power_w FROM miner")
