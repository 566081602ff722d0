"""From the heat that a zone needs to what each of its miners shall draw: few changes, and the right heat in the mean.

A miner sleeps or runs at one of its powers, and each change restarts mining for minutes. So the zone keeps account of
the heat that it is owed. Only when the debt has grown to half a swing is a miner raised, and only when as much was
given too much is one lowered: the mean is right, and the swing bounds how often that happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hashbus_controller.heat.heaters import Heater
from hashbus_controller.heat.settings import StepSettings

LONGEST_S = 60.0
DAY = timedelta(hours=24)
SWINGS = 6.0
"""Half of a gap needed: the debt moves at gap / 2 watts, up and down over a swing each, in 24 h / cycles. So a swing is
24 h · gap / (4 · cycles) = 6 h · gap / cycles."""


@dataclass(frozen=True, slots=True)
class Stages:
    """What each miner of a zone is asked for, since when, and the heat that is owed."""

    asked_w: Mapping[str, float] = field(default_factory=dict)
    since: Mapping[str, datetime] = field(default_factory=dict)
    debt_wh: float = 0.0
    at: datetime | None = None
    changed_at: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)
    """When each miner was changed in the last 24 hours."""
    switches: int = 0
    """Changes since the start."""

    def with_power(self, miner: str, power_w: float, now: datetime, *, counts: bool) -> Stages:
        """Return the stages with another power for a miner."""
        stages = replace(self, asked_w={**self.asked_w, miner: power_w}, since={**self.since, miner: now})
        if not counts:
            return stages
        changed_at = (*(at for at in self.changed_at.get(miner, ()) if now - at < DAY), now)
        return replace(stages, changed_at={**self.changed_at, miner: changed_at}, switches=self.switches + 1)


def swing_wh(heaters: Iterable[Heater], steps: StepSettings) -> float:
    """Return how far the debt goes from one change to the opposite one, in Wh."""
    return SWINGS * max((heater.widest_gap_w for heater in heaters), default=0.0) / steps.cycles_per_day


def shared(before: Stages, needed_w: float, heaters: Sequence[Heater], steps: StepSettings, now: datetime) -> Stages:
    """Return what each miner shall draw so that the zone gets `needed_w` in the mean.

    The heaters come in the order of their efficiency. One that nobody reaches is left as it is and not counted.
    """
    swing = swing_wh(heaters, steps) * _calm(before, heaters, steps, now)
    heaters = [heater for heater in heaters if heater.is_available]
    stages = _with_debt(before, needed_w, heaters, swing, now)
    stages = _modulated(stages, needed_w, heaters, steps.dead_band_w, now)
    missing_w = needed_w - total_w(stages, heaters)
    if abs(missing_w) < max(steps.dead_band_w, 1.0):
        # What is left is too little for a restart; it is no debt either, or it would grow into one over hours.
        return replace(stages, debt_wh=min(max(stages.debt_wh, -swing / 4), swing / 4))
    if missing_w > 0 and stages.debt_wh >= swing / 2:
        stages = _raised(stages, missing_w, heaters, steps, now)
    elif missing_w < 0 and (stages.debt_wh <= -swing / 2 or needed_w <= 0):
        stages = _lowered(stages, -missing_w, heaters, steps, now)
    is_met = abs(needed_w - total_w(stages, heaters)) < max(steps.dead_band_w, 1.0)
    return replace(stages, debt_wh=0.0) if is_met else stages


def taken_over(before: Stages, heaters: Iterable[Heater], now: datetime) -> Stages:
    """Return the stages with miners that are new to them, at the power they are found at: no change for its own sake.

    A miner that heats the zone no more is forgotten.
    """
    asked_w = {one.miner: before.asked_w[one.miner] for one in heaters if one.miner in before.asked_w}
    new = {one.miner: one.below(one.found_w) for one in heaters if one.is_available and one.miner not in asked_w}
    if not new and len(asked_w) == len(before.asked_w):
        return before
    return replace(before, asked_w={**asked_w, **new}, at=before.at or now)


def off(before: Stages, heaters: Iterable[Heater], now: datetime) -> Stages:
    """Return the stages of a zone that must not be heated now: all asleep, no debt."""
    stages = replace(before, debt_wh=0.0, at=now)
    for heater in heaters:
        asked_w = before.asked_w.get(heater.miner)
        if asked_w != 0.0:
            stages = stages.with_power(heater.miner, 0.0, now, counts=bool(asked_w))
    return stages


def released(before: Stages, now: datetime) -> Stages:
    """Return the stages of a zone that asks for nothing any more: its miners are somebody else's."""
    return replace(before, asked_w={}, debt_wh=0.0, at=now)


def total_w(stages: Stages, heaters: Iterable[Heater]) -> float:
    """Return what the miners draw together as they are asked, as far as others let them."""
    return sum(heater.gives(stages.asked_w.get(heater.miner, 0.0)) for heater in heaters)


def given_w(stages: Stages, heaters: Iterable[Heater]) -> float:
    """Return what the miners really draw; for one that does not tell, what it is asked for."""
    return sum(
        heater.gives(stages.asked_w.get(heater.miner, 0.0)) if heater.measured_w is None else heater.measured_w
        for heater in heaters
    )


def _with_debt(before: Stages, needed_w: float, heaters: Sequence[Heater], swing: float, now: datetime) -> Stages:
    elapsed_s = 0.0 if before.at is None else min(LONGEST_S, max(0.0, (now - before.at).total_seconds()))
    debt_wh = before.debt_wh + (needed_w - given_w(before, heaters)) * elapsed_s / 3600
    return replace(before, debt_wh=min(max(debt_wh, -swing), swing), at=now)


def _modulated(stages: Stages, needed_w: float, heaters: Sequence[Heater], dead_band_w: float, now: datetime) -> Stages:
    """Let miners that run, and that another power costs nothing, take up the difference."""
    missing_w = needed_w - total_w(stages, heaters)
    if abs(missing_w) < max(dead_band_w, 1.0):
        return stages
    free = [one for one in heaters if one.is_free and stages.asked_w.get(one.miner, 0.0) > 0]
    for heater in free if missing_w > 0 else reversed(free):
        asked_w = stages.asked_w[heater.miner]
        lowest_w = max(heater.least_w, heater.free_from_w)
        wanted_w = heater.below(min(max(heater.gives(asked_w) + missing_w, lowest_w), heater.free_to_w))
        if asked_w > heater.free_to_w or wanted_w > heater.limit_w or wanted_w == asked_w:
            continue
        missing_w -= wanted_w - heater.gives(asked_w)
        stages = stages.with_power(heater.miner, wanted_w, now, counts=False)
        if abs(missing_w) < 1.0:
            break
    return stages


def _raised(stages: Stages, missing_w: float, heaters: Sequence[Heater], steps: StepSettings, now: datetime) -> Stages:
    """Raise as few miners as it takes: whole ones in their order, and last the one that comes nearest from above."""
    can = [one for one in heaters if _may_rise(one, stages, steps, now)]
    widest_w = max((one.most_w for one in can), default=0.0)
    while can and missing_w > 0:
        reaching = []
        if missing_w <= widest_w:
            jumps = ((_jump_w(one, stages, missing_w), one.order, one) for one in can)
            reaching = [jump for jump in jumps if jump[0] >= missing_w]
        heater = min(reaching)[2] if reaching else can[0]
        asked_w = heater.gives(stages.asked_w.get(heater.miner, 0.0))
        power_w = heater.above(asked_w + missing_w)
        stages = stages.with_power(heater.miner, power_w, now, counts=True)
        missing_w -= heater.gives(power_w) - asked_w
        can.remove(heater)
    return stages


def _jump_w(heater: Heater, stages: Stages, missing_w: float) -> float:
    asked_w = heater.gives(stages.asked_w.get(heater.miner, 0.0))
    return heater.gives(heater.above(asked_w + missing_w)) - asked_w


def _lowered(stages: Stages, excess_w: float, heaters: Sequence[Heater], steps: StepSettings, now: datetime) -> Stages:
    """Lower as few miners as it takes, the least efficient first: the last one comes nearest from below."""
    can = [one for one in reversed(heaters) if _may_fall(one, stages, excess_w, steps, now)]
    widest_w = max((one.most_w for one in can), default=0.0)
    while can and excess_w > 0:
        reaching = []
        if excess_w <= widest_w:
            drops = ((_drop_w(one, stages, excess_w), place) for place, one in enumerate(can))
            reaching = [drop for drop in drops if drop[0] >= excess_w]
        heater = can.pop(min(reaching)[1] if reaching else 0)
        asked_w = stages.asked_w[heater.miner]
        power_w = heater.below(heater.gives(asked_w) - excess_w)
        if power_w < asked_w:
            stages = stages.with_power(heater.miner, power_w, now, counts=True)
            excess_w -= heater.gives(asked_w) - power_w
    return stages


def _drop_w(heater: Heater, stages: Stages, excess_w: float) -> float:
    asked_w = heater.gives(stages.asked_w[heater.miner])
    return asked_w - heater.below(asked_w - excess_w)


def _may_rise(heater: Heater, stages: Stages, steps: StepSettings, now: datetime) -> bool:
    asked_w = stages.asked_w.get(heater.miner, 0.0)
    if asked_w >= heater.most_w or asked_w >= heater.limit_w:
        return False
    if _spent(stages, heater.miner, now) >= steps.most_changes:
        return False
    least_s = steps.min_off_s if asked_w == 0 else heater.info.power_change.min_interval_s
    return _has_passed(stages, heater.miner, least_s, now)


def _may_fall(heater: Heater, stages: Stages, excess_w: float, steps: StepSettings, now: datetime) -> bool:
    asked_w = stages.asked_w.get(heater.miner, 0.0)
    least_w = heater.below(0.0)
    if asked_w <= least_w:
        return False
    stays_awake = heater.below(asked_w - excess_w) > least_w
    least_s = heater.info.power_change.min_interval_s if stays_awake else steps.min_on_s
    return _has_passed(stages, heater.miner, least_s, now)


def _spent(stages: Stages, miner: str, now: datetime) -> int:
    """Return how often a miner was changed in the last 24 hours."""
    return sum(now - at < DAY for at in stages.changed_at.get(miner, ()))


def _calm(stages: Stages, heaters: Sequence[Heater], steps: StepSettings, now: datetime) -> float:
    """Return by how much the swing is widened so that the changes of 24 hours are not used up.

    The first three quarters are free; then the fewer are left, the longer each power is kept, so that a restless day
    ends with a wider swing about the same mean and not with a cold room.
    """
    if not heaters:
        return 1.0
    spent = sum(_spent(stages, heater.miner, now) for heater in heaters) / len(heaters)
    return max(1.0, steps.most_changes / 4 / max(1.0, steps.most_changes - spent))


def _has_passed(stages: Stages, miner: str, least_s: float, now: datetime) -> bool:
    since = stages.since.get(miner)
    return since is None or now - since >= timedelta(seconds=least_s)
