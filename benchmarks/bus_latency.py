"""How long telemetry takes from `publish` in one process to a reader in another, and how much of it goes through.

Over the broker of a real site, with QoS 1 and retained; against aiomqtt by itself with the same bytes, in turns. Ours
includes encoding, the outbox, decoding and checking.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

from benchmarks.figures import Figure
from benchmarks.servers import SiteBroker
from benchmarks.workers import Worker, worker

RATES_PER_S = (100, 1000)
SECONDS, ROUNDS, FLOOD = 2.0, 5, 5000
QUICK_SECONDS, QUICK_ROUNDS, QUICK_FLOOD = 0.2, 2, 100
WAYS = ("bus", "bare")


class Latency(NamedTuple):
    """Of one round, in ms."""

    p50_ms: float
    p99_ms: float


class Line(NamedTuple):
    """Two processes with a broker between them."""

    sayer: Worker
    hearer: Worker

    async def latency(self, per_s: float, count: int) -> Latency:
        """Say so many messages at a steady rate."""
        said_s, heard_s = await self._moments(per_s, count)
        cuts_ms = quantiles([(heard - said) * 1000 for said, heard in zip(said_s, heard_s, strict=True)], n=100)
        return Latency(cuts_ms[49], cuts_ms[98])

    async def throughput(self, count: int) -> float:
        """Say so many messages as fast as it goes; returns messages a second until the last was heard."""
        said_s, heard_s = await self._moments(0, count)
        return count / (heard_s[-1] - said_s[0])

    async def _moments(self, per_s: float, count: int) -> tuple[list[float], list[float]]:
        await self.hearer.begin("hear", count=count)
        said = await self.sayer.do("say", count=count, per_s=per_s)
        return said["moments"], (await self.hearer.result())["moments"]


async def measure(*, quick: bool) -> list[Figure]:
    """Measure both ways in turns; about a minute."""
    seconds, rounds, flood = (QUICK_SECONDS, QUICK_ROUNDS, QUICK_FLOOD) if quick else (SECONDS, ROUNDS, FLOOD)
    with tempfile.TemporaryDirectory() as folder, SiteBroker(Path(folder) / "broker") as broker:
        async with AsyncExitStack() as stack:
            lines = {way: await _line(stack, broker, way) for way in WAYS}
            for line in lines.values():
                await line.throughput(100)  # everybody is connected, everything imported
            figures = []
            for per_s in RATES_PER_S:
                taken = {way: [await lines[way].latency(per_s, int(per_s * seconds))] for way in WAYS}
                for _ in range(rounds - 1):
                    for way in WAYS:
                        taken[way].append(await lines[way].latency(per_s, int(per_s * seconds)))
                figures += _latencies(per_s, taken)
            pairs = [[await lines[way].throughput(flood) for way in WAYS] for _ in range(rounds)]
    return [*figures, *_throughputs(pairs)]


async def _line(stack: AsyncExitStack, broker: SiteBroker, way: str) -> Line:
    """Start both ends of a line; the poller says, the recorder hears."""
    ends = {"hear": "recorder", "say": "poller"}
    started = {
        does: await stack.enter_async_context(
            worker("benchmarks.bus_worker", does, way, json.dumps(broker.settings(account)))
        )
        for does, account in ends.items()
    }
    return Line(started["say"], started["hear"])


def _latencies(per_s: int, taken: dict[str, list[Latency]]) -> list[Figure]:
    p50 = {way: median(one.p50_ms for one in rounds) for way, rounds in taken.items()}
    p99 = {way: median(one.p99_ms for one in rounds) for way, rounds in taken.items()}
    return [
        Figure(f"bus_latency_p50_at_{per_s}", p50["bus"], "ms", "", f"bare {p50['bare']:.2f} ms"),
        Figure(f"bus_latency_p99_at_{per_s}", p99["bus"], "ms", "", f"bare {p99['bare']:.2f} ms"),
    ]


def _throughputs(pairs: list[list[float]]) -> list[Figure]:
    ours, bare = (median(column) for column in zip(*pairs, strict=True))
    ratio = median(one / other for one, other in pairs)
    return [
        Figure("bus_throughput", ours, "messages/s", "", "said, confirmed, heard and decoded"),
        Figure("bus_throughput_bare", bare, "messages/s", "", "aiomqtt, the same bytes, unread"),
        Figure("bus_throughput_ratio", ratio, "ratio", "", "ours to bare, in turns"),
    ]
