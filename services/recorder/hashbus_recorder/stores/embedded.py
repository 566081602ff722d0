"""The store that needs no server: one SQLite file, written by one thread and read by another.

Points are committed as rows, packed hour by hour into columns, rolled up day by day, and added up for the site; see
points_table.py, rollup.py and totals.py. Whatever is derived is computed anew from the points when they change, so
late and repeated points, a killed process and a moved clock leave nothing wrong behind.
"""

from __future__ import annotations

import asyncio
import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from hashbus_recorder.repository import History, Point, Samples, Series, Totals, from_ms, to_ms
from hashbus_recorder.stores import database, points_table, retention, rollup, totals
from hashbus_recorder.stores.database import transaction
from hashbus_recorder.stores.points_table import DAY_MS, HOUR_MS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from hashbus_recorder.repository import Question
    from hashbus_recorder.stores.columns import Block
    from hashbus_recorder.stores.retention import Retention

P = ParamSpec("P")
R = TypeVar("R")

_PACK_GRACE_MS = 300_000
"""How long after its end an hour is packed: most late points come within five minutes."""

_SETTLE_GRACE_MS = 10_000
_SLICE = 20


class EmbeddedStore:
    """A TimeSeriesRepository in one file. `open` it; only one process may."""

    def __init__(self, path: Path, keep: Retention, *, totals_step_s: int = 60, max_mb: int | None = None) -> None:
        """`totals_step_s` divides an hour and is at least twice the poll interval; `max_mb` bounds the file."""
        self._path = path
        self._keep = keep
        self._totals_step_ms = totals_step_s * 1000
        self._lock = database.take_ownership(path)
        try:
            self._written = database.open_database(path, max_mb)
            self._read = database.open_reader(path)
        except BaseException:
            os.close(self._lock)
            raise
        self._points = points_table.PointWriter(self._written, totals_step_ms=self._totals_step_ms)
        self._writing = ThreadPoolExecutor(1, "recorder-write")
        self._reading = ThreadPoolExecutor(1, "recorder-read")

    async def write(self, points: Sequence[Point]) -> None:
        """Keep the points in one transaction."""
        await self._on_writer(lambda _: self._points.write(points))

    async def history(self, question: Question) -> History:
        """Return one device over time, from points or roll-ups."""
        return await self._on_reader(_history, question)

    async def totals(self, question: Question) -> Totals:
        """Return the site over time. The step is widened to whole base buckets."""
        for measurement, hour_ms in await self._on_writer(totals.unsettled_hours, question.stop_ms):
            if measurement == question.measurement and hour_ms + HOUR_MS > question.first_ms:
                await self._on_writer(_settle, measurement, hour_ms, question.stop_ms, self._totals_step_ms)
        return await self._on_reader(_totals, question, self._totals_step_ms)

    async def samples(self, question: Question) -> AsyncIterator[Samples]:
        """Return one device's points as written, a day at a time."""
        for start_ms in range(to_ms(question.start), to_ms(question.stop), DAY_MS):
            stop_ms = min(start_ms + DAY_MS, to_ms(question.stop))
            for block in await self._on_reader(_blocks, question, start_ms, stop_ms):
                yield Samples([from_ms(time) for time in block.times_ms], block.columns)

    async def latest(self, measurement: str, device: str) -> Point | None:
        """Return the newest point of a device."""
        return await self._on_reader(_latest, measurement, device)

    async def series(self) -> list[Series]:
        """Return what is kept."""
        return await self._on_reader(_series)

    async def maintain(self, now: datetime) -> None:
        """Add up, pack, roll up and prune, in slices between which points are written."""
        chores = _chores(self._written, to_ms(now), self._keep, self._totals_step_ms)
        while await self._on_writer(lambda _: next(chores, "done")) != "done":
            pass
        kept = await self._on_writer(retention.kept_since)
        # A day of which some hours are gone cannot be rolled up anew, so nothing is added to it.
        self._points.keeps_from_ms = -(-kept[retention.POINTS_MS] // DAY_MS) * DAY_MS

    async def close(self) -> None:
        """Finish what is under way and let go of the file."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._reading.shutdown()
        self._writing.shutdown()
        self._read.close()
        with database.sqlite_errors(self._path):
            self._written.close()
        os.close(self._lock)

    async def _on_writer(
        self, do: Callable[Concatenate[sqlite3.Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        def work() -> R:
            with database.sqlite_errors(self._path):
                return do(self._written, *args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._writing, work)

    async def _on_reader(
        self, do: Callable[Concatenate[sqlite3.Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        def work() -> R:
            with database.sqlite_errors(self._path), _snapshot(self._read):
                return do(self._read, *args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._reading, work)


@contextmanager
def _snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Read everything as of one moment, whatever is written or packed meanwhile."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def _history(connection: sqlite3.Connection, question: Question) -> History:
    question = rollup.coarsen(question, retention.kept_since(connection))
    number, names = _fields_of(connection, question)
    starts = range(question.first_ms, question.stop_ms, question.step_ms)
    buckets = rollup.read_buckets(connection, number, question, set(names).__contains__)
    return History(question.step_s, question.moments(), {name: buckets.column(name, starts) for name in names})


def _totals(connection: sqlite3.Connection, question: Question, base_ms: int) -> Totals:
    is_old = question.first_ms < retention.totals_kept_since(connection)
    unit_ms = HOUR_MS if is_old else base_ms
    question = replace(question, step_s=-(-question.step_ms // unit_ms) * unit_ms // 1000)
    (known,) = connection.execute(
        "SELECT count(*) FROM series WHERE measurement = ?", (question.measurement,)
    ).fetchone()
    names = question.fields or [
        field
        for (field,) in connection.execute(
            "SELECT field FROM metric WHERE measurement = ? ORDER BY field", (question.measurement,)
        )
    ]
    columns = {name: totals.read_total(connection, question.measurement, name, question, base_ms) for name in names}
    return Totals(question.step_s, question.moments(), columns, known)


def _blocks(connection: sqlite3.Connection, question: Question, start_ms: int, stop_ms: int) -> list[Block]:
    number, names = _fields_of(connection, question)
    wanted = set(names).__contains__
    blocks = points_table.read_points(connection, number, start_ms, stop_ms, wanted)
    return [block for block in blocks if block.times_ms]


def _latest(connection: sqlite3.Connection, measurement: str, device: str) -> Point | None:
    row = connection.execute(
        "SELECT id, tags FROM series WHERE measurement = ? AND device = ?", (measurement, device)
    ).fetchone()
    newest_ms = _newest_ms(connection, row[0]) if row else None
    if row is None or newest_ms is None:
        return None
    (block,) = points_table.read_points(connection, row[0], newest_ms, newest_ms + 1)
    fields = {name: values[0] for name, values in block.columns.items() if values[0] is not None}
    return Point(measurement, device, from_ms(newest_ms), fields, json.loads(row[1]))


def _newest_ms(connection: sqlite3.Connection, number: int) -> int | None:
    (loose_ms,) = connection.execute("SELECT max(at_ms) FROM recent WHERE series = ?", (number,)).fetchone()
    (hour_ms,) = connection.execute("SELECT max(hour_ms) FROM chunk WHERE series = ?", (number,)).fetchone()
    if hour_ms is None or (loose_ms is not None and loose_ms >= hour_ms + HOUR_MS):
        return int(loose_ms) if loose_ms is not None else None
    # The times alone are read, without any field.
    hour = points_table.read_points(connection, number, hour_ms, hour_ms + HOUR_MS, lambda _: False)
    return next((block.times_ms[-1] for block in hour if block.times_ms), None)


def _series(connection: sqlite3.Connection) -> list[Series]:
    found = []
    for number, measurement, device, tags, fields in connection.execute(
        "SELECT id, measurement, device, tags, fields FROM series ORDER BY measurement, device"
    ).fetchall():
        newest_ms = _newest_ms(connection, number)
        last_at = from_ms(newest_ms) if newest_ms is not None else None
        found.append(Series(measurement, device, tuple(json.loads(fields)), last_at, json.loads(tags)))
    return found


def _fields_of(connection: sqlite3.Connection, question: Question) -> tuple[int, tuple[str, ...]]:
    row = connection.execute(
        "SELECT id, fields FROM series WHERE measurement = ? AND device = ?",
        (question.measurement, question.device),
    ).fetchone()
    number, fields = row or (-1, "[]")
    return number, question.fields or tuple(json.loads(fields))


def _settle(connection: sqlite3.Connection, measurement: str, hour_ms: int, before_ms: int, step_ms: int) -> None:
    with transaction(connection):
        totals.settle_hour(connection, measurement, hour_ms, before_ms, step_ms)


def _chores(connection: sqlite3.Connection, now_ms: int, keep: Retention, step_ms: int) -> Iterator[None]:
    settled_ms = (now_ms - _SETTLE_GRACE_MS) // step_ms * step_ms
    for measurement, hour_ms in totals.unsettled_hours(connection, settled_ms):
        _settle(connection, measurement, hour_ms, settled_ms, step_ms)
        yield
    while hours := points_table.hours_to_pack(connection, now_ms - _PACK_GRACE_MS, _SLICE):
        with transaction(connection):
            for number, hour_ms in hours:
                points_table.pack_hour(connection, number, hour_ms)
        yield
    while days := rollup.undigested_days(connection, now_ms - _PACK_GRACE_MS, _SLICE // 10):
        with transaction(connection):
            for number, day_ms in days:
                rollup.digest_day(connection, number, day_ms)
        yield
    yield from retention.prune(connection, now_ms, keep)
