"""What a change of power costs on each miner, learnt from what it shows after every change.

A change restarts mining on most firmware: for minutes the miner does less than it would have done unchanged. That loss,
in terahashes, and the time until the new power is reached are watched after each change and averaged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hashbus.messages import MinerInfo, MinerState, MinerTelemetry

REACHED = 0.95
"""A ramp is over at 95 % of the new power and of the hashrate that goes with it."""
LONGEST = timedelta(hours=1)
"""What has not reached its power by then is watched no longer: something else is wrong."""
REMEMBERED = 5
"""An average over about so many changes: a miner ages, and a new firmware behaves anew."""
UNKNOWN_RAMP_S = 300.0
"""Where neither the driver nor experience says how long a ramp takes."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What is learnt of a miner: seconds until the new power, terahashes lost by a change, from how many changes."""

    ramp_s: float
    loss_th: float
    seen: int = 1


@dataclass(frozen=True, slots=True)
class Ramp:
    """A change that is being watched: from when, to which power, and what would have been mined anyway."""

    since: datetime
    to_w: float
    baseline_ths: float
    """The lesser of the hashrates before and after: what either choice would have brought."""
    last_at: datetime
    lost_th: float = 0.0


def begun(reading: MinerTelemetry | None, to_w: float, efficiency_j_per_th: float | None, now: datetime) -> Ramp | None:
    """Begin to watch a change; None where nothing can be learnt: to sleep, or from a miner nobody hears."""
    if reading is None or to_w <= 0 or reading.is_stale(now):
        return None
    before_ths = reading.hashrate_ths or 0.0
    after_ths = to_w / efficiency_j_per_th if efficiency_j_per_th else before_ths
    return Ramp(now, to_w, min(before_ths, after_ths), now)


def watched(ramp: Ramp, reading: MinerTelemetry) -> tuple[Ramp | None, tuple[float, float] | None]:
    """Take in a reading: the ramp as it goes on, or, when it is over, its seconds and the terahashes it lost."""
    if reading.at <= ramp.last_at:
        return ramp, None
    if reading.at - ramp.since > LONGEST:
        return None, None
    now_ths = reading.hashrate_5s_ths if reading.hashrate_5s_ths is not None else reading.hashrate_ths or 0.0
    lost_th = max(0.0, ramp.baseline_ths - now_ths) * (reading.at - ramp.last_at).total_seconds()
    ramp = replace(ramp, lost_th=ramp.lost_th + lost_th, last_at=reading.at)
    if not _is_reached(ramp, reading, now_ths):
        return ramp, None
    return None, ((reading.at - ramp.since).total_seconds(), ramp.lost_th)


def _is_reached(ramp: Ramp, reading: MinerTelemetry, now_ths: float) -> bool:
    if reading.state is not MinerState.MINING or now_ths < ramp.baseline_ths * REACHED:
        return False
    return reading.power_w is None or abs(reading.power_w - ramp.to_w) <= ramp.to_w * (1 - REACHED)


def learnt(cost: Cost | None, ramp_s: float, loss_th: float) -> Cost:
    """Average a change into what is known."""
    if cost is None:
        return Cost(ramp_s, loss_th)
    weight = 1 / min(cost.seen + 1, REMEMBERED)
    return Cost(
        cost.ramp_s + (ramp_s - cost.ramp_s) * weight,
        cost.loss_th + (loss_th - cost.loss_th) * weight,
        cost.seen + 1,
    )


def efficiency(info: MinerInfo, reading: MinerTelemetry | None) -> float | None:
    """Return the J/TH of a miner: the rated figure, which does not move, else the measured one."""
    if info.rated_power_w and info.rated_hashrate_ths:
        return info.rated_power_w / info.rated_hashrate_ths
    return reading.efficiency_j_per_th if reading else None


def loss_wh(info: MinerInfo, reading: MinerTelemetry | None, cost: Cost | None, lesser_w: float) -> float:
    """Return what one change loses, as the energy of the mining that is not done.

    `lesser_w` is the lesser of the powers before and after. Not learnt yet, a ramp counts half: nothing at its
    beginning, everything at its end.
    """
    if not info.power_change.restarts_mining:
        return 0.0
    j_per_th = efficiency(info, reading)
    if cost is not None and j_per_th:
        return cost.loss_th * j_per_th / 3600
    ramp_s = cost.ramp_s if cost else info.power_change.ramp_s or UNKNOWN_RAMP_S
    return lesser_w * ramp_s / 2 / 3600
