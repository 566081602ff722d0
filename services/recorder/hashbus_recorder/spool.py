"""Points on disk that wait for a store that is away, oldest first; they survive a killed process.

The spool has a bound. At the bound the whole outage gets coarser: of the oldest stretch that is still the finest, every
second point of each device is left out, and so on; only when nothing more can be left out, new points are lost.
"""

from __future__ import annotations

import json
import threading
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hashbus import logs
from hashbus_recorder import metrics
from hashbus_recorder.repository import Point, from_ms
from hashbus_recorder.stores.database import open_file, sqlite_errors, transaction
from hashbus_recorder.thinning import every_other

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_TABLE = """
CREATE TABLE IF NOT EXISTS batch (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    points INTEGER NOT NULL, thinned INTEGER NOT NULL DEFAULT 0, body BLOB NOT NULL
) STRICT
"""
_STRETCH_POINTS = 20_000
"""How many points are thinned at once: enough that every device is in there several times."""

_COARSEST = 8
_FASTEST = 1

log = logs.get("spool")


@dataclass(frozen=True, slots=True)
class Waiting:
    """The oldest points, and the batches to forget when they are written."""

    batches: tuple[int, ...]
    points: list[Point]


class Spool:
    """A bounded queue of points in one file. Its methods block: call them in a thread."""

    def __init__(self, path: Path, *, max_mb: int) -> None:
        """StoreUnavailable when the disk is full, StoreUnusable when the file is damaged."""
        self._path = path
        self._max_bytes = max_mb * 1_000_000
        self._is_thinning = False
        # A cancelled caller's thread may still be at work when the last points are rescued.
        self._one_at_a_time = threading.Lock()
        with sqlite_errors(path):
            self._file = open_file(path)
            self._file.execute(_TABLE)
            self.points, self.bytes = self._file.execute(
                "SELECT coalesce(sum(points), 0), coalesce(sum(length(body)), 0) FROM batch"
            ).fetchone()
        self._show()

    def put(self, points: Sequence[Point]) -> None:
        """Keep points for later. StoreUnavailable when they cannot be kept on disk either."""
        body = _packed(points)
        with self._one_at_a_time, sqlite_errors(self._path):
            if not self._make_room(len(body)):
                metrics.DROPPED.labels("spool").inc(len(points))
                return
            self._file.execute("INSERT INTO batch (points, body) VALUES (?, ?)", (len(points), body))
            self._count(len(points), len(body))

    def oldest(self, max_points: int) -> Waiting:
        """Return the oldest batches, about `max_points` together, without removing them."""
        batches: list[int] = []
        points: list[Point] = []
        with self._one_at_a_time, sqlite_errors(self._path):
            for number, body in self._file.execute("SELECT id, body FROM batch ORDER BY id"):
                batches.append(number)
                points += _unpacked(body, self._path)
                if len(points) >= max_points:
                    break
        return Waiting(tuple(batches), points)

    def remove(self, waiting: Waiting) -> None:
        """Forget batches that are written."""
        with self._one_at_a_time, sqlite_errors(self._path), transaction(self._file):
            for number in waiting.batches:
                self._delete(number)
        if self.points == 0:
            self._is_thinning = False

    def close(self) -> None:
        """Let go of the file."""
        with self._one_at_a_time, sqlite_errors(self._path):
            self._file.close()

    def _make_room(self, length: int) -> bool:
        while self.bytes + length > self._max_bytes:
            if not self._is_thinning:
                self._is_thinning = True
                log.warning("spool is full: waiting points get coarser", max_mb=self._max_bytes // 1_000_000)
            if not self._thin():
                return False
        return True

    def _thin(self) -> bool:
        """Make the oldest of the finest stretch coarser; False when nothing can be left out any more."""
        stretch: list[int] = []
        points: list[Point] = []
        (finest,) = self._file.execute("SELECT min(thinned) FROM batch").fetchone()
        if finest is None or finest >= _COARSEST:
            return False
        for number, body in self._file.execute("SELECT id, body FROM batch WHERE thinned = ? ORDER BY id", (finest,)):
            stretch.append(number)
            points += _unpacked(body, self._path)
            if len(points) >= _STRETCH_POINTS:
                break
        kept = every_other(points)
        metrics.THINNED.labels("spool").inc(len(points) - len(kept))
        body = _packed(kept)
        with transaction(self._file):
            for number in stretch:
                self._delete(number)
            # Under the first number of the stretch it keeps its place in the queue.
            self._file.execute("INSERT INTO batch VALUES (?, ?, ?, ?)", (stretch[0], len(kept), finest + 1, body))
        self._count(len(kept), len(body))
        return True

    def _delete(self, number: int) -> None:
        row = self._file.execute("DELETE FROM batch WHERE id = ? RETURNING points, length(body)", (number,)).fetchone()
        if row:
            self._count(-row[0], -row[1])

    def _count(self, points: int, length: int) -> None:
        self.points += points
        self.bytes += length
        self._show()

    def _show(self) -> None:
        metrics.SPOOL_POINTS.set(self.points)
        metrics.SPOOL_BYTES.set(self.bytes)


def _packed(points: Sequence[Point]) -> bytes:
    rows = [[point.measurement, point.device, point.at_ms, dict(point.fields), dict(point.tags)] for point in points]
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), _FASTEST)


def _unpacked(body: bytes, path: Path) -> list[Point]:
    try:
        rows = json.loads(zlib.decompress(body))
        return [
            Point(measurement, device, from_ms(at_ms), fields, tags)
            for measurement, device, at_ms, fields, tags in rows
        ]
    except (zlib.error, ValueError, TypeError) as error:
        # Damage from outside; what is around it is still good.
        log.error("a batch of the spool does not read and is lost", path=str(path), problem=str(error))
        return []
