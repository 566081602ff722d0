"""What waits for the cloud, on disk: records, and commands with their results. It survives a killed process.

What is heard is written down at once, and forgotten when the cloud has confirmed it. Results are never dropped.
At the bound the oldest rounds of uploads are thinned, every second one of them, until there is room: a long outage gets
coarser, for all miners alike, before anything new is refused.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

KEEP_DAYS = 40
"""Longer than the cloud keeps a command (S1.35): one that comes again is known again."""

_TABLES = """
CREATE TABLE IF NOT EXISTS heard (id INTEGER PRIMARY KEY AUTOINCREMENT, records INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS batch (id INTEGER PRIMARY KEY AUTOINCREMENT, records INTEGER NOT NULL, body BLOB NOT NULL,
round INTEGER);
CREATE TABLE IF NOT EXISTS command (id TEXT PRIMARY KEY, body TEXT NOT NULL, result TEXT, is_told INTEGER NOT NULL
DEFAULT 0, begun_at REAL);
"""

_INDEXES = """
CREATE INDEX IF NOT EXISTS open_command ON command (result) WHERE result IS NULL;
CREATE INDEX IF NOT EXISTS untold_command ON command (is_told) WHERE result IS NOT NULL AND is_told = 0;
"""

_ADDED = {"batch": ("round", "INTEGER"), "command": ("begun_at", "REAL")}
"""Columns that spools of earlier releases do not have yet."""


class SpoolUnavailable(Exception):
    """The disk takes nothing more."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Records on their way, as they go over the wire: a JSON array, gzipped. `id` 0 was never on disk as a batch."""

    id: int
    records: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records that were written down together: JSON objects with commas between them."""

    id: int
    records: int
    body: str


def packed(records: Sequence[dict[str, Any]]) -> bytes:
    """Return records as the body of an upload."""
    return _zipped(_written(records))


def batches(chunks: Iterable[Chunk], most: int) -> list[Batch]:
    """Return chunks put together to batches of at most `most` records; no chunk may have more."""
    groups: list[list[Chunk]] = []
    room = 0
    for chunk in chunks:
        if not groups or chunk.records > room:
            groups.append([])
            room = most
        groups[-1].append(chunk)
        room -= chunk.records
    return [
        Batch(0, sum(one.records for one in group), _zipped(",".join(one.body for one in group))) for group in groups
    ]


class Spool:
    """The bridge's memory on disk. Its calls block for a disk write: call them in a thread."""

    def __init__(self, path: Path, max_mb: int) -> None:
        """Open or make it; SpoolUnavailable when the disk does not let it."""
        self._max_bytes = max_mb * 1_000_000
        # Readings and commands use one connection from threads of their own, each transaction by itself.
        self._turn = threading.Lock()
        self.thinned = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=5)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_TABLES)
            self._add_columns()
            self._db.executescript(_INDEXES)
        except (OSError, sqlite3.Error) as error:
            raise SpoolUnavailable(f"{path}: {error}") from None

    def note(self, records: Sequence[dict[str, Any]], most: int) -> None:
        """Write down what was heard, in chunks of at most `most` records.

        It survives the end of this process at once, and a power cut as soon as the next round or command is written:
        a disk synced for every reading would wear out.
        """
        parts = [records[start : start + most] for start in range(0, len(records), most)]
        rows = [(len(part), _written(part)) for part in parts]
        self._all([("INSERT INTO heard (records, body) VALUES (?, ?)", row) for row in rows], is_synced=False)

    def heard(self) -> list[Chunk]:
        """Return what was heard since the last round, in order."""
        return [Chunk(*row) for row in self._execute("SELECT id, records, body FROM heard ORDER BY id")]

    def end_round(self, last: int, unsent: Sequence[Batch]) -> None:
        """Forget what was heard up to chunk `last`, and keep of it what could not be sent: both or neither."""
        insert = "INSERT INTO batch (records, body, round) VALUES (?, ?, ?)"
        self._all(
            [
                *((insert, (one.records, one.body, last)) for one in unsent),
                ("DELETE FROM heard WHERE id <= ?", (last,)),
            ]
        )
        while self._size() > self._max_bytes and self._thin():
            pass

    def keep(self, body: bytes, records: int) -> None:
        """Keep a batch as a round of its own."""
        self._execute("INSERT INTO batch (records, body) VALUES (?, ?)", (records, body))
        while self._size() > self._max_bytes and self._thin():
            pass

    def oldest(self) -> Batch | None:
        """Return the batch that waits longest."""
        rows = self._execute("SELECT id, records, body FROM batch ORDER BY id LIMIT 1")
        return Batch(*rows[0]) if rows else None

    def sent(self, batch: Batch) -> None:
        """Forget a batch that has arrived."""
        self._execute("DELETE FROM batch WHERE id = ?", (batch.id,))

    def waiting(self) -> int:
        """Return how many records wait."""
        return int(self._execute("SELECT COALESCE(SUM(records), 0) FROM batch")[0][0])

    def begin(self, commands: Iterable[tuple[str, str]], now: datetime) -> None:
        """Write commands down before anything is done about them; those that are known stay as they are."""
        insert = "INSERT OR IGNORE INTO command (id, body, begun_at) VALUES (?, ?, ?)"
        self._all([(insert, (command_id, body, now.timestamp())) for command_id, body in commands])

    def refuse(self, ended: Iterable[tuple[str, dict[str, Any]]], now: datetime) -> None:
        """Write down commands that are over as they come, with their results; those that are known stay as they are."""
        insert = "INSERT OR IGNORE INTO command (id, body, result, begun_at) VALUES (?, '{}', ?, ?)"
        self._all([(insert, (command_id, json.dumps(found), now.timestamp())) for command_id, found in ended])

    def unfinished(self) -> list[tuple[str, str]]:
        """Return ids and bodies of the commands that have no result yet, in the order in which they came."""
        return self._execute("SELECT id, body FROM command WHERE result IS NULL ORDER BY rowid")

    def finish(self, command_id: str, result: dict[str, Any]) -> None:
        """Keep the first result of a command until the cloud has it; a password in the command is not kept."""
        update = "UPDATE command SET result = ?, body = '{}' WHERE id = ? AND result IS NULL"
        self._execute(update, (json.dumps(result), command_id))

    def results(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the results that the cloud does not have yet."""
        rows = self._execute("SELECT id, result FROM command WHERE result IS NOT NULL AND is_told = 0")
        return [(command_id, json.loads(result)) for command_id, result in rows]

    def told(self, command_ids: Iterable[str]) -> None:
        """Note that the cloud has these results."""
        self._all([("UPDATE command SET is_told = 1 WHERE id = ?", (one,)) for one in command_ids])

    def forget_old(self, now: datetime) -> None:
        """Forget commands whose results the cloud has had for long."""
        oldest = now.timestamp() - KEEP_DAYS * 86_400
        self._execute("DELETE FROM command WHERE is_told = 1 AND begun_at < ?", (oldest,))

    def close(self) -> None:
        """Close the file, once nobody writes any more: SQLite does not bear it otherwise."""
        with self._turn:
            self._db.close()

    def _size(self) -> int:
        return int(self._execute("SELECT COALESCE(SUM(LENGTH(body)), 0) FROM batch")[0][0])

    def _thin(self) -> bool:
        """Drop every second round of the older half; False when there is nothing left to thin."""
        rounds = self._execute("SELECT COALESCE(round, -id), SUM(records) FROM batch GROUP BY 1 ORDER BY MIN(id)")
        dropped = rounds[: max(2, len(rounds) // 2)][1::2]
        if not dropped:
            return False
        self._all([("DELETE FROM batch WHERE COALESCE(round, -id) = ?", (number,)) for number, _ in dropped])
        self.thinned += sum(records for _, records in dropped)
        return True

    def _add_columns(self) -> None:
        for table, (name, kind) in _ADDED.items():
            known = {row[1] for row in self._db.execute(f"PRAGMA table_info({table})")}
            if name not in known:
                self._db.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")

    def _all(self, statements: Sequence[tuple[str, Sequence[object]]], *, is_synced: bool = True) -> None:
        """Execute all of them or none."""
        if not statements:
            return
        try:
            with self._turn, self._db:
                self._db.execute(f"PRAGMA synchronous={'FULL' if is_synced else 'NORMAL'}")
                self._db.execute("BEGIN IMMEDIATE")
                for statement, values in statements:
                    self._db.execute(statement, tuple(values))
        except sqlite3.Error as error:
            raise SpoolUnavailable(str(error)) from None

    def _execute(self, statement: str, values: Sequence[object] = ()) -> list[Any]:
        try:
            with self._turn:
                self._db.execute("PRAGMA synchronous=FULL")
                return self._db.execute(statement, tuple(values)).fetchall()
        except sqlite3.Error as error:
            raise SpoolUnavailable(str(error)) from None


def _joined(chunks: Sequence[Chunk]) -> Batch:
    return Batch(0, sum(one.records for one in chunks), _zipped(",".join(one.body for one in chunks)))


def _written(records: Sequence[dict[str, Any]]) -> str:
    return json.dumps(records, separators=(",", ":"))[1:-1]


def _zipped(objects: str) -> bytes:
    return gzip.compress(f"[{objects}]".encode(), 5)
