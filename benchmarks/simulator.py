"""What the emulated fleet gives: replies a second and what each costs it, memory a miner, and how soon 5,000 are there.

It bounds what the other benchmarks can measure. Asked by the bare client of poll_rate, one family at a time.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks import processes
from benchmarks.figures import Figure
from benchmarks.fleet import MIX, Row, evenly, hosts_of, rows, simulator_of
from benchmarks.poll_rate import AT_ONCE
from benchmarks.servers import Simulator
from benchmarks.workers import worker

MINERS, ROUNDS, VISITS = 5000, 7, 1000
QUICK_MINERS, QUICK_ROUNDS, QUICK_VISITS = 40, 2, 10


async def measure(*, quick: bool) -> list[Figure]:
    """Start a mixed farm and visit it; about half a minute."""
    miners, rounds, visits = (QUICK_MINERS, QUICK_ROUNDS, QUICK_VISITS) if quick else (MINERS, ROUNDS, VISITS)
    with tempfile.TemporaryDirectory() as folder:
        with simulator_of([], Path(folder)) as simulator:
            empty_mb = processes.memory(simulator.pid).rss_mb
        those = rows(evenly(miners))
        began_s = time.perf_counter()
        with simulator_of(those, Path(folder)) as simulator:
            start_s = time.perf_counter() - began_s
            fresh_mb = processes.memory(simulator.pid).rss_mb
            visited = await _visits(simulator, those, rounds, visits)
            used_mb = processes.memory(simulator.pid).rss_mb
    return [
        Figure(f"simulator_start_{miners}", start_s, "s", "", "from nothing to all ports open"),
        Figure("simulator_memory", fresh_mb, "MB", "", f"{miners} miners; {used_mb:.0f} MB once they were visited"),
        Figure("simulator_memory_a_miner", (fresh_mb - empty_mb) * 1000 / miners, "kB", "", "above an empty one"),
        *visited,
    ]


async def _visits(simulator: Simulator, those: Sequence[Row], rounds: int, visits: int) -> list[Figure]:
    figures = []
    async with worker("benchmarks.bare_reader") as bare:
        for family in MIX:
            hosts = {family: hosts_of(those, family)[:visits]}
            await bare.do("round", hosts=hosts, at_once=AT_ONCE)
            before_s = processes.cpu_s(simulator.pid)
            taken = [await bare.do("round", hosts=hosts, at_once=AT_ONCE) for _ in range(rounds)]
            cpu_ms = (processes.cpu_s(simulator.pid) - before_s) * 1000 / sum(one["readings"] for one in taken)
            per_s = median(one["readings"] / one["seconds"] for one in taken)
            size = taken[0]["bytes"] / taken[0]["readings"]
            note = f"{size:,.0f} B and {cpu_ms:.2f} ms of the simulator's CPU each"
            figures.append(Figure(f"simulator_{family}", per_s, "visits/s", "", note))
    return figures
