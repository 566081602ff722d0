"""VictoriaMetrics: takes line protocol as InfluxDB does, and is read through its own query calls.

A field becomes a metric `measurement_field`, and the tags its labels. It keeps numbers only: words are not written.
Retention and downsampling are flags of the server (`-retentionPeriod`); this store changes neither.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from functools import partial
from statistics import fmean
from typing import TYPE_CHECKING, Any

import aiohttp

from hashbus_recorder.fields import adds_up
from hashbus_recorder.repository import (
    EPOCH,
    Column,
    History,
    Point,
    Question,
    Samples,
    Series,
    StoreUnavailable,
    Total,
    Totals,
    from_ms,
    to_ms,
)
from hashbus_recorder.stores.influx_write import V2Writer, exchanged, is_elsewhere, verdict, write_points
from hashbus_recorder.stores.line_protocol import lines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from hashbus_recorder.repository import FieldValue

_DAY_MS = 86_400_000
_TIMEOUT = aiohttp.ClientTimeout(total=60, connect=5)

_LONG_AGO_S = 1_230_940_800
"""The day of the first bitcoin block: no miner is older. From 0 on, some calls of the server find nothing."""

_MAX_STEPS = 10_000
"""Buckets in one question; the server refuses more than 30,000 (-search.maxPointsPerTimeseries)."""


class VictoriaStore:
    """A TimeSeriesRepository in a VictoriaMetrics."""

    def __init__(self, url: str, *, site: str, token: str = "", totals_step_s: int = 60) -> None:
        """`token` is sent as `Authorization: Token`, for a proxy in front; VictoriaMetrics itself has none."""
        self._url = url.rstrip("/")
        self._site = site
        self._totals_step_s = totals_step_s
        headers = {"Authorization": f"Token {token}"} if token else {}
        self._session = aiohttp.ClientSession(timeout=_TIMEOUT, headers=headers)
        self._writer = V2Writer(self._url, org="-", bucket="-", token=token, compress=is_elsewhere(self._url))

    async def write(self, points: Sequence[Point]) -> None:
        """Post the numbers of the points as line protocol."""
        await write_points(self._writer, points, partial(lines, for_metrics=True))

    async def history(self, question: Question) -> History:
        """Return one device over time; the database does the averaging."""
        names = question.fields or await self._fields_of(question)
        columns = {}
        for name in names:
            metric = _selector(f"{question.measurement}_{name}", **self._labels(question))
            mean, low, high, last = [
                await self._steps(f"{part}_over_time({metric}[{question.step_s}s] offset 1ms)", question)
                for part in ("avg", "min", "max", "last")
            ]
            columns[name] = Column(mean, low, high, [*last])
        return History(question.step_s, question.moments(), columns)

    async def totals(self, question: Question) -> Totals:
        """Return the site over time; the database adds up the base buckets."""
        base_s = self._totals_step_s
        question = replace(question, step_s=-(-question.step_s // base_s) * base_s)
        base = replace(question, step_s=base_s, start=from_ms(question.first_ms), stop=from_ms(question.stop_ms))
        columns = {}
        for name in question.fields or [name for name in await self._fields_of(question) if adds_up(name)]:
            metric = _selector(f"{question.measurement}_{name}", **self._labels(question))
            means = f"avg_over_time({metric}[{base_s}s] offset 1ms)"
            sums, devices = [
                _means(await self._steps(f"{how}({means})", base), question.step_s // base_s)
                for how in ("sum", "count")
            ]
            columns[name] = Total(sums, [number or 0.0 for number in devices])
        known = await self._get(
            "/api/v1/label/device/values", {"match[]": _selector("", **self._labels(question)), "start": _LONG_AGO_S}
        )
        return Totals(question.step_s, question.moments(), columns, len(known["data"]))

    async def samples(self, question: Question) -> AsyncIterator[Samples]:
        """Return one device's points as written, a day at a time."""
        for start_ms in range(to_ms(question.start), to_ms(question.stop), _DAY_MS):
            rows = await self._export(question, start_ms, min(start_ms + _DAY_MS, to_ms(question.stop)))
            if not rows:
                continue
            names = question.fields or sorted({name for fields in rows.values() for name in fields})
            times = sorted(rows)
            columns: dict[str, list[FieldValue | None]] = {
                name: [rows[time].get(name) for time in times] for name in names
            }
            yield Samples([from_ms(time) for time in times], columns)

    async def latest(self, measurement: str, device: str) -> Point | None:
        """Return the newest point of a device."""
        question = Question(measurement, EPOCH, EPOCH, step_s=1, device=device)
        newest = await self._newest(**self._labels(question))
        if not newest:
            return None
        at_ms = max(moment for _, moment in newest)
        rows = await self._export(question, at_ms, at_ms + 1)
        return Point(measurement, device, from_ms(at_ms), rows[at_ms], {"site": self._site})

    async def series(self) -> list[Series]:
        """Return what is kept."""
        fields: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        for labels, at_ms in await self._newest(site=self._site):
            measurement = labels.get("measurement", "")
            name = labels["__name__"].removeprefix(f"{measurement}_")
            fields[measurement, labels.get("device", "")][name] = at_ms
        return [
            Series(measurement, device, tuple(sorted(names)), from_ms(max(names.values())))
            for (measurement, device), names in sorted(fields.items())
        ]

    async def maintain(self, now: datetime) -> None:
        """Nothing to do: the server deletes by itself what is older than its -retentionPeriod."""

    async def close(self) -> None:
        """Let go of the connections."""
        await self._writer.close()
        await self._session.close()

    def _labels(self, question: Question) -> dict[str, str]:
        labels = {"site": self._site, "measurement": question.measurement}
        return labels if question.device is None else {**labels, "device": question.device}

    async def _fields_of(self, question: Question) -> list[str]:
        match = _selector("", **self._labels(question))
        found = await self._get("/api/v1/label/__name__/values", {"match[]": match, "start": _LONG_AGO_S})
        return [name.removeprefix(f"{question.measurement}_") for name in found["data"]]

    async def _steps(self, query: str, question: Question) -> list[float | None]:
        """Ask for one series, a value for each bucket; a bucket's value is the one at its end."""
        values: dict[int, float] = {}
        for first in range(question.first_ms, question.stop_ms, question.step_ms * _MAX_STEPS):
            after = min(first + question.step_ms * _MAX_STEPS, question.stop_ms)
            window = {"start": (first + question.step_ms) / 1000, "end": after / 1000, "step": question.step_s}
            found = await self._get("/api/v1/query_range", {"query": query, "nocache": 1, **window})
            for one in found["data"]["result"]:
                values |= {round(float(at) * 1000) - question.step_ms: float(value) for at, value in one["values"]}
        return [values.get(start) for start in range(question.first_ms, question.stop_ms, question.step_ms)]

    async def _newest(self, **labels: str) -> list[tuple[dict[str, str], int]]:
        """Return the labels of each metric and when it was last written."""
        query = f"tlast_over_time({_selector('', **labels)}[10y]) keep_metric_names"
        found = await self._get("/api/v1/query", {"query": query, "nocache": 1})
        return [(one["metric"], round(float(one["value"][1]) * 1000)) for one in found["data"]["result"]]

    async def _export(self, question: Question, start_ms: int, stop_ms: int) -> dict[int, dict[str, FieldValue]]:
        """Return moment -> fields from `start_ms` to before `stop_ms`."""
        window = {"start": start_ms / 1000, "end": (stop_ms - 1) / 1000}
        match = _selector("", **self._labels(question))
        text = await self._asked("/api/v1/export", {"match[]": match, **window})
        rows: dict[int, dict[str, FieldValue]] = defaultdict(dict)
        for one in map(json.loads, text.splitlines()):
            name = one["metric"]["__name__"].removeprefix(f"{question.measurement}_")
            for time, value in zip(one["timestamps"], one["values"], strict=True):
                if value is not None and start_ms <= time < stop_ms:
                    rows[time][name] = value
        return rows

    async def _get(self, path: str, parameters: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(await self._asked(path, parameters))
        return answer

    async def _asked(self, path: str, parameters: dict[str, Any]) -> str:
        url = f"{self._url}{path}"
        status, answer = await exchanged(self._session, "POST", url, params=parameters, data=None)
        if status != 200:
            raise StoreUnavailable(str(verdict(url, status, answer)))
        return answer


def _selector(metric: str, **labels: str) -> str:
    conditions = {"__name__": metric, **labels} if metric else labels
    return "{" + ",".join(f"{name}={json.dumps(value)}" for name, value in conditions.items()) + "}"


def _means(values: list[float | None], width: int) -> list[float | None]:
    """Average each `width` values, leaving out what is not there."""
    groups = [values[first : first + width] for first in range(0, len(values), width)]
    present = [[value for value in group if value is not None] for group in groups]
    return [fmean(group) if group else None for group in present]
