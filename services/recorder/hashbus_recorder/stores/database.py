"""The file of the embedded store: its tables, its one owner, and what SQLite's errors mean to an operator."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hashbus_recorder.repository import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORMAT = 1
"""Written into the file; a file of a later format is refused rather than misread."""

_TABLES = """
CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY, measurement TEXT NOT NULL, device TEXT NOT NULL,
    tags TEXT NOT NULL DEFAULT '{}', fields TEXT NOT NULL DEFAULT '[]', UNIQUE (measurement, device)
) STRICT;
-- Points of hours that are not packed yet, and late ones; body is a JSON object of fields.
CREATE TABLE IF NOT EXISTS recent (
    series INTEGER NOT NULL, at_ms INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (series, at_ms)
) STRICT, WITHOUT ROWID;
-- One hour of one device, packed by columns.py; hour_ms is its start.
CREATE TABLE IF NOT EXISTS chunk (
    series INTEGER NOT NULL, hour_ms INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE (series, hour_ms)
) STRICT;
-- One day of one device in buckets of step_ms, packed; see rollup.py.
CREATE TABLE IF NOT EXISTS rollup (
    series INTEGER NOT NULL, step_ms INTEGER NOT NULL, day_ms INTEGER NOT NULL, body BLOB NOT NULL,
    UNIQUE (series, step_ms, day_ms)
) STRICT;
-- Days whose roll-ups are older than their points.
CREATE TABLE IF NOT EXISTS undigested (
    series INTEGER NOT NULL, day_ms INTEGER NOT NULL, PRIMARY KEY (series, day_ms)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS metric (
    id INTEGER PRIMARY KEY, measurement TEXT NOT NULL, field TEXT NOT NULL, UNIQUE (measurement, field)
) STRICT;
-- The site: sums over base buckets of (the sum over devices of their means) and of the number of devices; totals.py.
CREATE TABLE IF NOT EXISTS total (
    metric INTEGER NOT NULL, step_ms INTEGER NOT NULL, bucket_ms INTEGER NOT NULL,
    sum REAL NOT NULL, devices INTEGER NOT NULL, buckets INTEGER NOT NULL, PRIMARY KEY (metric, step_ms, bucket_ms)
) STRICT, WITHOUT ROWID;
-- Base buckets whose totals are older than their points.
CREATE TABLE IF NOT EXISTS unsettled (
    measurement TEXT NOT NULL, bucket_ms INTEGER NOT NULL, PRIMARY KEY (measurement, bucket_ms)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""


class StoreUnusable(Exception):
    """The store's file cannot be used as it is: an operator must act before the recorder can start."""


def open_file(path: Path) -> sqlite3.Connection:
    """Open or make a file that survives a killed process. To be called within sqlite_errors()."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    try:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing that was committed; a power cut may lose the last seconds, never the file.
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def open_database(path: Path, max_mb: int | None = None) -> sqlite3.Connection:
    """Open or make the file for writing.

    StoreUnusable when it is damaged or of a later format, StoreUnavailable when the disk is full.
    """
    with sqlite_errors(path):
        connection = open_file(path)
        try:
            _prepare(connection, path, max_mb)
        except BaseException:
            connection.close()
            raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Open a second connection that reads while the first one writes."""
    with sqlite_errors(path):
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        connection.execute("PRAGMA query_only = ON")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all of the block or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk may have ended the transaction already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Say in an operator's words what SQLite could not do."""
    try:
        yield
    except sqlite3.OperationalError as error:
        problem = str(error)
        if "full" in problem:
            hint = "free space there, or keep points for fewer days"
            raise StoreUnavailable(f"the disk or the quota of {path} is full: {hint}") from error
        raise StoreUnavailable(f"{path}: {problem}") from error
    except sqlite3.DatabaseError as error:
        hint = "move it away (it may be read with sqlite3 .recover); the recorder then starts a new one"
        raise StoreUnusable(f"{path} is damaged: {error}; {hint}") from error


def take_ownership(path: Path) -> int:
    """Hold the store for this process alone and return the lock to close at the end; it falls with the process.

    StoreUnusable when another process has the store.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise StoreUnusable(f"{path} is in use by another recorder; stop that one first") from None
    return lock


def _prepare(connection: sqlite3.Connection, path: Path, max_mb: int | None) -> None:
    if max_mb is not None:
        (page_size,) = connection.execute("PRAGMA page_size").fetchone()
        connection.execute(f"PRAGMA max_page_count = {max_mb * 1_000_000 // page_size}")
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > FORMAT:
        raise StoreUnusable(f"{path} has format {found}; this recorder reads up to {FORMAT}: use a newer one")
    connection.executescript(_TABLES)
    connection.execute(f"PRAGMA user_version = {FORMAT}")
