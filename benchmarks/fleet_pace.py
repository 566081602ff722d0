"""Does one poller process keep its pace with a farm: 1,538 miners every 10 s, 5,000 every 60 s; and what it weighs.

The poller runs as a service does, on its own schedule, with the broker of a real site; its own counters tell how many
readings it made and how many began late.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks import processes
from benchmarks.figures import Figure
from benchmarks.fleet import Farm, evenly
from benchmarks.servers import Service

READINGS = "miner_poll_latency_ms_count"
LATE = "poller_rounds_late_total"
FAILED = "miner_poll_errors_total"


class Pace(NamedTuple):
    """So many miners, each read every so many seconds, watched for some seconds.

    Watched for whole intervals: within one the readings are not spread evenly.
    """

    miners: int
    interval_s: int
    watched_s: float


class Outcome(NamedTuple):
    """What a poller made of a pace. Lateness and failures are shares of the readings that were due, in %."""

    readings_per_s: float
    due_per_s: float
    late_pct: float
    failed_pct: float
    cpu_pct: float
    rss_mb: float


PACES = (Pace(1538, 10, 40), Pace(5000, 60, 120))
FEW = Pace(12, 10, 5)
QUICK = Pace(24, 5, 0.5)
MEMORY_BASE_MB, MEMORY_KB_A_MINER = 120, 15


async def measure(*, quick: bool) -> list[Figure]:
    """Run one poller after another; about five minutes."""
    few, paces = (QUICK._replace(miners=4), (QUICK,)) if quick else (FEW, PACES)
    base_mb = (await _run(few)).rss_mb
    figures = [Figure("poller_base", base_mb, "MB", f"<= {MEMORY_BASE_MB}", f"resident with {few.miners} miners")]
    for pace in paces:
        figures += _figures(pace, await _run(pace), base_mb)
    return figures


def _figures(pace: Pace, outcome: Outcome, base_mb: float) -> list[Figure]:
    name = f"pace_{pace.miners}_at_{pace.interval_s}s"
    most_mb = MEMORY_BASE_MB + pace.miners * MEMORY_KB_A_MINER / 1000
    a_miner_kb = (outcome.rss_mb - base_mb) * 1000 / pace.miners
    return [
        Figure(f"{name}_held", outcome.readings_per_s / outcome.due_per_s * 100, "%", ">= 99", "of the readings due"),
        Figure(f"{name}_readings", outcome.readings_per_s, "readings/s", "", f"{outcome.due_per_s:.1f} were due"),
        Figure(f"{name}_late", outcome.late_pct, "%", "<= 1", f"began late; {outcome.failed_pct:.2g} % failed"),
        Figure(f"{name}_cpu", outcome.cpu_pct, "% of a core", "", "of the poller"),
        Figure(f"{name}_memory", outcome.rss_mb, "MB", f"<= {most_mb:.0f}", "resident"),
        Figure(f"{name}_memory_a_miner", a_miner_kb, "kB", f"<= {MEMORY_KB_A_MINER}", "above the base"),
    ]


async def _run(pace: Pace) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        farm = Farm(Path(folder), evenly(pace.miners), interval_s=pace.interval_s)
        with farm, Service("poller", farm.site_file) as poller:
            return await _watch(poller, pace)


async def _watch(poller: Service, pace: Pace) -> Outcome:
    while poller.counted(READINGS) < pace.miners:  # noqa: ASYNC110 (another process counts)
        await asyncio.sleep(0.2)
    before, began_s = _counters(poller), time.monotonic()
    await asyncio.sleep(pace.watched_s)
    after, took_s = _counters(poller), time.monotonic() - began_s
    readings, late, failed, cpu_s = (later - sooner for sooner, later in zip(before, after, strict=True))
    due_per_s = pace.miners / pace.interval_s
    due = due_per_s * took_s
    return Outcome(
        readings_per_s=readings / took_s,
        due_per_s=due_per_s,
        late_pct=late / due * 100,
        failed_pct=failed / due * 100,
        cpu_pct=cpu_s / took_s * 100,
        rss_mb=processes.memory(poller.pid).rss_mb,
    )


def _counters(poller: Service) -> tuple[float, ...]:
    return *poller.counts(READINGS, LATE, FAILED), processes.cpu_s(poller.pid)
