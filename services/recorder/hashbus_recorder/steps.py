"""How wide the buckets of a chart are: about a thousand points, in steps that people read easily."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

NICE_STEPS_S = (
    *(1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10800, 21600, 43200),
    *(86400, 172800, 604800, 2592000),
)
"""Each a whole part of a minute, an hour or a day, so that buckets fall on the marks of a clock."""

MAX_POINTS = 1000


def chart_step_s(start: datetime, stop: datetime, max_points: int = MAX_POINTS, finest_s: int = 1) -> int:
    """Return the finest nice step, not below `finest_s`, with which the window has at most `max_points` buckets."""
    # One bucket is spare: a window that starts between two marks touches one more.
    needed_s = max(finest_s, (stop - start).total_seconds() / max(1, max_points - 1))
    return next((step_s for step_s in NICE_STEPS_S if step_s >= needed_s), NICE_STEPS_S[-1])


def bucket_runs(times_ms: Sequence[int], step_ms: int) -> Iterator[tuple[int, int, int]]:
    """Cut ascending times into buckets: (start of the bucket, first index, index after the last)."""
    starts = [0]
    buckets = [time // step_ms for time in times_ms]
    starts += [index for index, (one, two) in enumerate(pairwise(buckets), start=1) if one != two]
    for first, after in zip(starts, [*starts[1:], len(buckets)], strict=True):
        if first < after:
            yield buckets[first] * step_ms, first, after
