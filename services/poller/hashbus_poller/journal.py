"""Which orders were begun and how they ended, on disk, so that none is carried out twice, whatever dies when.

An order is written down before the miner is touched. Found again after a crash it is either done, and its result is
said again, or it was interrupted, and then it is never repeated: the miner is asked what became of it.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

KEEP_DAYS = 30
"""As long as the cloud keeps commands (S1.35); an order that comes back later has expired long since."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    source TEXT NOT NULL, id TEXT NOT NULL, begun_at REAL NOT NULL, address TEXT, result BLOB,
    PRIMARY KEY (source, id)
) WITHOUT ROWID
"""


class JournalUnavailable(Exception):
    """The journal cannot be written; no order may be carried out, because it could be carried out twice."""


Key = tuple[str, str]
"""What an order is known by: who gave it, and the id that this source gave it."""


class Past(Enum):
    """What the journal knows of an order."""

    NEW = "new"
    INTERRUPTED = "interrupted"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Known:
    """What the journal knows of an order, and the result as it was said."""

    past: Past
    address: str | None = None
    result: bytes | None = None


class OrderJournal:
    """The journal of one poller. Its calls block for a disk write: call them in a thread."""

    def __init__(self, path: Path) -> None:
        """Open or make the journal; JournalUnavailable when the disk does not let it."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=5)
            self._db.execute("PRAGMA journal_mode=WAL")
            # FULL: an order must be on the disk before the miner moves.
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise JournalUnavailable(f"{path}: {error}") from None

    def begin(self, key: Key, now: datetime) -> Known:
        """Write down that an order begins; what was known of it before tells whether it may."""
        try:
            row = self._db.execute("SELECT address, result FROM orders WHERE source=? AND id=?", key).fetchone()
            if row is None:
                self._db.execute("INSERT INTO orders (source, id, begun_at) VALUES (?, ?, ?)", (*key, now.timestamp()))
                return Known(Past.NEW)
        except sqlite3.Error as error:
            raise JournalUnavailable(str(error)) from None
        address, result = row
        return Known(Past.INTERRUPTED) if result is None else Known(Past.DONE, address, result)

    def finish(self, key: Key, address: str, result: bytes) -> None:
        """Write down how an order ended: the result as it is said, and where."""
        try:
            self._db.execute(
                "UPDATE orders SET address=?, result=? WHERE source=? AND id=?",
                (address, result, *key),
            )
        except sqlite3.Error as error:
            raise JournalUnavailable(str(error)) from None

    def forget_old(self, now: datetime) -> int:
        """Remove what is older than 30 days; returns how many."""
        try:
            oldest = now.timestamp() - KEEP_DAYS * 86_400
            return self._db.execute("DELETE FROM orders WHERE begun_at < ?", (oldest,)).rowcount
        except sqlite3.Error as error:
            raise JournalUnavailable(str(error)) from None

    def close(self) -> None:
        """Close the file."""
        self._db.close()
