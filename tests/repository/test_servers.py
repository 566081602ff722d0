"""The servers that other tests rely on: real, reachable, and able to survive what is done to them."""

import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
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


def publish(broker: Daemon, topic: str, text: str, *login: str) -> None:
    """Publish retained, with the login that is given as mosquitto's own options."""
    command = [program("mosquitto_pub"), "-p", str(broker.port), *login, "-q", "1", "-r", "-t", topic, "-m", text]
    subprocess.run(command, check=True, timeout=30, capture_output=True)


def retained(broker: Daemon, topic: str, *login: str, within_s: int = 20) -> str:
    """Read what a topic retains; nothing when nothing comes in time."""
    wait = ["-C", "1", "-W", str(within_s)]
    command = [program("mosquitto_sub"), "-p", str(broker.port), *login, *wait, "-t", topic]
    return subprocess.run(command, check=False, timeout=60, capture_output=True, text=True).stdout.strip()


@pytest.fixture(params=[GuardedMosquitto, EmbeddedBroker])
def site_broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GuardedMosquitto | EmbeddedBroker]:
    with request.param(tmp_path / "broker") as broker:
        yield broker


def test_a_killed_mosquitto_comes_back_on_its_port_with_what_was_retained(own_mosquitto: Mosquitto) -> None:
    publish(own_mosquitto, "kept", "2160 W")
    assert wait_until(lambda: own_mosquitto.has_saved(b"2160 W"))
    own_mosquitto.kill()
    assert not accepts_connections(own_mosquitto.host, own_mosquitto.port)
    own_mosquitto.start()
    assert retained(own_mosquitto, "kept") == "2160 W"


def test_a_broker_of_a_site_carries_only_what_the_writer_of_a_topic_says(
    site_broker: GuardedMosquitto | EmbeddedBroker, site: str
) -> None:
    def login(account: str) -> tuple[str, ...]:
        return ("-u", account, "-P", site_broker.passwords[account])

    topic = f"hashbus/{site}/service/poller/status"
    publish(site_broker, topic, "from the recorder", *login("recorder"))
    assert retained(site_broker, topic, *login("controller"), within_s=1) == ""
    publish(site_broker, topic, "from the poller", *login("poller"))
    assert retained(site_broker, topic, *login("controller")) == "from the poller"


def test_a_broker_of_a_site_lets_nobody_in_without_a_password(
    site_broker: GuardedMosquitto | EmbeddedBroker, site: str
) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        publish(site_broker, f"hashbus/{site}/service/poller/status", "from nobody")


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
