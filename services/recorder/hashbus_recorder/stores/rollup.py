"""One device over time: from its points, or by the day from the 5-minute and 1-hour buckets that are kept longer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hashbus import logs
from hashbus_recorder import metrics
from hashbus_recorder.stores.buckets import Buckets
from hashbus_recorder.stores.columns import BrokenBlock, cut, pack, unpack
from hashbus_recorder.stores.points_table import DAY_MS, HOUR_MS, read_points

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from hashbus_recorder.repository import Question

log = logs.get("store")

FIVE_MINUTES_MS = 300_000
TIERS_MS = (HOUR_MS, FIVE_MINUTES_MS)
"""Coarsest first. Both divide a day; three of the finer ones are a quarter of an hour, the interval of most tariffs."""


def undigested_days(connection: sqlite3.Connection, before_ms: int, limit: int) -> list[tuple[int, int]]:
    """Return up to `limit` (series, start of day) that ended before `before_ms` and have newer points than roll-ups."""
    found: list[tuple[int, int]] = connection.execute(
        "SELECT series, day_ms FROM undigested WHERE day_ms <= ? LIMIT ?", (before_ms - DAY_MS, limit)
    ).fetchall()
    return found


def digest_day(connection: sqlite3.Connection, series: int, day_ms: int) -> None:
    """Roll one day of one device up, anew from its points."""
    tiers = {step_ms: Buckets(step_ms) for step_ms in TIERS_MS}
    for block in read_points(connection, series, day_ms, day_ms + DAY_MS):
        for buckets in tiers.values():
            buckets.add_points(block)
    connection.executemany(
        "INSERT INTO rollup VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
        [(series, step_ms, day_ms, pack(buckets.packed())) for step_ms, buckets in tiers.items()],
    )
    connection.execute("DELETE FROM undigested WHERE series = ? AND day_ms = ?", (series, day_ms))


def coarsen(question: Question, kept_since_ms: Mapping[int, int]) -> Question:
    """Widen the step to the finest that is still kept at the start of the window.

    `kept_since_ms` says since when points (step 1) and each tier are kept.
    """
    start_ms = question.first_ms
    finest_ms = min(
        (step_ms for step_ms, since_ms in kept_since_ms.items() if start_ms >= since_ms), default=max(kept_since_ms)
    )
    if finest_ms == 1 or question.step_ms % finest_ms == 0:
        return question
    return replace(question, step_s=-(-question.step_ms // finest_ms) * finest_ms // 1000)


def read_buckets(
    connection: sqlite3.Connection, series: int, question: Question, is_wanted: Callable[[str], bool]
) -> Buckets:
    """Read one device in the question's buckets, each day from the coarsest tier that fits and is up to date."""
    buckets = Buckets(question.step_ms)
    start_ms, stop_ms = question.first_ms, question.stop_ms
    tier_ms = next((tier for tier in TIERS_MS if question.step_ms % tier == 0), None)
    digested = _digested_days(connection, series, tier_ms, start_ms, stop_ms) if tier_ms else {}
    wanted_parts = _parts_of(is_wanted)
    for day_ms in range(start_ms // DAY_MS * DAY_MS, stop_ms, DAY_MS):
        from_ms, to_ms = max(start_ms, day_ms), min(stop_ms, day_ms + DAY_MS)
        if day_ms in digested:
            try:
                buckets.add_finer(cut(unpack(digested[day_ms], wanted_parts), from_ms, to_ms))
                continue
            except BrokenBlock as error:
                metrics.BROKEN_BLOCKS.inc()
                log.error("a day's roll-up does not read; its points are asked", problem=str(error))
        for block in read_points(connection, series, from_ms, to_ms, is_wanted):
            buckets.add_points(block)
    return buckets


def _digested_days(
    connection: sqlite3.Connection, series: int, tier_ms: int, start_ms: int, stop_ms: int
) -> dict[int, bytes]:
    window = (series, start_ms // DAY_MS * DAY_MS, stop_ms)
    days: dict[int, bytes] = dict(
        connection.execute(
            "SELECT day_ms, body FROM rollup WHERE step_ms = ? AND series = ? AND day_ms >= ? AND day_ms < ?",
            (tier_ms, *window),
        )
    )
    newer = "SELECT day_ms FROM undigested WHERE series = ? AND day_ms >= ? AND day_ms < ?"
    loose = "SELECT DISTINCT at_ms - at_ms % ? FROM recent WHERE series = ? AND at_ms >= ? AND at_ms < ?"
    for (day_ms,) in [*connection.execute(newer, window), *connection.execute(loose, (DAY_MS, *window))]:
        days.pop(day_ms, None)
    return days


def _parts_of(is_wanted: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda column: column.rpartition(":")[0] != "" and is_wanted(column.rpartition(":")[0])
