"""Roll-ups in an InfluxDB: 5-minute buckets of every device in a bucket of their own, kept longer than the points.

InfluxDB 1 has continuous queries, 2 has tasks, 3 has neither; the recorder does it itself, the same way on all three.
How far it has come is a point in the same bucket, so that any recorder can go on; late points take it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashbus_recorder.repository import Point, from_ms
from hashbus_recorder.stores import influxql
from hashbus_recorder.stores.influx_write import write_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashbus_recorder.stores.influx_server import InfluxServer, Table

STEP_MS = 300_000
PROGRESS = "rollup_progress"

_SLICE_MS = 600_000
"""Asked at once: two buckets of a farm of thousands are a few megabytes."""

_GRACE_MS = 600_000
_SLICES_A_TURN = 144
"""A day of arrears in one go, between which points are written."""


class InfluxRollup:
    """Keeps the roll-ups of one site up to date."""

    def __init__(self, points: InfluxServer, kept: InfluxServer, *, site: str) -> None:
        """Reads from `points`, writes to `kept`."""
        self.server = kept
        self._points = points
        self._site = site
        self._until_ms: int | None = None
        self._noted_ms = 0

    @property
    def until_ms(self) -> int:
        """Return the moment up to which everything is rolled up; 0 when that is not known yet."""
        return self._until_ms or 0

    async def take_back(self, points: Sequence[Point]) -> None:
        """Note late points: what they belong to is rolled up again."""
        oldest_ms = min((point.at_ms for point in points), default=self.until_ms)
        if oldest_ms < self.until_ms:
            await self._note(oldest_ms // _SLICE_MS * _SLICE_MS)

    async def catch_up(self, now_ms: int) -> None:
        """Roll up what is complete and not rolled up yet."""
        if self._until_ms is None:
            self._until_ms = await self._progress()
        if self._until_ms is None:
            return
        self._noted_ms = max(self._noted_ms, now_ms)
        begun_ms = self.until_ms
        last_ms = (now_ms - _GRACE_MS) // _SLICE_MS * _SLICE_MS
        for start_ms in range(begun_ms, last_ms, _SLICE_MS)[:_SLICES_A_TURN]:
            for measurement in await self._measurements():
                await self._roll_up(measurement, start_ms)
            if self._until_ms != start_ms:
                # Late points came meanwhile.
                return
            self._until_ms = start_ms + _SLICE_MS
        if self.until_ms != begun_ms:
            await self._note(self.until_ms)

    async def _roll_up(self, measurement: str, start_ms: int) -> None:
        kinds = kinds_in(await self._points.query(influxql.field_kinds(measurement)))
        numbers = [name for name, kind in kinds.items() if kind != "string"]
        words = [name for name, kind in kinds.items() if kind == "string"]
        text = influxql.roll_up(measurement, self._site, (numbers, words), (start_ms, start_ms + _SLICE_MS), STEP_MS)
        names = influxql.rolled_names(numbers, words)
        points = [
            Point(measurement, table["tags"]["device"], from_ms(row[0]), fields, {"site": self._site})
            for table in await self._points.query(text)
            for row in table["values"]
            if (fields := _present(names, row[1:]))
        ]
        await write_points(self.server.writer, points)

    async def _measurements(self) -> list[str]:
        return [row[0] for table in await self._points.query("SHOW MEASUREMENTS") for row in table["values"]]

    async def _progress(self) -> int | None:
        """Read how far it is; without a note, begin at the oldest point there is; None when there is none."""
        noted = await self.server.query(influxql.newest(PROGRESS, self._site))
        for table in noted:
            self._noted_ms = int(table["values"][0][0])
            return int(dict(zip(table["columns"], table["values"][0], strict=True))["until_ms"])
        oldest = [
            int(table["values"][0][0])
            for measurement in await self._measurements()
            for table in await self._points.query(influxql.oldest(measurement, self._site))
        ]
        return min(oldest) // _SLICE_MS * _SLICE_MS if oldest else None

    async def _note(self, until_ms: int) -> None:
        self._until_ms = until_ms
        # The newest note counts, also one that takes back an earlier one of the same minute.
        self._noted_ms += 1
        note = Point(PROGRESS, "recorder", from_ms(self._noted_ms), {"until_ms": until_ms}, {"site": self._site})
        await write_points(self.server.writer, [note])


def kinds_in(tables: list[Table]) -> dict[str, str]:
    """Return field -> kind of an answer to SHOW FIELD KEYS."""
    return {name: kind for table in tables for name, kind in table["values"]}


def _present(names: Sequence[str], values: Sequence[float | str | None]) -> dict[str, float | str]:
    """Return what is there: a number that was not heard has a count of 0 and nothing else."""
    return {
        name: value
        for name, value in zip(names, values, strict=True)
        if value is not None and not (name.endswith(":n") and value == 0)
    }
