"""How many miners a second the poller reads, against a bare client with the same connections and the same bytes.

Both are told round by round and in turns (workers.py); a round visits every emulated miner once. The poller identifies,
parses, judges, keeps the raw answers and publishes, and its round ends when the broker has confirmed every message.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.figures import Figure
from benchmarks.fleet import FAMILIES, MIX, Farm, Row, hosts_of
from benchmarks.workers import Worker, worker

AT_ONCE = 1_000
"""Connections at a time, of the poller (its default) and of the bare client."""

MINERS, ROUNDS = 250, 9
QUICK_MINERS, QUICK_ROUNDS = 4, 2
MIXED = "mixed"
SPEED = 60
"""Of the emulated time: miners that started a minute ago are settled."""


class Round(NamedTuple):
    """One round of the poller and its neighbour of the bare client; CPU in ms a reading."""

    per_s: float
    bare_per_s: float
    cpu_ms: float
    bare_cpu_ms: float
    failures: float


async def measure(*, quick: bool) -> list[Figure]:
    """Measure every family by itself and four of them together; about two minutes."""
    miners, rounds = (QUICK_MINERS, QUICK_ROUNDS) if quick else (MINERS, ROUNDS)
    with tempfile.TemporaryDirectory() as folder:
        farm = Farm(Path(folder), dict.fromkeys(FAMILIES, miners), speed=SPEED, connections=AT_ONCE)
        poller = worker("benchmarks.poller_worker", str(farm.site_file))
        with farm:
            async with poller as ours, worker("benchmarks.bare_reader") as bare:
                await _settle(ours, bare, farm.rows, 0.0 if quick else 0.4)
                taken = {name: await _rounds(ours, bare, farm.rows, name, rounds) for name in (*FAMILIES, MIXED)}
    return [figure for name, those in taken.items() for figure in _figures(name, those)]


async def _settle(poller: Worker, bare: Worker, rows: Sequence[Row], pause_s: float) -> None:
    """Let the poller know all miners, and the miners run for a minute of theirs."""
    for _ in range(3):
        for name in FAMILIES:
            await _rounds(poller, bare, rows, name, 1)
        await asyncio.sleep(pause_s)


async def _rounds(poller: Worker, bare: Worker, rows: Sequence[Row], name: str, count: int) -> list[Round]:
    families = list(MIX) if name == MIXED else [name]
    hosts = {family: hosts_of(rows, family) for family in families}
    return [
        _round(
            await poller.do("round", families=families),
            await bare.do("round", hosts=hosts, at_once=AT_ONCE),
        )
        for _ in range(count)
    ]


def _round(ours: Mapping[str, Any], bare: Mapping[str, Any]) -> Round:
    return Round(
        ours["readings"] / ours["seconds"],
        bare["readings"] / bare["seconds"],
        ours["cpu_s"] / ours["readings"] * 1000,
        bare["cpu_s"] / bare["readings"] * 1000,
        ours["failures"],
    )


def _figures(name: str, rounds: Sequence[Round]) -> list[Figure]:
    """Return the medians. The ratio is that of neighbours: what disturbed one round disturbed the other."""
    middle = Round(*(median(column) for column in zip(*rounds, strict=True)))
    ratio = median(one.per_s / one.bare_per_s for one in rounds)
    wanted_rate, wanted_ratio = (">= 300", ">= 0.6") if name == MIXED else ("", "")
    failures = sum(one.failures for one in rounds)
    trouble = f"{failures:.0f} readings failed" if failures else ""
    return [
        Figure(f"poll_{name}", middle.per_s, "miners/s", wanted_rate, trouble),
        Figure(f"poll_{name}_bare", middle.bare_per_s, "miners/s", "", "the same bytes, unread"),
        Figure(f"poll_{name}_ratio", ratio, "ratio", wanted_ratio, "ours to bare, in turns"),
        Figure(f"poll_{name}_cpu", middle.cpu_ms, "ms/reading", "", f"of the poller; bare {middle.bare_cpu_ms:.3f} ms"),
    ]
