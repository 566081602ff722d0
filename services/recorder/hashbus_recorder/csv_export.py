"""A device's past as CSV (S2.19), made while it is read, so that a year needs no more memory than a day."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from hashbus_recorder.repository import Samples, from_ms

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from hashbus_recorder.repository import Question, TimeSeriesRepository

_BUCKETS_A_PART = 2_000


async def rows(parts: AsyncIterator[Samples], names: Sequence[str]) -> AsyncIterator[bytes]:
    """Write the head, then each part: a row a moment, empty where nothing was heard. Units are in the names."""
    yield _text([["at", *names]])
    async for part in parts:
        columns = [part.columns.get(name) or [None] * len(part.at) for name in names]
        cells = zip(*columns, strict=True) if columns else (() for _ in part.at)
        yield _text([[at.isoformat(), *values] for at, values in zip(part.at, cells, strict=True)])


async def means(store: TimeSeriesRepository, question: Question) -> AsyncIterator[Samples]:
    """Read the means of the question's buckets (the last word where there is no mean), a part at a time."""
    width = timedelta(seconds=question.step_s * _BUCKETS_A_PART)
    start, stop = from_ms(question.first_ms), from_ms(question.stop_ms)
    while start < stop:
        found = await store.history(replace(question, start=start, stop=min(start + width, stop)))
        columns = {
            name: [last if mean is None else mean for mean, last in zip(one.mean, one.last, strict=True)]
            for name, one in found.columns.items()
        }
        yield Samples(found.at, columns)
        start += width


def _text(lines: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()
