"""Which thermometer counts: the first of a list that is young enough and tells something that can be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hashbus.messages import MinerTelemetry, SensorTelemetry
from hashbus_controller.heat.settings import InputSettings, full_name

AHEAD = timedelta(minutes=5)
"""A reading from further in the future has a wrong clock behind it, and its age is unknown."""

ROOM_C = (-30.0, 50.0)
"""What a room can have. A DS18B20 tells 85 °C after a loss of power, a lost one often -50 °C or less."""

SUPPLY_C = (-10.0, 110.0)
OUTDOOR_C = (-60.0, 55.0)


@dataclass(frozen=True, slots=True)
class Thermometers:
    """What was last heard of sensors, by source and id, and of miners."""

    sensors: Mapping[str, SensorTelemetry]
    miners: Mapping[str, MinerTelemetry]

    def reading(self, one: InputSettings) -> SensorTelemetry | MinerTelemetry | None:
        """Return the last reading that holds an input's figure."""
        if one.sensor is not None:
            return self.sensors.get(full_name(one.sensor))
        return self.miners.get(one.miner or "")


@dataclass(frozen=True, slots=True)
class Found:
    """A temperature that may be used: corrected, with its origin and its age."""

    value_c: float
    key: str
    age_s: float


def chosen(
    inputs: Iterable[InputSettings], known: Thermometers, now: datetime, *, within_c: tuple[float, float]
) -> Found | None:
    """Return the first usable temperature in the order of the list; None when all are silent, old or impossible."""
    return next((found for one in inputs if isinstance(found := read(one, known, now, within_c), Found)), None)


def read(one: InputSettings, known: Thermometers, now: datetime, within_c: tuple[float, float]) -> Found | str:
    """Return what an input tells, or in words why it cannot be used."""
    reading = known.reading(one)
    told_c: float | None = getattr(reading, one.figure, None)
    if reading is None or told_c is None:
        return f"{one.key} never told"
    taken_at = getattr(reading, "taken_at", None) or reading.at
    if taken_at > now + AHEAD or reading.at > now + AHEAD:
        return f"{one.key} is ahead of the clock"
    age_s = max(0.0, (now - min(taken_at, reading.at)).total_seconds())
    if age_s > one.max_age_s or reading.is_stale(now):
        return f"{one.key} is {age_s / 60:.0f} min old"
    value_c = told_c + one.correction_k
    if not within_c[0] <= value_c <= within_c[1]:
        return f"{one.key} tells {value_c:.1f} °C, which cannot be"
    return Found(value_c, one.key, age_s)


def why_none(
    inputs: Sequence[InputSettings], known: Thermometers, now: datetime, *, within_c: tuple[float, float]
) -> str:
    """Say why no input of a list can be used."""
    return "; ".join(str(read(one, known, now, within_c)) for one in inputs) or "it has none"
