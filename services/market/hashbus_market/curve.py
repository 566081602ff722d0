"""What a miner hashes at which power: seen where it has run, estimated where it has not. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import log

from hashbus.messages import Capability, MinerInfo, MinerState, MinerTelemetry
from hashbus.power import target

STEPS = 9
"""How many powers are looked at where a miner takes any number of watts: finer is not worth a restart of mining."""

ASLEEP_W = 15.0
"""Standby is 10 to 30 W of control board and fans."""

SETTLED = timedelta(minutes=15)
"""Firmware shows hashrates averaged over minutes: only after a quarter of an hour does the figure fit the power."""

NEWEST = 0.1
"""Weight of a new reading: a point follows a slow change of the weather, not a lucky minute."""

NEAR = 0.04
"""A draw within this share of a power is at that power."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The points that were seen, TH/s by watts; the power it runs at now, and since when."""

    seen_ths: Mapping[float, float] = field(default_factory=dict)
    setting_w: float | None = None
    since: datetime | None = None


def options_w(info: MinerInfo) -> tuple[float, ...]:
    """Return the powers a miner can be told, the least first; 0 is sleep."""
    highest_w = info.max_power_w or max((one.power_w for one in info.power_levels), default=0) or info.rated_power_w
    can_sleep = Capability.SLEEP in info.capabilities
    if Capability.POWER_LIMIT not in info.capabilities:
        return (0.0, highest_w) if can_sleep and highest_w else ()
    asked = [one.power_w for one in info.power_levels if one.power_w > 0]
    if not asked and highest_w:
        lowest_w = info.min_power_w or 0.5 * highest_w
        asked = [lowest_w + (highest_w - lowest_w) * step / (STEPS - 1) for step in range(STEPS)]
    goals = [target(power_w, info) for power_w in asked]
    found = {goal.power_w for goal in goals if goal is not None and goal.power_w > 0}
    return tuple(sorted({*found, 0.0} if can_sleep else found))


def learnt(curve: Curve, reading: MinerTelemetry, options: tuple[float, ...]) -> Curve:
    """Return the curve with a reading in it, once the miner has run long enough at one power."""
    if reading.state is not MinerState.MINING or not reading.power_w or not reading.hashrate_ths or reading.is_partial:
        return replace(curve, setting_w=None, since=None)
    setting_w = at_option(reading.power_limit_w or reading.power_w, options)
    if setting_w is None or setting_w != curve.setting_w:
        return replace(curve, setting_w=setting_w, since=reading.at)
    # A miner that draws less than it may is still tuning, or too hot: what it hashes then says nothing of this power.
    if at_option(reading.power_w, options) != setting_w or curve.since is None or reading.at - curve.since < SETTLED:
        return curve
    before = curve.seen_ths.get(setting_w)
    ths = reading.hashrate_ths if before is None else before + NEWEST * (reading.hashrate_ths - before)
    return replace(curve, seen_ths={**curve.seen_ths, setting_w: ths})


def at_option(power_w: float, options: tuple[float, ...]) -> float | None:
    """Return the option that a power is at; None between them."""
    nearest = min((one for one in options if one > 0), key=lambda one: abs(one - power_w), default=None)
    return nearest if nearest is not None and abs(power_w / nearest - 1) <= NEAR else None


def hashrate_ths(
    power_w: float, curve: Curve, info: MinerInfo, reading: MinerTelemetry | None, exponent: float
) -> tuple[float, bool] | None:
    """Return what a miner hashes at a power, and whether that was seen; None when nothing is known of it.

    Between two known points, of which the data sheet's is one, hashrate follows a power law; beyond the outermost it
    goes with (power share) ** exponent. A miner without either is taken from its last reading.
    """
    if power_w <= 0:
        return 0.0, True
    if power_w in curve.seen_ths:
        return curve.seen_ths[power_w], True
    known = _known(curve, info, reading)
    if not known:
        return None
    return _estimated(power_w, known, exponent), False


def _estimated(power_w: float, known: Mapping[float, float], exponent: float) -> float:
    below = max((one for one in known if one <= power_w), default=None)
    above = min((one for one in known if one > power_w), default=None)
    if below is not None and above is not None and known[below] > 0:
        exponent = log(known[above] / known[below]) / log(above / below)
    nearest_w = below if below is not None else above
    return known[nearest_w] * (power_w / nearest_w) ** exponent if nearest_w else 0.0


def _known(curve: Curve, info: MinerInfo, reading: MinerTelemetry | None) -> Mapping[float, float]:
    rated = {info.rated_power_w: info.rated_hashrate_ths} if info.rated_power_w and info.rated_hashrate_ths else {}
    known = {**rated, **curve.seen_ths}
    if known or reading is None or reading.state is not MinerState.MINING:
        return known
    return {reading.power_w: reading.hashrate_ths} if reading.power_w and reading.hashrate_ths else {}
