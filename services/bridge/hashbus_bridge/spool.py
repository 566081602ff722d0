"""What waits for the cloud, on disk: batches of records, and results of commands. It survives a killed process.

Results are never dropped. At the bound the oldest batches are thinned, every second one of them, until there is room:
a long outage gets coarser before anything new is refused.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_TABLES = """
CREATE TABLE IF NOT EXISTS batch (id INTEGER PRIMARY KEY AUTOINCREMENT, records INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS command (id TEXT PRIMARY KEY, body TEXT NOT NULL, result TEXT, is_told INTEGER NOT NULL
DEFAULT 0);
"""


class SpoolUnavailable(Exception):
    """The disk takes nothing more."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that wait, as they go over the wire: a JSON array, gzipped."""

    id: int
    records: int
    body: bytes


def packed(records: Sequence[dict[str, Any]]) -> bytes:
    """Return records as the body of an upload."""
    return gzip.compress(json.dumps(records, separators=(",", ":")).encode(), 5)


class Spool:
    """The bridge's memory on disk. Its calls block for a disk write: call them in a thread."""

    def __init__(self, path: Path, max_mb: int) -> None:
        """Open or make it; SpoolUnavailable when the disk does not let it."""
        self._max_bytes = max_mb * 1_000_000
        self.thinned = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=5)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            raise SpoolUnavailable(f"{path}: {error}") from None

    def keep(self, body: bytes, records: int) -> None:
        """Keep a batch that could not be sent."""
        self._execute("INSERT INTO batch (records, body) VALUES (?, ?)", (records, body))
        while self._size() > self._max_bytes and self._thin():
            pass

    def oldest(self) -> Batch | None:
        """Return the batch that waits longest."""
        row = self._execute("SELECT id, records, body FROM batch ORDER BY id LIMIT 1").fetchone()
        return Batch(*row) if row else None

    def sent(self, batch: Batch) -> None:
        """Forget a batch that has arrived."""
        self._execute("DELETE FROM batch WHERE id = ?", (batch.id,))

    def waiting(self) -> int:
        """Return how many records wait."""
        return int(self._execute("SELECT COALESCE(SUM(records), 0) FROM batch").fetchone()[0])

    def begin(self, command_id: str, body: str) -> bool:
        """Write a command down before anything is done about it; False when it was already known."""
        cursor = self._execute("INSERT OR IGNORE INTO command (id, body) VALUES (?, ?)", (command_id, body))
        return cursor.rowcount > 0

    def unfinished(self) -> list[str]:
        """Return the commands that were begun and have no result yet."""
        return [row[0] for row in self._execute("SELECT body FROM command WHERE result IS NULL")]

    def finish(self, command_id: str, result: dict[str, Any]) -> None:
        """Keep the first result of a command until the cloud has it."""
        text = json.dumps(result)
        self._execute("UPDATE command SET result = ? WHERE id = ? AND result IS NULL", (text, command_id))

    def results(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the results that the cloud does not have yet."""
        rows = self._execute("SELECT id, result FROM command WHERE result IS NOT NULL AND is_told = 0")
        return [(command_id, json.loads(result)) for command_id, result in rows]

    def told(self, command_id: str) -> None:
        """Note that the cloud has a result."""
        self._execute("UPDATE command SET is_told = 1 WHERE id = ?", (command_id,))

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _size(self) -> int:
        return int(self._execute("SELECT COALESCE(SUM(LENGTH(body)), 0) FROM batch").fetchone()[0])

    def _thin(self) -> bool:
        """Drop every second batch of the older half; False when there is nothing left to thin."""
        rows = self._execute("SELECT id, records FROM batch ORDER BY id").fetchall()
        dropped = rows[: max(2, len(rows) // 2)][1::2]
        if not dropped:
            return False
        self._db.executemany("DELETE FROM batch WHERE id = ?", [(number,) for number, _ in dropped])
        self.thinned += sum(records for _, records in dropped)
        return True

    def _execute(self, statement: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        try:
            return self._db.execute(statement, tuple(values))
        except sqlite3.Error as error:
            raise SpoolUnavailable(str(error)) from None
