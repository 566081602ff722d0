"""`hashbus shadow`: what policy sets that only watch would have done, beside the one that acts."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from hashbus.messages import ShadowState
from hashbus.mqtt_bus import MqttBus
from hashbus_supervisor.asking import EXIT_OK, EXIT_PROBLEM, parser, run

LIVE = "live"
HOURS_OF_A_DAY = 24.0


def shadow(argv: Sequence[str]) -> int:
    """Compare policy sets that decide without acting with the one that acts: kWh, heat, sats, comfort, switches."""
    wanted = parser("shadow", shadow)
    return run(wanted, argv, _shadow)


async def _shadow(bus: MqttBus, _: argparse.Namespace) -> int:
    found: dict[str, ShadowState] = {}
    async with bus.subscribe(ShadowState) as states:
        while state := await states.next(1.0):
            if state.shadow in found and found[state.shadow].at <= state.at:
                found[state.shadow] = state
                break
            found[state.shadow] = state
    if not found:
        print("no policy set is in the shadow; controller.shadows names them", file=sys.stderr)
        return EXIT_PROBLEM
    print("\n".join(sheet(sorted(found.values(), key=lambda one: (one.shadow != LIVE, one.shadow)))))
    return EXIT_OK


def sheet(states: Sequence[ShadowState]) -> list[str]:
    """Return the ledgers, one policy set a column, and what each gives every miner now."""
    rows = [
        ("", *(one.shadow for one in states)),
        ("since, UTC", *(f"{one.since:%Y-%m-%d %H:%M}" for one in states)),
        ("counted, days", *(f"{one.counted_s / 3600 / HOURS_OF_A_DAY:.2f}" for one in states)),
        ("drawn, kWh", *(f"{one.energy_wh / 1000:,.2f}" for one in states)),
        ("heat, kWh", *(f"{one.heat_wh / 1000:,.2f}" for one in states)),
        ("sats", *(f"{one.sats:,.0f}" for one in states)),
        ("too cold, K·h", *(f"{one.short_kh:,.2f}" for one in states)),
        ("switches", *(f"{one.switches:,}" for one in states)),
        ("now, W", *(f"{one.power_w:g}" for one in states)),
    ]
    names = sorted({miner for one in states for miner in one.miners})
    rows += [
        (f"  {name}", *(f"{one.miners[name].power_w:g}" if name in one.miners else "-" for one in states))
        for name in names
    ]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = [
        f"{row[0]:<{widths[0]}}  " + "  ".join(f"{cell:>{widths[at]}}" for at, cell in enumerate(row[1:], 1))
        for row in rows
    ]
    reasons = [
        f"{one.shadow}: {name}: {one.miners[name].reason}" for one in states for name in names if name in one.miners
    ]
    return [*lines, "", *reasons]
