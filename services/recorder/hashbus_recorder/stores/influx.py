"""InfluxDB 1, 2 and 3: writes line protocol, reads InfluxQL, whose `/query` all three answer."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aiohttp

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
from hashbus_recorder.stores.influx_write import LineWriter, V1Writer, V2Writer, asked, is_elsewhere, write_points

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from hashbus_recorder.repository import Question

_DAY_MS = 86_400_000
_TIMEOUT = aiohttp.ClientTimeout(total=60, connect=5)

log = logs.get("influx")


class InfluxStore:
    """A TimeSeriesRepository in an InfluxDB. `bucket` may be `database/retention_policy`, as InfluxDB 1 writes it."""

    def __init__(
        self, server: InfluxServer, *, site: str, totals_step_s: int = 60, retention_days: int | None = None
    ) -> None:
        """`retention_days` is set on the database where its token permits; None leaves it as it is."""
        self._server = server
        self._site = site
        self._totals_step_s = totals_step_s
        self._retention_days = retention_days
        self._kinds: dict[str, dict[str, str]] = {}

    async def write(self, points: Sequence[Point]) -> None:
        """Post the points as line protocol."""
        await write_points(self._server.writer, points)

    async def history(self, question: Question) -> History:
        """Return one device over time; the database does the averaging."""
        kinds = await self._kinds_of(question)
        names = question.fields or tuple(kinds)
        numbers = [name for name in names if kinds.get(name, "string") != "string"]
        words = [name for name in names if kinds.get(name) == "string"]
        asked = bool(numbers or words)
        found = await self._server.query(influxql.history(question, self._site, numbers, words)) if asked else []
        rows = {row[0]: row[1:] for table in found for row in table["values"]}
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
        base_s = self._totals_step_s
        question = replace(question, step_s=-(-question.step_s // base_s) * base_s)
        kinds = await self._kinds_of(question)
        names = question.fields or tuple(name for name in kinds if adds_up(name))
        columns = {name: await self._total(question, name) for name in names}
        known = await self._server.query(influxql.devices(question.measurement, self._site))
        return Totals(question.step_s, question.moments(), columns, sum(len(table["values"]) for table in known))

    async def _total(self, question: Question, field: str) -> Total:
        found = await self._server.query(influxql.total(question, self._site, field, self._totals_step_s * 1000))
        rows = {row[0]: (row[1], row[2]) for table in found for row in table["values"]}
        cells = [
            rows.get(start, (None, None)) for start in range(question.first_ms, question.stop_ms, question.step_ms)
        ]
        return Total([total for total, _ in cells], [devices or 0.0 for _, devices in cells])

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
        """Set the database's own retention, once; it deletes by itself what is older."""
        del now
        if self._retention_days is not None:
            days, self._retention_days = self._retention_days, None
            with suppress(StoreUnavailable):
                await self._server.keep_days(days)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._server.close()

    async def _kinds_of(self, question: Question) -> dict[str, str]:
        """Return the fields of a measurement and their kinds, asked again when a field is not known."""
        known = self._kinds.get(question.measurement, {})
        if not known or not known.keys() >= set(question.fields):
            found = await self._server.query(influxql.field_kinds(question.measurement))
            known = {name: kind for table in found for name, kind in table["values"]}
            self._kinds[question.measurement] = known
        return known


class InfluxServer:
    """The connection to one database: where it is, who we are there, how it is written and asked."""

    def __init__(self, url: str, *, bucket: str, org: str, token: str, api: str) -> None:
        """`api` is `v1` or `v2`, the call that writes; an InfluxDB 1 token is `user:password`."""
        self._url = url.rstrip("/")
        self._bucket = bucket
        headers = {"Authorization": f"Token {token}"} if token else {}
        self._session = aiohttp.ClientSession(timeout=_TIMEOUT, headers=headers)
        database, _, policy = bucket.partition("/")
        self._place = {"db": database, **({"rp": policy} if policy else {})}
        compress = is_elsewhere(self._url)
        self.writer: LineWriter = (
            V1Writer(self._url, self._session, self._place, compress=compress)
            if api == "v1"
            else V2Writer(self._url, org=org, bucket=bucket, token=token, compress=compress)
        )

    async def query(self, text: str) -> list[dict[str, Any]]:
        """Return the tables of an InfluxQL answer, times in milliseconds."""
        answer = await asked(self._session, f"{self._url}/query", {**self._place, "epoch": "ms"}, {"q": text})
        try:
            body = json.loads(answer)
        except ValueError:
            raise StoreUnavailable(f"{self._url} answers no JSON: {answer[:80]!r}") from None
        results = body.get("results", [])
        problems = [result["error"] for result in results if "error" in result]
        if problems:
            raise StoreUnavailable(f"{self._url} does not answer {text[:80]!r}: {problems[0]}")
        return [table for result in results for table in result.get("series", [])]

    async def keep_days(self, days: int) -> None:
        """Set the retention of the database; where the token may not, say so once and leave it."""
        database, policy = self._place["db"], self._place.get("rp", "autogen")
        try:
            await self.query(influxql.keep_days(database, policy, days))
        except StoreUnavailable as problem:
            log.warning("retention not set: set it on the bucket by hand", days=days, problem=str(problem))

    async def close(self) -> None:
        """Let go of the connections."""
        await self.writer.close()
        await self._session.close()


def _point(measurement: str, table: dict[str, Any]) -> Point:
    tags = {name: value for name, value in table.get("tags", {}).items() if value}
    device = tags.pop("device", "")
    fields = {
        name: value
        for name, value in zip(table["columns"][1:], table["values"][0][1:], strict=True)
        if value is not None
    }
    return Point(measurement, device, from_ms(table["values"][0][0]), fields, tags)
