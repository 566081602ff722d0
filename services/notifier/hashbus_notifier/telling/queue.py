"""What is still to be told, on disk: it survives a restart and the outage of a channel, and nothing is told twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hashbus_notifier.telling.plan import Note

MOST_WAITING = 5_000
"""Notes of one channel; beyond, the oldest of the least grave go, and are counted."""

KEPT_S = 30 * 86_400.0

_TABLE = """
CREATE TABLE IF NOT EXISTS note (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    channel TEXT NOT NULL, key TEXT NOT NULL, mark TEXT NOT NULL, severity TEXT NOT NULL, text TEXT NOT NULL,
    made_at REAL NOT NULL, send_at REAL NOT NULL, sent_at REAL,
    UNIQUE (channel, key, mark)
) STRICT
"""


@dataclass(frozen=True, slots=True)
class Due:
    """Notes that one channel may tell now, the oldest first."""

    numbers: tuple[int, ...]
    texts: tuple[str, ...]
    severities: tuple[str, ...]


class Queue:
    """The notes of all channels in one SQLite file. Its methods take a millisecond."""

    def __init__(self, path: Path) -> None:
        """Open or make the file; sqlite3.Error or OSError when that cannot be."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=10, isolation_level=None)
        path.chmod(0o600)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(_TABLE)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def put(self, note: Note) -> int:
        """Keep a note that was not told before; return how many had to go for it."""
        values = (note.channel, note.key, note.mark, note.severity.value, note.text)
        times = (note.made_at.timestamp(), note.send_at.timestamp())
        self._db.execute(
            "INSERT OR IGNORE INTO note (channel, key, mark, severity, text, made_at, send_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*values, *times),
        )
        return self._thinned(note.channel)

    def _thinned(self, channel: str) -> int:
        over = self.waiting(channel) - MOST_WAITING
        if over <= 0:
            return 0
        gone = self._db.execute(
            "DELETE FROM note WHERE n IN (SELECT n FROM note WHERE channel = ? AND sent_at IS NULL"
            " ORDER BY severity = 'critical', severity = 'warning', n LIMIT ?)",
            (channel, over),
        )
        return gone.rowcount

    def waiting(self, channel: str) -> int:
        """Return how many notes of a channel are not told yet."""
        found = self._db.execute("SELECT count(*) FROM note WHERE channel = ? AND sent_at IS NULL", (channel,))
        return int(found.fetchone()[0])

    def was_told(self, channel: str, key: str, since: str) -> bool:
        """Say whether a channel has told of the alert that began then."""
        found = self._db.execute(
            "SELECT 1 FROM note WHERE channel = ? AND key = ? AND mark LIKE ? AND sent_at IS NOT NULL LIMIT 1",
            (channel, key, f"{since} %"),
        )
        return found.fetchone() is not None

    def forget_waiting(self, channel: str, key: str) -> None:
        """Drop what was not told yet of an alert: it is over, or somebody has seen it."""
        self._db.execute("DELETE FROM note WHERE channel = ? AND key = ? AND sent_at IS NULL", (channel, key))

    def due(self, channel: str, now: datetime, most: int = 50) -> Due:
        """Return what a channel may tell now."""
        rows = self._db.execute(
            "SELECT n, text, severity FROM note"
            " WHERE channel = ? AND sent_at IS NULL AND send_at <= ? ORDER BY n LIMIT ?",
            (channel, now.timestamp(), most),
        ).fetchall()
        return Due(tuple(row[0] for row in rows), tuple(row[1] for row in rows), tuple(row[2] for row in rows))

    def told(self, numbers: Sequence[int], now: datetime) -> None:
        """Note that these were told; what was told long ago is forgotten."""
        at = now.timestamp()
        self._db.executemany("UPDATE note SET sent_at = ? WHERE n = ?", [(at, number) for number in numbers])
        self._db.execute("DELETE FROM note WHERE sent_at < ?", (at - KEPT_S,))
