"""Protection from frost: a rank of its own, that nothing but the safety of a miner may limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hashbus_controller.heat.heaters import Heater
from hashbus_controller.heat.settings import FrostSettings

OVER_K = 1.0
"""Protection ends so far above the limit, where it began at the limit."""

FULL_POWER_K = 2.0
"""So far below the end of protection every miner of the zone runs at full power."""

CALM = timedelta(hours=1)
"""Against frost power rises at once, and falls once an hour: each change stops the heat of a miner for minutes."""


@dataclass(frozen=True, slots=True)
class Frost:
    """Whether the zone is protected now, and the least that each miner must draw for it."""

    is_on: bool = False
    floors_w: Mapping[str, float] = field(default_factory=dict)
    since: datetime | None = None
    why: str = ""


def watched(before: Frost, temperature_c: float, limit_c: float) -> Frost:
    """Return whether protection is on for a temperature: from the limit down, until a kelvin above it."""
    is_on = temperature_c < limit_c + OVER_K if before.is_on else temperature_c < limit_c
    return replace(before, is_on=True) if is_on else Frost()


def needed_w(temperature_c: float, limit_c: float, nominal_w: float) -> float:
    """Return the heat that protection needs: half of the power at the limit, all of it a kelvin below."""
    return nominal_w * min(1.0, max(0.0, (limit_c + OVER_K - temperature_c) / FULL_POWER_K))


def blindly_needed_w(
    outdoor_c: float | None, limit_c: float, settings: FrostSettings, *, loss_w_per_k: float, nominal_w: float
) -> float:
    """Return the heat for a zone whose own temperature nobody knows.

    By the weather: what it loses at the limit, or in proportion to the design cold where its loss is not known. Without
    the weather too, what the owner set for that, which is nothing by default: full power in an unwatched room in July
    is no safe side either.
    """
    if outdoor_c is None:
        return min(settings.blind_floor_w, nominal_w)
    cold_k = max(0.0, limit_c - outdoor_c)
    if loss_w_per_k > 0:
        return min(loss_w_per_k * cold_k, nominal_w)
    return nominal_w * min(1.0, cold_k / max(1.0, limit_c - settings.design_outdoor_c))


def floored(before: Frost, wanted_w: float, heaters: Sequence[Heater], why: str, now: datetime) -> Frost:
    """Return the floors that together give at least `wanted_w`, the most efficient miners first.

    One that nobody reaches, or whose safety forbids it, does not count: another one heats in its place.
    """
    floors_w = {}
    for heater in [one for one in heaters if one.is_available] or heaters:
        if wanted_w <= 0:
            break
        floors_w[heater.miner] = heater.above(wanted_w)
        wanted_w -= heater.gives(floors_w[heater.miner])
    is_less = sum(floors_w.values()) < sum(before.floors_w.values())
    if floors_w == before.floors_w or (is_less and before.since is not None and now - before.since < CALM):
        return replace(before, is_on=True, why=before.why or why)
    return Frost(is_on=True, floors_w=floors_w, since=now, why=why)
