"""The service's own memory: people, logins, bots, what was done and what happened. SQLite, one owner process.

Everything runs on one thread of its own, in order, so that a slow card never holds up the live pages.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

MIGRATIONS = (
    """
    CREATE TABLE users (
        id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, password_hash TEXT, subject TEXT UNIQUE,
        role TEXT NOT NULL, grants TEXT NOT NULL, is_disabled INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL
    ) STRICT;
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        refresh_hash TEXT NOT NULL UNIQUE, previous_hash TEXT, rotated_at TEXT NOT NULL,
        created_at TEXT NOT NULL, expires_at TEXT NOT NULL, agent TEXT NOT NULL, address TEXT NOT NULL
    ) STRICT;
    CREATE TABLE spent_tokens (hash TEXT PRIMARY KEY, session_id TEXT NOT NULL, expires_at TEXT NOT NULL) STRICT;
    CREATE TABLE bots (
        id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE, title TEXT NOT NULL,
        hash TEXT NOT NULL UNIQUE, rights TEXT NOT NULL, grants TEXT NOT NULL,
        created_at TEXT NOT NULL, expires_at TEXT NOT NULL, used_at TEXT
    ) STRICT;
    CREATE TABLE acts (
        n INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL, via TEXT NOT NULL, address TEXT NOT NULL,
        act TEXT NOT NULL, target TEXT NOT NULL, detail TEXT NOT NULL
    ) STRICT;
    CREATE TABLE events (
        n INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, at TEXT NOT NULL, kind TEXT NOT NULL, target TEXT NOT NULL,
        body TEXT NOT NULL
    ) STRICT;
    CREATE INDEX events_by_kind ON events (kind, n);
    CREATE TABLE calculations (
        n INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL, asked TEXT NOT NULL, answer TEXT NOT NULL
    ) STRICT;
    """,
)
"""Each brings the file one version further; what is written here once is never changed."""


class DatabaseUnusable(Exception):
    """The file cannot be opened, is damaged, or was written by a newer version."""


class DatabaseAway(Exception):
    """The file cannot be read or written now: the disk is full, or gone."""


class Database:
    """One SQLite file in WAL mode behind one thread."""

    def __init__(self, path: Path) -> None:
        """Open it, and bring it to the version of today. DatabaseUnusable says what a person must mend."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="database")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._connection = self._thread.submit(_opened, path).result()
        except (OSError, sqlite3.Error) as error:
            self._thread.shutdown()
            raise DatabaseUnusable(f"{path} cannot be used: {error}") from None

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` in one transaction and return what it returns; all of it counts or nothing.

        DatabaseAway when the disk does not let it.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._in_transaction, work)

    def run_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do the same and wait: for the start and for commands, not for requests."""
        return self._thread.submit(self._in_transaction, work).result()

    def _in_transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            with self._connection:
                return work(self._connection)
        except sqlite3.OperationalError as error:
            raise DatabaseAway(f"the service's own memory cannot be used: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._thread.submit(self._connection.close).result()
        self._thread.shutdown()


def _opened(path: Path) -> sqlite3.Connection:
    is_new = not path.exists()
    connection = sqlite3.connect(path, timeout=10, check_same_thread=False)
    if is_new:
        path.chmod(0o600)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        connection.close()
        raise sqlite3.DatabaseError(f"it is of a newer hashbus (version {version}, this one knows {len(MIGRATIONS)})")
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        connection.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")
    return connection
