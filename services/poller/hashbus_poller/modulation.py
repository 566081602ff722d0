"""Fast modulation: power below a standing limit, reached in a second and without a restart. Pure, as `setpoints.py` is.

A setpoint that names a `limit_w` above its power wants the limit left as it is and a percentage of it. Where the miner
does not stand at that limit, or is not tuned yet, its limit is set instead: what may be drawn is never exceeded.
"""

from __future__ import annotations

import math

from hashbus.messages import Capability, MinerIdentity, MinerReading, MinerState
from hashbus_poller.setpoints import Act, Wanted

RETRY_S = 15.0
"""What is done within a second is asked again soon when it does not show."""

FULL_PCT = 100


def wanted_percent(wanted: Wanted, reading: MinerReading, who: MinerIdentity) -> int | None:
    """Return the percentage that is to be in force; None when the power is not to be reached so, or cannot be now."""
    limit_w, power_w = wanted.setpoint.limit_w, wanted.power_w
    if not limit_w or not 0 < power_w <= limit_w or not _can(reading, who):
        return None
    if reading.power_limit_w is None or abs(reading.power_limit_w - limit_w) > limit_w / 100:
        return None
    return max(1, math.floor(FULL_PCT * power_w / limit_w + 1e-9))


def is_left_over(reading: MinerReading, who: MinerIdentity) -> bool:
    """Say whether a percentage is in force that nobody wants any more: then less is drawn than may be."""
    return _can(reading, who) and in_force_pct(reading) != FULL_PCT


def in_force_pct(reading: MinerReading) -> int:
    """Return the percentage in force; a miner that says none draws all of its limit."""
    return FULL_PCT if reading.power_percent_pct is None else round(reading.power_percent_pct)


def is_pending(wanted: Wanted, now_s: float) -> bool:
    """Say whether the same was asked a moment ago and may still show."""
    is_same = wanted.asked_act is Act.PERCENT and wanted.asked_w == wanted.power_w
    return is_same and wanted.asked_s is not None and now_s - wanted.asked_s < RETRY_S


def _can(reading: MinerReading, who: MinerIdentity) -> bool:
    return Capability.POWER_PERCENT in who.capabilities and reading.state is MinerState.MINING
