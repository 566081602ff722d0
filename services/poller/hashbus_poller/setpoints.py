"""What to ask of a miner so that it draws what it may: pure, from what is wanted, what it can do and what it shows.

Level-triggered: after every reading the wanted power is compared with the shown one, so a lost command, a reboot or a
hand on the miner's own page is put right by the next reading, and nothing has to be remembered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from hashbus.messages import Capability, MinerIdentity, MinerReading, MinerState, PowerSetpoint, SetpointStatus
from hashbus.power import Target

DAY_S = 86_400.0


class Act(Enum):
    """What can be asked of a miner about its power."""

    LIMIT = "limit"
    SLEEP = "sleep"
    WAKE = "wake"
    PERCENT = "percent"
    """Fast modulation below a standing limit: modulation.py."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of a miner now, and what was done about it. Times are seconds of a clock that never goes back."""

    setpoint: PowerSetpoint
    ends_s: float
    is_lapsed: bool = False
    asked_s: float | None = None
    asked_act: Act | None = None
    asked_w: float | None = None
    raised_s: float | None = None
    raises_s: tuple[float, ...] = ()
    """When more power was asked in the last day."""
    told: SetpointStatus | None = None

    @property
    def power_w(self) -> float:
        """Return the wanted watts."""
        return self.setpoint.power_w


@dataclass(frozen=True, slots=True)
class Rules:
    """How patient the poller is with this miner, in seconds."""

    confirm_s: float
    raise_interval_s: float
    raises_per_day: int = 24
    """How often a day more power may be asked; less power is never counted."""


def is_shown(goal: Target, reading: MinerReading, who: MinerIdentity) -> bool:
    """Say whether a reading shows that the miner is at its target."""
    is_asleep = reading.state is MinerState.SLEEPING
    if goal.power_w == 0:
        return is_asleep
    if is_asleep:
        return False
    if Capability.POWER_LIMIT not in who.capabilities:
        return True
    return reading.power_limit_w is not None and abs(reading.power_limit_w - goal.power_w) <= _tolerance_w(goal, who)


def _tolerance_w(goal: Target, who: MinerIdentity) -> float:
    """Return how far off a shown limit may be: half a level, or half a step and at least one per cent."""
    gaps = [abs(level.power_w - goal.power_w) for level in who.power_levels if level.power_w != goal.power_w]
    if gaps:
        return min(gaps) / 2
    return max((who.power_step_w or 0) / 2, goal.power_w / 100, 1.0)


def next_act(
    wanted: Wanted, goal: Target, reading: MinerReading, who: MinerIdentity, rules: Rules, now_s: float
) -> tuple[Act, float] | None:
    """Return what to ask of the miner now, with the watts; None when it is right, or when it needs time.

    Less power is asked at once. More waits for the interval that a change costs on this miner, so that no mistake
    above wears it out.
    """
    if is_shown(goal, reading, who):
        return None
    act = _act(goal, reading)
    if _is_pending(wanted, act, goal, rules, now_s) or is_used_up(wanted, goal, reading, rules, now_s):
        return None
    is_raise = _is_raise(act, goal.power_w, reading)
    if (
        is_raise
        and act is Act.LIMIT
        and wanted.raised_s is not None
        and now_s - wanted.raised_s < rules.raise_interval_s
    ):
        return None
    return act, goal.power_w


def is_used_up(wanted: Wanted, goal: Target, reading: MinerReading, rules: Rules, now_s: float) -> bool:
    """Say whether more power is wanted that may not be asked today any more; what was asked may still show."""
    act = _act(goal, reading)
    if not _is_raise(act, goal.power_w, reading) or _is_pending(wanted, act, goal, rules, now_s):
        return False
    return len(_of_last_day(wanted.raises_s, now_s)) >= rules.raises_per_day


def _is_pending(wanted: Wanted, act: Act, goal: Target, rules: Rules, now_s: float) -> bool:
    """Say whether the very same was asked so recently that it may still show."""
    is_same_question = wanted.asked_act is act and wanted.asked_w == goal.power_w
    return is_same_question and wanted.asked_s is not None and now_s - wanted.asked_s < rules.confirm_s


def _is_raise(act: Act, power_w: float, reading: MinerReading) -> bool:
    return act is Act.WAKE or (act is Act.LIMIT and power_w > (reading.power_limit_w or 0))


def _of_last_day(times_s: tuple[float, ...], now_s: float) -> tuple[float, ...]:
    return tuple(time_s for time_s in times_s if now_s - time_s < DAY_S)


def _act(goal: Target, reading: MinerReading) -> Act:
    if goal.power_w == 0:
        return Act.SLEEP
    return Act.WAKE if reading.state is MinerState.SLEEPING else Act.LIMIT


def asked(wanted: Wanted, act: Act, power_w: float, reading: MinerReading, now_s: float) -> Wanted:
    """Note that something was asked of the miner."""
    is_raise = act is not Act.SLEEP and power_w > (reading.power_limit_w or 0)
    return replace(
        wanted,
        asked_s=now_s,
        asked_act=act,
        asked_w=power_w,
        raised_s=now_s if is_raise else wanted.raised_s,
        raises_s=(*_of_last_day(wanted.raises_s, now_s), now_s)
        if _is_raise(act, power_w, reading)
        else wanted.raises_s,
    )


def heard(before: Wanted | None, setpoint: PowerSetpoint, ends_s: float) -> Wanted:
    """Take a new setpoint; what was asked and raised before still counts for the intervals."""
    if before is None:
        return Wanted(setpoint, ends_s)
    is_same = before.setpoint.power_w == setpoint.power_w and not before.is_lapsed
    return replace(before, setpoint=setpoint, ends_s=ends_s, is_lapsed=False, told=before.told if is_same else None)


def lapsed(wanted: Wanted, safe_power_w: float) -> Wanted:
    """Fall back to the safe power when the lease has ended."""
    safe = wanted.setpoint.model_copy(
        update={"power_w": safe_power_w, "limit_w": None, "reason": "the lease ended", "decision": None}
    )
    return replace(wanted, setpoint=safe, is_lapsed=True, told=None)
