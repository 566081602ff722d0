"""What the heating costs and what it is worth: a winter week in one room, against a plain thermostat.

The room is one mass and one loss (6 MJ/K, 120 W/K), the weather swings between -4 and 6 °C, the nights are cooler by
schedule. The plain thermostat turns the same miner on below 20.5 °C and off above 21.5 °C (by night 3 K lower), as the
cheap ones do; it is the bare lower bound in effort. Discomfort counts below the target by day alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import pi, sin
from time import perf_counter
from typing import Any

from benchmarks.figures import Figure
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
from hashbus_controller.policies.heat import Heat

BEGIN = datetime(2026, 1, 12, tzinfo=UTC)  # a Monday
STEP_S = 30
LOSS_W_PER_K, CAPACITY_J_PER_K, RAMP_S = 120.0, 6e6, 600.0
COMFORT_C, ECO_C, DAY_H = 21.0, 18.0, (5, 22)
WARM_BY_H = 9
"""From here on the room should be warm: heating up from the night is no discomfort of the regulator."""
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
SCHEDULE = [
    {"days": DAYS, "local_time": "05:00", "profile": "comfort"},
    {"days": DAYS, "local_time": "22:00", "profile": "eco"},
]
FARM_ZONES, FARM_MINERS = 200, 5
ROUNDS = 20

Asking = Callable[[datetime, float, float], float]
"""What the miner shall draw, from the time, the room and what the miner draws."""


async def measure(*, quick: bool) -> list[Figure]:
    """Live a week, and time a round."""
    days = 1 if quick else 7
    ours, plain = _Week(_ours()), _Week(_thermostat())
    ours.lives(days)
    plain.lives(days)
    round_us = _round_us(2 if quick else ROUNDS)
    zone = f"a zone of {FARM_MINERS} miners, {FARM_ZONES} of them at once, every 5 s"
    return [
        Figure("heating_discomfort", ours.short_kh / days, "K·h/day", note="below the target by day, warm-up left out"),
        Figure("heating_discomfort_ratio", ours.short_kh / max(plain.short_kh, 1e-9), "ratio", note="to a thermostat"),
        Figure(
            "heating_overshoot", ours.highest_c - COMFORT_C, "K", note=f"thermostat {plain.highest_c - COMFORT_C:.2f} K"
        ),
        Figure("heating_switches", ours.switches / days, "1/day", "<= 20", f"thermostat {plain.switches / days:.1f}"),
        Figure("heating_round", round_us, "us", note=zone),
    ]


class _Week:
    """A room, a miner of 1.2 to 3.5 kW that restarts for each change, and who asks for its power."""

    def __init__(self, asking: Asking) -> None:
        self.asking = asking
        self.room_c, self.highest_c = 20.0, 0.0
        self.short_kh, self.switches = 0.0, 0

    def lives(self, days: int) -> None:
        """Let the days pass, after one that does not count."""
        asked_w, asked_s = 0.0, 0.0
        for passed_s in range(0, (days + 1) * 86_400, STEP_S):
            hour = passed_s / 3600
            given_w = asked_w * min(1.0, 0.1 + 0.9 * (passed_s - asked_s) / RAMP_S)
            outdoor_c = 1 + 5 * sin(2 * pi * (hour - 9) / 24)
            self.room_c += (given_w - LOSS_W_PER_K * (self.room_c - outdoor_c)) * STEP_S / CAPACITY_J_PER_K
            wanted_w = self.asking(BEGIN + timedelta(seconds=passed_s), self.room_c, given_w)
            if wanted_w != asked_w:
                asked_w, asked_s = wanted_w, passed_s
                self.switches += hour >= 24
            if hour >= 24 and WARM_BY_H <= hour % 24 < DAY_H[1]:
                self.short_kh += max(0.0, COMFORT_C - self.room_c) * STEP_S / 3600
                self.highest_c = max(self.highest_c, self.room_c)


def _thermostat() -> Asking:
    is_on = False

    def asking(now: datetime, room_c: float, _given_w: float) -> float:
        nonlocal is_on
        target_c = COMFORT_C if DAY_H[0] <= now.hour < DAY_H[1] else ECO_C
        is_on = room_c < target_c + 0.5 if is_on else room_c < target_c - 0.5
        return 3500.0 if is_on else 0.0

    return asking


@dataclass
class _Site:
    site: str = "home"
    infos: dict[str, MinerInfo] = field(default_factory=dict)
    readings: dict[str, MinerTelemetry] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    is_enabled: bool = True

    def has(self, miner: str, power_w: float, now: datetime) -> None:
        """Let a miner say what it draws."""
        state = MinerState.MINING if power_w > 0 else MinerState.SLEEPING
        self.readings[miner] = MinerTelemetry(
            site="home", at=now, miner=miner, driver="whatsminer", state=state, power_w=power_w
        )


def _info(miner: str) -> MinerInfo:
    return MinerInfo(
        site="home",
        at=BEGIN,
        miner=miner,
        driver="whatsminer",
        level=Level.GOLD,
        capabilities=(Capability.POWER_LIMIT, Capability.SLEEP),
        min_power_w=1200,
        max_power_w=3500,
        power_change=PowerChange(ramp_s=RAMP_S, min_interval_s=300),
    )


def _told(sensor: str, room_c: float, now: datetime) -> SensorTelemetry:
    return SensorTelemetry(site="home", at=now, source="poller", sensor=sensor, temperature_c=round(room_c, 2))


def _zone(sensor: str, miners: list[str]) -> dict[str, Any]:
    return {"miners": miners, "inputs": [{"sensor": sensor}], "schedule": SCHEDULE}


def _ours() -> Asking:
    policy = Heat(HeatSettings.model_validate({"zones": {"living": _zone("living", ["attic"])}}))
    site, memory = _Site(infos={"attic": _info("attic")}), policy.begins()

    def asking(now: datetime, room_c: float, given_w: float) -> float:
        nonlocal memory
        site.has("attic", given_w, now)
        memory = policy.heard(memory, _told("living", room_c, now), now, site)
        memory = policy.heard(memory, TICK, now, site)
        return next((bid.wish_w for bid in policy.bids(memory, now, site) if bid.wish_w is not None), 0.0)

    return asking


def _round_us(rounds: int) -> float:
    """Return the time of one zone in a round of many, in the best round."""
    miners = {f"z{zone}": [f"z{zone}-{number}" for number in range(FARM_MINERS)] for zone in range(FARM_ZONES)}
    policy = Heat(HeatSettings.model_validate({"zones": {zone: _zone(zone, names) for zone, names in miners.items()}}))
    site = _Site(infos={name: _info(name) for names in miners.values() for name in names})
    memory, best_s = policy.begins(), float("inf")
    for number in range(rounds + 2):
        now = BEGIN + timedelta(seconds=6 * number)
        for zone, names in miners.items():
            memory = policy.heard(memory, _told(zone, 19.5 + number / 100, now), now, site)
            for name in names:
                site.has(name, 1500.0, now)
        begin_s = perf_counter()
        memory = policy.heard(memory, TICK, now, site)
        if number > 2:
            best_s = min(best_s, perf_counter() - begin_s)
    return best_s / FARM_ZONES * 1e6
