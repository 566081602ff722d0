"""The heating curve: how warm the water must be for the weather."""

from __future__ import annotations

from hashbus.messages import HeatingCurve

DESIGN_K = 30.0
"""The cold at which the slope is meant: 20 °C inside, -10 °C outside."""

ASSUMED_OUTDOOR_C = 0.0
"""Without a thermometer outdoors the water is made for a day at freezing point: warm enough for most of a winter."""


def supply_c(curve: HeatingCurve, target_c: float, outdoor_c: float | None, room_c: float | None) -> float:
    """Return the target of the water in °C.

    target + shift + slope · 30 K · (cold / 30 K)^(1/exponent) + influence · (target - room), within the limits, where
    cold is target - outdoor. A house loses heat in proportion to the cold, and a radiator gives it off with the power
    `exponent` of its excess temperature (EN 442: 1.3; floors 1.1), so the excess follows the inverse power.
    """
    cold_k = max(0.0, target_c - (ASSUMED_OUTDOOR_C if outdoor_c is None else outdoor_c))
    excess_k: float = curve.slope * DESIGN_K * (cold_k / DESIGN_K) ** (1 / curve.exponent)
    influence_k = 0.0 if room_c is None else curve.room_influence * (target_c - room_c)
    return min(max(target_c + curve.shift_k + excess_k + influence_k, curve.lowest_c), curve.highest_c)
