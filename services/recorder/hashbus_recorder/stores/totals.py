"""The site over time: for each base bucket the sum over all devices of their means, and how many devices that is.

A wider bucket is the mean of its base buckets. A miner that reported for one hour of a day therefore counts for one
hour, where the mean of its readings times 24 hours would invent the rest.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from hashbus_recorder.fields import adds_up
from hashbus_recorder.repository import Total
from hashbus_recorder.stores.buckets import Buckets
from hashbus_recorder.stores.points_table import HOUR_MS, read_points

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from hashbus_recorder.repository import Question


def unsettled_hours(connection: sqlite3.Connection, before_ms: int) -> list[tuple[str, int]]:
    """Return (measurement, start of hour) with base buckets that began before `before_ms` and have newer points."""
    found: list[tuple[str, int]] = connection.execute(
        "SELECT DISTINCT measurement, bucket_ms - bucket_ms % ? FROM unsettled WHERE bucket_ms < ?",
        (HOUR_MS, before_ms),
    ).fetchall()
    return found


def settle_hour(connection: sqlite3.Connection, measurement: str, hour_ms: int, before_ms: int, step_ms: int) -> None:
    """Add up the unsettled base buckets of one hour that began before `before_ms`, anew from the points."""
    stop_ms = min(hour_ms + HOUR_MS, before_ms)
    window = (measurement, hour_ms, stop_ms)
    where = "FROM unsettled WHERE measurement = ? AND bucket_ms >= ? AND bucket_ms < ?"
    buckets = {bucket for (bucket,) in connection.execute(f"SELECT bucket_ms {where}", window)}
    sums = _sums_over_devices(connection, measurement, buckets, step_ms)
    metrics = {field: _metric(connection, measurement, field) for field, _ in sums}
    connection.executemany(
        "INSERT OR REPLACE INTO total VALUES (?, ?, ?, ?, ?, 1)",
        [(metrics[field], step_ms, bucket, total, devices) for (field, bucket), (total, devices) in sums.items()],
    )
    _sum_hour(connection, metrics.values(), hour_ms, step_ms)
    connection.execute(f"DELETE {where}", window)


def read_total(connection: sqlite3.Connection, measurement: str, field: str, question: Question, base_ms: int) -> Total:
    """Return one field of the site in the question's buckets, which must be whole multiples of the base step."""
    found = connection.execute(
        "SELECT bucket_ms - bucket_ms % :step, sum(sum) / sum(buckets), 1.0 * sum(devices) / sum(buckets)"
        " FROM total JOIN metric ON metric.id = total.metric"
        " WHERE measurement = :measurement AND field = :field AND step_ms = :kept"
        " AND bucket_ms >= :start AND bucket_ms < :stop GROUP BY 1",
        {
            "step": question.step_ms,
            "kept": base_ms if question.step_ms % HOUR_MS else HOUR_MS,
            "measurement": measurement,
            "field": field,
            "start": question.first_ms,
            "stop": question.stop_ms,
        },
    )
    rows = {bucket: (total, devices) for bucket, total, devices in found}
    starts = range(question.first_ms, question.stop_ms, question.step_ms)
    return Total(
        sum=[rows[start][0] if start in rows else None for start in starts],
        devices=[rows[start][1] if start in rows else 0.0 for start in starts],
    )


def _sums_over_devices(
    connection: sqlite3.Connection, measurement: str, buckets: set[int], step_ms: int
) -> dict[tuple[str, int], tuple[float, int]]:
    """Return (field, bucket) -> sum over devices of the means, number of devices."""
    if not buckets:
        return {}
    start_ms, stop_ms = min(buckets), max(buckets) + step_ms
    sums: dict[tuple[str, int], tuple[float, int]] = defaultdict(lambda: (0.0, 0))
    for (series,) in connection.execute("SELECT id FROM series WHERE measurement = ?", (measurement,)):
        device = Buckets(step_ms)
        for block in read_points(connection, series, start_ms, stop_ms, adds_up):
            device.add_points(block)
        for field, tallies in device.fields.items():
            for bucket, tally in tallies.items():
                if tally.n and bucket in buckets:
                    total, devices = sums[field, bucket]
                    sums[field, bucket] = (total + tally.sum / tally.n, devices + 1)
    return sums


def _sum_hour(connection: sqlite3.Connection, metrics: Iterable[int], hour_ms: int, step_ms: int) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO total SELECT metric, ?, ?, sum(sum), sum(devices), sum(buckets) FROM total"
        " WHERE metric = ? AND step_ms = ? AND bucket_ms >= ? AND bucket_ms < ? GROUP BY metric",
        [(HOUR_MS, hour_ms, metric, step_ms, hour_ms, hour_ms + HOUR_MS) for metric in metrics],
    )


def _metric(connection: sqlite3.Connection, measurement: str, field: str) -> int:
    number: int
    (number,) = connection.execute(
        "INSERT INTO metric (measurement, field) VALUES (?, ?)"
        " ON CONFLICT DO UPDATE SET field = excluded.field RETURNING id",
        (measurement, field),
    ).fetchone()
    return number
