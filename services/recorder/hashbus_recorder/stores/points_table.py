"""Points as they were written: the last hour as rows, every complete hour of a device as one packed block."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from hashbus import logs
from hashbus_recorder import metrics
from hashbus_recorder.repository import PointsRefused, from_ms
from hashbus_recorder.stores.columns import Block, BrokenBlock, cut, merge, pack, unpack
from hashbus_recorder.stores.database import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from hashbus_recorder.repository import FieldValue, Point

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

_EMPTY = Block([], {})

log = logs.get("store")


class _KnownSeries(NamedTuple):
    number: int
    tags: str
    fields: frozenset[str]


_UNKNOWN = _KnownSeries(-1, "", frozenset())


class PointWriter:
    """Writes points and remembers which hours and site totals they touch. For the one writing thread."""

    def __init__(self, connection: sqlite3.Connection, *, totals_step_ms: int, keeps_from_ms: int = 0) -> None:
        """`totals_step_ms` is the width of the totals' base buckets; points older than `keeps_from_ms` are refused."""
        self.keeps_from_ms = keeps_from_ms
        self._connection = connection
        self._totals_step_ms = totals_step_ms
        self._series = {
            (measurement, device): _KnownSeries(number, tags, frozenset(json.loads(fields)))
            for number, measurement, device, tags, fields in connection.execute(
                "SELECT id, measurement, device, tags, fields FROM series"
            )
        }

    def write(self, points: Sequence[Point]) -> None:
        """Keep the points in one transaction; PointsRefused for those that can never be kept."""
        refused: list[Point] = []
        rows: list[tuple[Point, int, str]] = []
        reasons: dict[str, None] = {}
        for point in points:
            try:
                rows.append((point, self._kept_at_ms(point), _body(point.fields)))
            except (TypeError, ValueError) as error:
                refused.append(point)
                reasons[str(error)] = None
        known = dict(self._series)
        try:
            with transaction(self._connection):
                self._insert(rows)
        except BaseException:
            self._series = known
            raise
        if refused:
            raise PointsRefused(refused, "; ".join(list(reasons)[:3]))

    def _kept_at_ms(self, point: Point) -> int:
        at_ms = point.at_ms
        if at_ms < self.keeps_from_ms:
            raise ValueError(f"older than what is kept; that begins at {from_ms(self.keeps_from_ms).isoformat()}")
        return at_ms

    def _insert(self, rows: list[tuple[Point, int, str]]) -> None:
        self._connection.executemany(
            # The same moment again replaces the fields it brings and keeps the others, as InfluxDB does.
            "INSERT INTO recent VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = json_patch(body, excluded.body)",
            [(self._series_number(point), at_ms, body) for point, at_ms, body in rows],
        )
        step_ms = self._totals_step_ms
        touched = {(point.measurement, at_ms // step_ms * step_ms) for point, at_ms, _ in rows}
        self._connection.executemany("INSERT OR IGNORE INTO unsettled VALUES (?, ?)", touched)

    def _series_number(self, point: Point) -> int:
        known = self._series.get((point.measurement, point.device), _UNKNOWN)
        tags = json.dumps(dict(point.tags), sort_keys=True) if point.tags else "{}"
        if known.number < 0 or known.tags != tags or not point.fields.keys() <= known.fields:
            fields = known.fields | point.fields.keys()
            (number,) = self._connection.execute(
                "INSERT INTO series (measurement, device, tags, fields) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET tags = excluded.tags, fields = excluded.fields RETURNING id",
                (point.measurement, point.device, tags, json.dumps(sorted(fields))),
            ).fetchone()
            known = _KnownSeries(number, tags, fields)
            self._series[point.measurement, point.device] = known
        return known.number


def hours_to_pack(connection: sqlite3.Connection, before_ms: int, limit: int) -> list[tuple[int, int]]:
    """Return up to `limit` (series, start of hour) with rows of hours that ended before `before_ms`, oldest first."""
    found: list[tuple[int, int]] = connection.execute(
        "SELECT DISTINCT series, at_ms - at_ms % ? AS hour_ms FROM recent WHERE at_ms < ? LIMIT ?",
        (HOUR_MS, before_ms // HOUR_MS * HOUR_MS, limit),
    ).fetchall()
    return found


def pack_hour(connection: sqlite3.Connection, series: int, hour_ms: int) -> None:
    """Move the rows of one hour of one device into its block and mark the day as not yet rolled up."""
    block = read_hour(connection, series, hour_ms)
    connection.execute(
        "INSERT INTO chunk VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
        (series, hour_ms, pack(block)),
    )
    connection.execute(
        "DELETE FROM recent WHERE series = ? AND at_ms >= ? AND at_ms < ?", (series, hour_ms, hour_ms + HOUR_MS)
    )
    connection.execute("INSERT OR IGNORE INTO undigested VALUES (?, ?)", (series, hour_ms // DAY_MS * DAY_MS))


def read_hour(connection: sqlite3.Connection, series: int, hour_ms: int) -> Block:
    """Return one hour of one device, packed and late points together."""
    return next(read_points(connection, series, hour_ms, hour_ms + HOUR_MS), _EMPTY)


def read_points(
    connection: sqlite3.Connection,
    series: int,
    start_ms: int,
    stop_ms: int,
    is_wanted: Callable[[str], bool] = bool,
) -> Iterator[Block]:
    """Yield the points of one device from `start_ms` to before `stop_ms`, hour by hour, in order.

    `is_wanted` chooses the fields by their names. To be read within one transaction, or an hour that is packed
    meanwhile would be missed.
    """
    first_hour = start_ms // HOUR_MS * HOUR_MS
    packed = connection.execute(
        "SELECT hour_ms, body FROM chunk WHERE series = ? AND hour_ms >= ? AND hour_ms < ? ORDER BY hour_ms",
        (series, first_hour, stop_ms),
    )
    loose = _loose_hours(connection, series, start_ms, stop_ms, is_wanted)
    for hour_ms, body in packed:
        for earlier in [hour for hour in loose if hour < hour_ms]:
            yield merge(_EMPTY, loose.pop(earlier))
        block = _readable(body, is_wanted)
        if hour_ms in loose:
            block = merge(block, loose.pop(hour_ms))
        yield cut(block, start_ms, stop_ms)
    for hour in list(loose):
        yield merge(_EMPTY, loose.pop(hour))


def _readable(body: bytes, is_wanted: Callable[[str], bool]) -> Block:
    """Read a block; one that was damaged on disk is told and shows as a gap, so that the rest can be used."""
    try:
        return unpack(body, is_wanted)
    except BrokenBlock as error:
        metrics.BROKEN_BLOCKS.inc()
        log.error("an hour of a device does not read and shows as a gap", problem=str(error))
        return _EMPTY


def _loose_hours(
    connection: sqlite3.Connection, series: int, start_ms: int, stop_ms: int, is_wanted: Callable[[str], bool]
) -> dict[int, dict[int, dict[str, FieldValue]]]:
    """Return the rows that are in no block yet: hour -> moment -> fields, in order."""
    hours: dict[int, dict[int, dict[str, FieldValue]]] = {}
    for at_ms, body in connection.execute(
        "SELECT at_ms, body FROM recent WHERE series = ? AND at_ms >= ? AND at_ms < ? ORDER BY at_ms",
        (series, start_ms, stop_ms),
    ):
        found = {name: value for name, value in json.loads(body).items() if is_wanted(name)}
        hours.setdefault(at_ms // HOUR_MS * HOUR_MS, {})[at_ms] = found
    return hours


def _body(fields: Mapping[str, FieldValue]) -> str:
    if not fields:
        raise ValueError("it has no field")
    # Numbers are kept as doubles: a yes is 1.0, and a counter beyond 2**53 loses its last digits.
    numbers = {name: value if isinstance(value, str) else float(value) for name, value in fields.items()}
    return json.dumps(numbers, allow_nan=False, separators=(",", ":"))
