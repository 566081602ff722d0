"""How long a scan of a /16 network takes with 200 emulated devices in it, and how much memory.

Beside it a bare loop that connects to the same ports of the same addresses and asks nobody anything. Both walk the
network piece by piece and in turns. On a loopback network every address refuses at once, so this is what a scan costs
the machine; in a network whose empty addresses are silent it is the time-out that counts.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.figures import Figure
from benchmarks.fleet import NETWORK, rows, simulator_of
from benchmarks.workers import Worker, worker

DEVICES = {"cgminer": 67, "antminer": 67, "whatsminer": 66}
"""Families that are recognised without port 80, on which only root may listen."""

PIECES = [(f"{NETWORK}.{number}.0", f"{NETWORK}.{number + 15}.255") for number in range(0, 256, 16)]
QUICK_DEVICES = dict.fromkeys(DEVICES, 2)
QUICK_PIECES = [(f"{NETWORK}.{number}.0", f"{NETWORK}.{number}.15") for number in range(1, 5)]

Turn = tuple[dict[str, Any], dict[str, Any]]


async def measure(*, quick: bool) -> list[Figure]:
    """Walk over 65,536 addresses twice; about two minutes."""
    devices, pieces = (QUICK_DEVICES, QUICK_PIECES) if quick else (DEVICES, PIECES)
    with tempfile.TemporaryDirectory() as folder, simulator_of(rows(devices), Path(folder)):
        async with worker("benchmarks.scan_worker") as ours, worker("benchmarks.bare_scanner") as bare:
            turns = [await _turn(ours, bare, first, last) for first, last in pieces]
    return _figures(turns, sum(devices.values()))


async def _turn(ours: Worker, bare: Worker, first: str, last: str) -> Turn:
    """Walk over one piece of the network in both ways."""
    walked = await ours.do("scan", first=first, last=last)
    how = {name: walked[name] for name in ("ports", "at_once")}
    return walked, await bare.do("connect", first=first, last=last, **how)


def _figures(turns: Sequence[Turn], devices: int) -> list[Figure]:
    total = {name: sum(ours[name] for ours, _ in turns) for name in ("seconds", "cpu_s", "hosts", "found")}
    bare_s = sum(bare["seconds"] for _, bare in turns)
    bare_cpu_us = sum(bare["cpu_s"] for _, bare in turns) * 1e6 / total["hosts"]
    ratio = median(bare["seconds"] / ours["seconds"] for ours, bare in turns)
    last, bare_last = turns[-1]
    ports = len(last["ports"])
    return [
        Figure("scan_time", total["seconds"], "s", "", f"{total['hosts']:,} addresses; bare {bare_s:.1f} s"),
        Figure("scan_rate", total["hosts"] / total["seconds"], "hosts/s", "", f"{ports} ports each"),
        Figure("scan_ratio", ratio, "ratio", "", "ours to bare, in turns; ours asks whoever opens a port"),
        Figure("scan_found", total["found"], "devices", f">= {devices}", "each once"),
        Figure("scan_cpu", total["cpu_s"] * 1e6 / total["hosts"], "µs/host", "", f"bare {bare_cpu_us:.0f} µs"),
        Figure("scan_peak_memory", last["peak_mb"], "MB", "", f"bare {bare_last['peak_mb']:.0f} MB"),
    ]
