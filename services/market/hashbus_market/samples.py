"""The price samples on disk: one in 15 minutes, kept over a restart for the indicators, in a small SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from hashbus_market.past import Sample

_TABLE = """CREATE TABLE IF NOT EXISTS sample (
    slot INTEGER PRIMARY KEY, price_usd REAL NOT NULL, volume_btc REAL, completeness_pct REAL NOT NULL
) STRICT"""


class SamplesUnavailable(Exception):
    """The file cannot be used; the text says why."""


class Samples:
    """The samples of the bitcoin price. One process has the file."""

    def __init__(self, path: Path) -> None:
        """Open or make the file. SamplesUnavailable when it cannot be."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, isolation_level=None, timeout=5)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.execute(_TABLE)
        except (OSError, sqlite3.Error) as error:
            raise SamplesUnavailable(f"{path}: {error}") from error

    def put(self, slot: int, price_usd: float, volume_btc: float | None, completeness_pct: float) -> None:
        """Keep the sample of a slot; the last one said counts. SamplesUnavailable when the disk does not take it."""
        try:
            self._database.execute(
                "INSERT OR REPLACE INTO sample VALUES (?, ?, ?, ?)", (slot, price_usd, volume_btc, completeness_pct)
            )
        except sqlite3.Error as error:
            raise SamplesUnavailable(str(error)) from error

    def fill(self, samples: Sequence[Sample]) -> None:
        """Keep samples of slots that have none. SamplesUnavailable when the disk does not take them."""
        try:
            self._database.executemany(
                "INSERT OR IGNORE INTO sample VALUES (?, ?, NULL, 0)", [(one.slot, one.price_usd) for one in samples]
            )
        except sqlite3.Error as error:
            raise SamplesUnavailable(str(error)) from error

    def latest(self, most: int) -> list[Sample]:
        """Return the last samples in order. SamplesUnavailable when the file cannot be read."""
        try:
            rows = self._database.execute(
                "SELECT slot, price_usd FROM sample ORDER BY slot DESC LIMIT ?", (most,)
            ).fetchall()
        except sqlite3.Error as error:
            raise SamplesUnavailable(str(error)) from error
        return [Sample(slot, price_usd) for slot, price_usd in reversed(rows)]

    def forget(self, before_slot: int) -> None:
        """Drop what is older."""
        try:
            self._database.execute("DELETE FROM sample WHERE slot < ?", (before_slot,))
        except sqlite3.Error as error:
            raise SamplesUnavailable(str(error)) from error

    def close(self) -> None:
        """Close the file."""
        self._database.close()
