"""From a state of charge on the battery's wire to the order on the miner's wire: simulator, broker, poller, controller.

The battery is emptied and filled around the cut-off of the ratchet, so that each change puts the miner to sleep or
wakes it. Both devices stand behind relays that note when bytes pass. The clock starts with the last byte of the
battery's answer that shows the new charge, and stops with the first byte of the order to the miner: parsing, judging,
the broker twice, the decision, and what the miner's protocol wants before an order. How often the battery is read is
not in it.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.solar_home import SolarHome
from hashbus.bus import Subscription
from hashbus.messages import BatteryTelemetry, Message, MinerTelemetry, PowerSetpoint

CHANGES, QUICK_CHANGES = 100, 2
EMPTY_PCT, ENOUGH_PCT = 20, 60
PATIENCE_S = 30.0
SETTLING_S = 6.0
"""The controller decides nothing in its first seconds."""


async def measure(*, quick: bool) -> list[Figure]:
    """Change the charge again and again; about three minutes."""
    with tempfile.TemporaryDirectory() as folder:
        home = SolarHome(Path(folder), min_interval_s=0, restarts_per_day=100_000)
        async with home, home.bus() as bus, bus.subscribe(BatteryTelemetry, MinerTelemetry, PowerSetpoint) as heard:
            await home.charge(ENOUGH_PCT)
            await asyncio.sleep(SETTLING_S)
            taken = [
                await _change(home, heard, EMPTY_PCT if number % 2 == 0 else ENOUGH_PCT)
                for number in range(QUICK_CHANGES if quick else CHANGES)
            ]
    wire_ms, decided_ms = sorted(wire for wire, _ in taken), sorted(decided for _, decided in taken)
    return [
        Figure("soc_to_wire_p50", statistics.median(wire_ms), "ms", note="the battery's answer to the miner's order"),
        Figure("soc_to_wire_p99", wire_ms[-1 - len(wire_ms) // 100], "ms", note=f"of {len(wire_ms)} changes"),
        Figure("soc_to_setpoint_p50", statistics.median(decided_ms), "ms", note="to the setpoint heard on the bus"),
        Figure("soc_to_setpoint_p99", decided_ms[-1 - len(decided_ms) // 100], "ms"),
    ]


async def _change(home: SolarHome, heard: Subscription[Message], soc_pct: float) -> tuple[float, float]:
    """Change the charge; returns milliseconds from the battery's answer to the order, and to the setpoint."""
    home.miner.orders_s.clear()
    heard.drain()
    await home.charge(soc_pct)
    answered_s = decided_s = 0.0
    deadline_s = time.monotonic() + PATIENCE_S
    while not (home.miner.orders_s and decided_s and answered_s):
        message = await heard.next(0.05)
        if isinstance(message, BatteryTelemetry) and abs(message.soc_pct - soc_pct) < 3 and not answered_s:
            answered_s = home.battery.answered_s
        elif isinstance(message, PowerSetpoint) and (message.power_w == 0) is (soc_pct == EMPTY_PCT):
            decided_s = decided_s or time.monotonic()
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"no order to the miner within {PATIENCE_S:g} s of a battery at {soc_pct:g} %")
    ordered_s = home.miner.orders_s[0]
    await _followed(heard, is_asleep=soc_pct == EMPTY_PCT)
    return (ordered_s - answered_s) * 1000, (decided_s - answered_s) * 1000


async def _followed(heard: Subscription[Message], *, is_asleep: bool) -> None:
    """Wait until the miner shows what it was ordered, so that the next change is a change."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        message = await heard.next(1.0)
        if isinstance(message, MinerTelemetry) and (message.state.value == "sleeping") is is_asleep:
            return
    raise TimeoutError("the miner did not do as it was ordered")
