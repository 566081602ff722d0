"""What every area of the tests may use: a site name, a port, real servers, started when first asked for."""

import logging
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from tests import servers

# How long an example takes says how busy the machine is.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """Take back what a test set of logs: a command that it called in this process writes to a stream that is closed."""
    yield
    structlog.reset_defaults()
    root = logging.getLogger()
    for handler in [one for one in root.handlers if type(one) is logging.StreamHandler]:
        root.removeHandler(handler)


@pytest.fixture
def site() -> str:
    """A site of this test alone, so that tests can share a broker."""
    return f"site-{secrets.token_hex(4)}"


@pytest.fixture
def free_port() -> int:
    """A loopback port on which nothing listens."""
    return servers.free_port()


@pytest.fixture(scope="session")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Mosquitto]:
    """A broker that all tests share. Whoever wants to kill one takes `own_mosquitto`."""
    with servers.Mosquitto(tmp_path_factory.mktemp("mosquitto")) as broker:
        yield broker


@pytest.fixture
def own_mosquitto(tmp_path: Path) -> Iterator[servers.Mosquitto]:
    """A broker for this test alone, which may kill and restart it."""
    with servers.Mosquitto(tmp_path / "mosquitto") as broker:
        yield broker


@pytest.fixture
def own_guarded_mosquitto(tmp_path: Path) -> Iterator[servers.GuardedMosquitto]:
    """A broker with accounts for this test alone, which may kill and restart it."""
    with servers.GuardedMosquitto(tmp_path / "mosquitto") as broker:
        yield broker


@pytest.fixture
def own_embedded_broker(tmp_path: Path) -> Iterator[servers.EmbeddedBroker]:
    """An embedded broker for this test alone, which may kill and restart it."""
    with servers.EmbeddedBroker(tmp_path / "embedded-broker") as broker:
        yield broker


@pytest.fixture(scope="session")
def victoria_metrics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.VictoriaMetrics]:
    """A VictoriaMetrics that all tests share; each writes series of its own site."""
    with servers.VictoriaMetrics(tmp_path_factory.mktemp("victoria-metrics")) as database:
        yield database


@pytest.fixture(scope="session")
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Influxd]:
    """An InfluxDB 1.6 that all tests share; each makes a database of its own."""
    with servers.Influxd(tmp_path_factory.mktemp("influxd")) as database:
        yield database


@pytest.fixture(scope="session")
def postgres() -> Iterator[servers.Postgres]:
    """A PostgreSQL that all tests share; each makes a database of its own."""
    server = servers.Postgres()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def cloud_database(postgres: servers.Postgres) -> str:
    """The URL of a database with the collector's tables, of this test alone."""
    return postgres.new_database()


@pytest.fixture
def own_collector(tmp_path: Path, cloud_database: str) -> Iterator[servers.Collector]:
    """A collector of this test alone, as a process that it may kill and start again."""
    with servers.Collector(tmp_path / "collector", cloud_database) as collector:
        yield collector
