"""Measure the figures of this project: `make bench`, or some of them: `python -m benchmarks.run messages poll_rate`.

Figures are printed and kept in benchmarks/results.json and benchmarks/README.md. With `--quick` every benchmark only
shows that it runs: a few miners, a few rounds, nothing is kept.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from importlib import import_module

from benchmarks.figures import Figure, keep, table
from hashbus import logs
from hashbus.clock import SYSTEM_CLOCK

BENCHMARKS = (
    "messages",
    "bus_latency",
    "simulator",
    "poll_rate",
    "fleet_pace",
    "idle_cost",
    "scan",
    "parse_cost",
    "recorder_points",
    "http_client",
    "web",
    "market",
    "decision",
    "soc_to_wire",
    "heating",
    "curtailment",
    "curtailment_delivery",
    "cloud",
    "cloud_line",
    "page",
    "alert_latency",
    "twin_year",
)
"""Each a module with `async def measure(*, quick: bool) -> list[Figure]`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is named; returns 0, also when a target is missed: a busy machine is no fault of the code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    unknown = sorted({*arguments.names} - {*BENCHMARKS})
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    logs.configure("benchmarks", "WARNING")
    taken: dict[str, list[Figure]] = {}
    for name in arguments.names or BENCHMARKS:
        print(f"\n{name} ...", flush=True)
        taken[name] = asyncio.run(import_module(f"benchmarks.{name}").measure(quick=arguments.quick))
        print(table(taken[name]), flush=True)
    if not arguments.quick:
        keep(taken, f"{SYSTEM_CLOCK.now():%Y-%m-%d %H:%M} UTC")
    missed = [figure.name for figures in taken.values() for figure in figures if figure.is_met is False]
    if missed and not arguments.quick:
        print(f"\nmissed: {', '.join(missed)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHMARKS)}; all when none is named")
    parser.add_argument("--quick", action="store_true", help="show that it runs; the figures mean nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
