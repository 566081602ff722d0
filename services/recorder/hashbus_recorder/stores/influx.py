"""InfluxDB 1, 2 and 3: writes line protocol, reads InfluxQL, whose `/query` all three answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hashbus import logs
from hashbus_recorder.fields import adds_up
from hashbus_recorder.repository import (
    Column,
    History,
    Point,
    Samples,
    Series,
    StoreUnavailable,
    Total,
    Totals,
    from_ms,
    to_ms,
)
from hashbus_recorder.stores import influxql
from hashbus_recorder.stores.influx_rollup import STEP_MS, InfluxRollup, kinds_in
from hashbus_recorder.stores.influx_write import write_points

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from hashbus_recorder.repository import Question
    from hashbus_recorder.stores.influx_server import InfluxServer, Table

_DAY_MS = 86_400_000

log = logs.get("influx")


class InfluxStore:
    """A TimeSeriesRepository in an InfluxDB."""

    def __init__(
        self,
        server: InfluxServer,
        *,
        site: str,
        totals_step_s: int = 60,
        retention_days: int | None = None,
        rollups: InfluxServer | None = None,
    ) -> None:
        """`retention_days` is set on the database where its token permits; None leaves it as it is.

        `rollups` is where 5-minute buckets are kept when points are not kept long enough.
        """
        self._server = server
        self._site = site
        self._totals_step_s = totals_step_s
        self._retention_days = retention_days
        self._is_retention_set = retention_days is None
        self._rollup = InfluxRollup(server, rollups, site=site) if rollups else None
        self._points_since_ms = 0
        self._said: set[str] = set()
        self._kinds: dict[str, dict[str, str]] = {}

    async def write(self, points: Sequence[Point]) -> None:
        """Post the points as line protocol."""
        await write_points(self._server.writer, points)
        if self._rollup:
            await self._rollup.take_back(points)

    async def history(self, question: Question) -> History:
        """Return one device over time; the database does the averaging."""
        question = self._coarsened(question, 1)
        kinds = await self._kinds_of(question)
        names = question.fields or tuple(kinds)
        numbers = [name for name in names if kinds.get(name, "string") != "string"]
        words = [name for name in names if kinds.get(name) == "string"]
        rows: dict[int, list[Any]] = {}
        for server, is_rolled, part in self._parts(question) if numbers or words else ():
            ask = influxql.rolled_history if is_rolled else influxql.history
            rows |= _rows(await server.query(ask(part, self._site, numbers, words)))
        starts = range(question.first_ms, question.stop_ms, question.step_ms)
        cells = [rows.get(start) or [None] * (4 * len(numbers) + len(words)) for start in starts]
        empty: list[Any] = [None] * len(cells)
        columns = {name: Column(empty, empty, empty, empty) for name in names}
        for place, name in enumerate(numbers):
            columns[name] = Column(*([row[4 * place + part] for row in cells] for part in range(4)))
        for place, name in enumerate(words, start=4 * len(numbers)):
            columns[name] = Column(empty, empty, empty, [row[place] for row in cells])
        return History(question.step_s, question.moments(), columns)

    async def totals(self, question: Question) -> Totals:
        """Return the site over time; the database does the adding up."""
        question = self._coarsened(question, self._totals_step_s)
        kinds = await self._kinds_of(question)
        names = question.fields or tuple(name for name in kinds if adds_up(name))
        columns = {name: await self._total(question, name) for name in names}
        known = await self._server.query(influxql.devices(question.measurement, self._site))
        return Totals(question.step_s, question.moments(), columns, sum(len(table["values"]) for table in known))

    async def _total(self, question: Question, field: str) -> Total:
        rows: dict[int, list[Any]] = {}
        for server, is_rolled, part in self._parts(question):
            ask, base_ms = (
                (influxql.rolled_total, STEP_MS) if is_rolled else (influxql.total, self._totals_step_s * 1000)
            )
            rows |= _rows(await server.query(ask(part, self._site, field, base_ms)))
        cells = [
            rows.get(start, (None, None)) for start in range(question.first_ms, question.stop_ms, question.step_ms)
        ]
        return Total([total for total, _ in cells], [devices or 0.0 for _, devices in cells])

    def _coarsened(self, question: Question, unit_s: int) -> Question:
        """Widen the step to whole units, and to what the roll-ups have where the points are gone."""
        if self._rollup and question.first_ms < self._points_since_ms:
            unit_s = STEP_MS // 1000
        return replace(question, step_s=-(-question.step_s // unit_s) * unit_s)

    def _parts(self, question: Question) -> list[tuple[InfluxServer, bool, Question]]:
        """Cut a question into what the roll-ups answer, when it is long, and what the points answer."""
        is_long = question.stop_ms - question.first_ms > _DAY_MS or question.first_ms < self._points_since_ms
        if self._rollup is None or not is_long or question.step_ms % STEP_MS:
            return [(self._server, False, question)]
        cut_ms = self._rollup.until_ms // question.step_ms * question.step_ms
        cut_ms = max(question.first_ms, min(cut_ms, question.stop_ms))
        parts = [
            (self._rollup.server, True, replace(question, stop=from_ms(cut_ms))),
            (self._server, False, replace(question, start=from_ms(cut_ms))),
        ]
        return [part for part in parts if part[2].buckets]

    async def samples(self, question: Question) -> AsyncIterator[Samples]:
        """Return one device's points as written, a day at a time."""
        names = question.fields or tuple(await self._kinds_of(question))
        if not names:
            return
        for start_ms in range(to_ms(question.start), to_ms(question.stop), _DAY_MS):
            stop_ms = min(start_ms + _DAY_MS, to_ms(question.stop))
            text = influxql.samples(question, self._site, names, start_ms, stop_ms)
            for table in await self._server.query(text):
                rows = table["values"]
                columns = {name: [row[place] for row in rows] for place, name in enumerate(names, start=1)}
                yield Samples([from_ms(row[0]) for row in rows], columns)

    async def latest(self, measurement: str, device: str) -> Point | None:
        """Return the newest point of a device."""
        found = await self._server.query(influxql.newest(measurement, self._site, device))
        points = [_point(measurement, table) for table in found]
        return max(points, key=lambda point: point.at, default=None)

    async def series(self) -> list[Series]:
        """Return what is kept."""
        found = []
        for table in await self._server.query("SHOW MEASUREMENTS"):
            for (measurement,) in table["values"]:
                found += await self._series_of(measurement)
        return sorted(found, key=lambda one: (one.measurement, one.device))

    async def _series_of(self, measurement: str) -> list[Series]:
        newest: dict[str, Point] = {}
        for table in await self._server.query(influxql.newest(measurement, self._site)):
            point = _point(measurement, table)
            before = newest.get(point.device)
            newest[point.device] = point if before is None or point.at > before.at else before
        return [
            Series(measurement, point.device, tuple(sorted(point.fields)), point.at, point.tags)
            for point in newest.values()
        ]

    async def maintain(self, now: datetime) -> None:
        """Set the retention of the database, until that is done, and roll up what is complete."""
        if self._retention_days is not None:
            self._points_since_ms = to_ms(now) - self._retention_days * _DAY_MS
        if self._retention_days is not None and not self._is_retention_set:
            try:
                await self._server.keep_days(self._retention_days)
                self._is_retention_set = True
            except StoreUnavailable as problem:
                self._say_once(str(problem))
        if self._rollup:
            await self._rollup.catch_up(to_ms(now))

    def _say_once(self, problem: str) -> None:
        if problem not in self._said:
            self._said.add(problem)
            log.warning("retention not set; set it by hand", days=self._retention_days, problem=problem)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._server.close()
        if self._rollup:
            await self._rollup.server.close()

    async def _kinds_of(self, question: Question) -> dict[str, str]:
        """Return the fields of a measurement and their kinds, asked again when a field is not known."""
        known = self._kinds.get(question.measurement, {})
        if not known or not known.keys() >= set(question.fields):
            known = kinds_in(await self._server.query(influxql.field_kinds(question.measurement)))
            self._kinds[question.measurement] = known
        return known


def _rows(tables: list[Table]) -> dict[int, list[Any]]:
    return {row[0]: row[1:] for table in tables for row in table["values"]}


def _point(measurement: str, table: dict[str, Any]) -> Point:
    tags = {name: value for name, value in table.get("tags", {}).items() if value}
    device = tags.pop("device", "")
    fields = {
        name: value
        for name, value in zip(table["columns"][1:], table["values"][0][1:], strict=True)
        if value is not None
    }
    return Point(measurement, device, from_ms(table["values"][0][0]), fields, tags)
