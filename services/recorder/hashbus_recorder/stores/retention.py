"""How long each grade of detail is kept, and the deleting of what is older."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hashbus_recorder.stores.database import transaction
from hashbus_recorder.stores.points_table import DAY_MS, HOUR_MS
from hashbus_recorder.stores.rollup import FIVE_MINUTES_MS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

POINTS_MS = 1
"""The step under which the points themselves stand among the grades."""

_SERIES_A_SLICE = 50
_TOTALS_NOTE = "totals_before_ms"


@dataclass(frozen=True, slots=True)
class Retention:
    """Days for which points as written, 5-minute and 1-hour buckets, and the site's totals by base bucket are kept.

    Totals by the hour are kept as long as the 1-hour buckets.
    """

    points_days: int = 30
    five_minute_days: int = 180
    hour_days: int = 1830
    totals_days: int = 90


def kept_since(connection: sqlite3.Connection) -> dict[int, int]:
    """Return step of each grade -> moment before which nothing of it is left, in milliseconds since 1970."""
    found: dict[str, int] = dict(connection.execute("SELECT name, value FROM note"))
    return {step_ms: found.get(_note(step_ms), 0) for step_ms in (POINTS_MS, FIVE_MINUTES_MS, HOUR_MS)}


def totals_kept_since(connection: sqlite3.Connection) -> int:
    """Return the moment before which only hourly totals are left."""
    row = connection.execute("SELECT value FROM note WHERE name = ?", (_TOTALS_NOTE,)).fetchone()
    return int(row[0]) if row else 0


def prune(connection: sqlite3.Connection, now_ms: int, retention: Retention) -> Iterator[None]:
    """Delete what is older than its retention, in slices between which points can be written.

    A run moves each limit by one hour at most. Run once a minute that is sixty times faster than time, and a clock that
    jumps a year ahead and is set right within a day has cost two months at the old end, not the record.
    """
    grades = (
        (POINTS_MS, retention.points_days),
        (FIVE_MINUTES_MS, retention.five_minute_days),
        (HOUR_MS, retention.hour_days),
    )
    for step_ms, days in grades:
        before_ms = _move_limit(connection, _note(step_ms), now_ms - days * DAY_MS)
        if before_ms is not None:
            yield from _prune_devices(connection, step_ms, before_ms)
    before_ms = _move_limit(connection, _TOTALS_NOTE, now_ms - retention.totals_days * DAY_MS)
    if before_ms is not None:
        yield from _prune_totals(connection, before_ms, kept_since(connection)[HOUR_MS])


def _move_limit(connection: sqlite3.Connection, note: str, wanted_ms: int) -> int | None:
    """Move a limit towards where it should be; return it when there is something to delete before it."""
    wanted_ms = wanted_ms // HOUR_MS * HOUR_MS
    row = connection.execute("SELECT value FROM note WHERE name = ?", (note,)).fetchone()
    if row and row[0] == wanted_ms:
        return None
    done_ms = max(row[0] if row else 0, _oldest_ms(connection, wanted_ms))
    limit_ms = min(wanted_ms, done_ms + HOUR_MS)
    with transaction(connection):
        connection.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (note, limit_ms))
    return limit_ms if limit_ms > done_ms else None


def _oldest_ms(connection: sqlite3.Connection, otherwise_ms: int) -> int:
    oldest = connection.execute(
        "SELECT min((SELECT min(hour_ms) FROM chunk WHERE series = id)),"
        " min((SELECT min(day_ms) FROM rollup WHERE series = id)) FROM series"
    ).fetchone()
    return min((moment for moment in oldest if moment is not None), default=otherwise_ms)


def _prune_devices(connection: sqlite3.Connection, step_ms: int, before_ms: int) -> Iterator[None]:
    numbers = [number for (number,) in connection.execute("SELECT id FROM series")]
    delete: str
    extra: tuple[int, ...]
    if step_ms == POINTS_MS:
        delete, extra = "DELETE FROM chunk WHERE series = ? AND hour_ms < ?", ()
    else:
        delete, extra = "DELETE FROM rollup WHERE series = ? AND day_ms < ? AND step_ms = ?", (step_ms,)
    for first in range(0, len(numbers), _SERIES_A_SLICE):
        with transaction(connection):
            connection.executemany(
                delete, [(number, before_ms, *extra) for number in numbers[first : first + _SERIES_A_SLICE]]
            )
        yield
    connection.execute("PRAGMA incremental_vacuum(2000)").fetchall()
    yield


def _prune_totals(connection: sqlite3.Connection, before_ms: int, hourly_before_ms: int) -> Iterator[None]:
    metrics = [number for (number,) in connection.execute("SELECT id FROM metric")]
    delete = "DELETE FROM total WHERE metric = ? AND step_ms {} ? AND bucket_ms < ?"
    for metric in metrics:
        with transaction(connection):
            connection.execute(delete.format("<"), (metric, HOUR_MS, before_ms))
            connection.execute(delete.format("="), (metric, HOUR_MS, hourly_before_ms))
        yield


def _note(step_ms: int) -> str:
    return "points_before_ms" if step_ms == POINTS_MS else f"{step_ms // 1000}_s_before_ms"
