"""However points arrive and wherever they are kept by then, a chart shows what a sum over all of them would."""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashbus_recorder.repository import Point, Question, to_ms
from hashbus_recorder.stores.embedded import EmbeddedStore
from hashbus_recorder.stores.retention import Retention
from tests.recorder.stores import START, miner

DAYS = 3

# Few moments, so that some points come twice, late, or into an hour that is packed already.
moments = st.integers(0, DAYS * 1440 - 1).map(lambda minute: START + timedelta(minutes=minute))
points = st.builds(miner, st.sampled_from(["attic", "cellar"]), moments, st.integers(0, 36_000).map(lambda w: w / 10))
arrivals = st.lists(st.one_of(st.lists(points, max_size=30), st.just("maintain")), max_size=6)


@settings(max_examples=40, deadline=None)
@given(arrivals, st.sampled_from([60, 300, 420, 900, 3600, 7200, 86_400]), st.integers(0, 1440), st.integers(1, 3000))
def test_charts_and_totals_equal_a_plain_sum(
    arriving: list[list[Point] | str], step_s: int, first_minute: int, minutes: int
) -> None:
    start = START + timedelta(minutes=first_minute)
    asked = Question("miner", start, start + timedelta(minutes=minutes), step_s, ("power_w",), "attic")
    kept: dict[tuple[str, int], float] = {}
    for one in arriving:
        if not isinstance(one, str):
            kept |= {(point.device, point.at_ms): float(point.fields["power_w"]) for point in one}

    asyncio.run(_compare(arriving, asked, kept))


async def _compare(arriving: list[list[Point] | str], asked: Question, kept: dict[tuple[str, int], float]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = EmbeddedStore(Path(folder) / "series.sqlite3", Retention())
        for one in arriving:
            await (store.maintain(START + timedelta(days=2, hours=1)) if isinstance(one, str) else store.write(one))
        history, totals = await store.history(asked), await store.totals(asked)
        await store.close()
    buckets: dict[int, list[float]] = defaultdict(list)
    for (device, at_ms), power_w in sorted(kept.items()):
        if device == "attic":
            buckets[at_ms // asked.step_ms * asked.step_ms].append(power_w)
    found = history.columns["power_w"]
    for place, at in enumerate(history.at):
        values = buckets.get(to_ms(at), [])
        assert found.mean[place] == (pytest.approx(sum(values) / len(values), rel=1e-9) if values else None)
        assert found.min[place] == min(values, default=None)
        assert found.max[place] == max(values, default=None)
        assert found.last[place] == (values[-1] if values else None)
    assert totals.columns["power_w"].sum == [
        pytest.approx(value, rel=1e-9) if value is not None else None for value in _plain_totals(asked, kept)
    ]


def _plain_totals(asked: Question, kept: dict[tuple[str, int], float]) -> list[float | None]:
    """Sum over devices of the minute's means, then the mean over the minutes that have any."""
    minutes: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for (device, at_ms), power_w in kept.items():
        minutes[at_ms // 60_000 * 60_000][device].append(power_w)
    sums: dict[int, list[float]] = defaultdict(list)
    for minute, devices in minutes.items():
        total = sum(sum(values) / len(values) for values in devices.values())
        sums[minute // asked.step_ms * asked.step_ms].append(total)
    starts = range(asked.first_ms, asked.stop_ms, asked.step_ms)
    return [sum(sums[start]) / len(sums[start]) if start in sums else None for start in starts]
