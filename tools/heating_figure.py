"""Draws docs/explanation/heating.svg: a winter day of a room that a miner heats, as the controller's own code decides.

python tools/heating_figure.py
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import pi, sin
from pathlib import Path

from hashbus.messages import (
    Capability,
    Level,
    MinerInfo,
    MinerState,
    MinerTelemetry,
    PowerChange,
    SensorTelemetry,
)
from hashbus.step import TICK
from hashbus_controller.heat.settings import HeatSettings
from hashbus_controller.held import Held
from hashbus_controller.policies.heat import Heat, Memory

OUT = Path(__file__).parent.parent / "docs/explanation/heating.svg"
BEGIN = datetime(2026, 1, 14, tzinfo=UTC)
STEP_S, WARM_UP_H, SHOWN_H = 30, 24, 24
LOSS_W_PER_K, CAPACITY_J_PER_K, RAMP_S = 120.0, 6e6, 600.0
WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ZONE = {
    "miners": ["attic"],
    "inputs": [{"sensor": "living"}],
    "schedule": [
        {"days": WEEK, "local_time": "05:00", "profile": "comfort"},
        {"days": WEEK, "local_time": "22:00", "profile": "eco"},
    ],
}
MINER = MinerInfo(
    site="home",
    at=BEGIN,
    miner="attic",
    driver="whatsminer",
    level=Level.GOLD,
    capabilities=(Capability.POWER_LIMIT, Capability.SLEEP),
    min_power_w=1200,
    max_power_w=3500,
    power_change=PowerChange(ramp_s=RAMP_S, min_interval_s=300),
)

WIDTH, PLOT_X, PLOT_W = 860, 60, 780
TEMPERATURES, POWERS = (30, 190, 16.0, 23.0), (250, 410, 0.0, 4000.0)
"""Top, bottom, lowest and highest figure of the two plots."""

STYLE = """
text{font:13px system-ui,sans-serif;fill:#333} .grid{stroke:#8885;stroke-width:1} path{fill:none;stroke-width:2}
.room{stroke:#c2410c} .target{stroke:#555;stroke-dasharray:5 4} .needed{stroke:#2563eb} .given{stroke:#15803d}
.room-t{fill:#c2410c} .needed-t{fill:#2563eb} .given-t{fill:#15803d}
@media(prefers-color-scheme:dark){text{fill:#ddd} .target{stroke:#bbb} .room{stroke:#fb923c} .needed{stroke:#60a5fa}
.given{stroke:#4ade80} .room-t{fill:#fb923c} .needed-t{fill:#60a5fa} .given-t{fill:#4ade80}}
"""


@dataclass
class Site:
    """What the policy sees of a house with one miner."""

    site: str = "home"
    infos: dict[str, MinerInfo] = field(default_factory=lambda: {"attic": MINER})
    readings: dict[str, MinerTelemetry] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    is_enabled: bool = True


def day() -> list[tuple[float, float, float, float, float]]:
    """Return hour, room, target, needed and given heat of the second day."""
    policy, site = Heat(HeatSettings.model_validate({"zones": {"living": ZONE}})), Site()
    memory: Memory = policy.begins()
    room_c, asked_w, asked_s = 20.0, 0.0, 0.0
    shown = []
    for number in range((WARM_UP_H + SHOWN_H) * 3600 // STEP_S):
        passed_s = number * STEP_S
        now, hour = BEGIN + timedelta(seconds=passed_s), passed_s / 3600
        given_w = asked_w * min(1.0, 0.1 + 0.9 * (passed_s - asked_s) / RAMP_S)
        outdoor_c = 4 + 4 * sin(2 * pi * (hour - 9) / 24)
        room_c += (given_w - LOSS_W_PER_K * (room_c - outdoor_c)) * STEP_S / CAPACITY_J_PER_K
        state = MinerState.MINING if asked_w else MinerState.SLEEPING
        site.readings["attic"] = MinerTelemetry(
            site="home", at=now, miner="attic", driver="whatsminer", state=state, power_w=given_w
        )
        told = SensorTelemetry(site="home", at=now, source="poller", sensor="living", temperature_c=round(room_c, 2))
        memory = policy.heard(policy.heard(memory, told, now, site), TICK, now, site)
        wish = next((bid.wish_w for bid in policy.bids(memory, now, site) if bid.wish_w is not None), 0.0)
        if wish != asked_w:
            asked_w, asked_s = wish, passed_s
        zone = memory.rooms["living"].zone
        if hour >= WARM_UP_H and zone.target_c is not None:
            shown.append((hour - WARM_UP_H, room_c, zone.target_c, zone.regulator.output_w, given_w))
    return shown


def line(kind: str, points: list[tuple[float, float]], plot: tuple[float, float, float, float]) -> str:
    """Return a curve of (hour, value) in a plot."""
    places = (f"{_x(hour):.1f},{_y(value, plot):.1f}" for hour, value in points[::8])
    return f'<path class="{kind}" d="M{" L".join(places)}"/>'


def _x(hour: float) -> float:
    return PLOT_X + PLOT_W * hour / SHOWN_H


def _y(value: float, plot: tuple[float, float, float, float]) -> float:
    top, bottom, low, high = plot
    return bottom - (bottom - top) * (value - low) / (high - low)


def grid(plot: tuple[float, float, float, float], step: float, unit: str) -> str:
    """Return the lines and figures of a plot."""
    top, bottom, low, high = plot
    rows = [low + step * number for number in range(int((high - low) / step) + 1)]
    lines = [
        f'<path class="grid" d="M{PLOT_X},{_y(row, plot):.1f}h{PLOT_W}"/>'
        f'<text x="{PLOT_X - 8}" y="{_y(row, plot) + 4:.1f}" text-anchor="end">{row:g}</text>'
        for row in rows
    ]
    hours = [
        f'<path class="grid" d="M{_x(hour):.1f},{top}V{bottom}"/>'
        f'<text x="{_x(hour):.1f}" y="{bottom + 18}" text-anchor="middle">{hour}:00</text>'
        for hour in range(0, SHOWN_H + 1, 4)
    ]
    return "".join([*lines, *hours, f'<text x="{PLOT_X}" y="{top - 10}">{unit}</text>'])


def main() -> None:
    """Write the figure."""
    rows = day()
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} 440" role="img">',
        "<title>A winter day of a room that a miner heats: temperature and target, heat needed and given</title>",
        f"<style>{STYLE}</style>",
        grid(TEMPERATURES, 1, "°C"),
        line("target", [(row[0], row[2]) for row in rows], TEMPERATURES),
        line("room", [(row[0], row[1]) for row in rows], TEMPERATURES),
        '<text x="700" y="20" class="room-t">room</text><text x="750" y="20">target (dashed)</text>',
        grid(POWERS, 1000, "W"),
        line("given", [(row[0], row[4]) for row in rows], POWERS),
        line("needed", [(row[0], row[3]) for row in rows], POWERS),
        '<text x="700" y="240" class="needed-t">needed</text><text x="760" y="240" class="given-t">given</text>',
        "</svg>",
    ]
    OUT.write_text("\n".join(parts) + "\n", encoding="utf-8")
    print(f"wrote {OUT.relative_to(OUT.parents[2])}")


if __name__ == "__main__":
    main()
