"""The power a miner can really take: what the controller may decide and the poller may ask, from the same rule."""

from __future__ import annotations

from dataclasses import dataclass

from hashbus.messages import Capability, MinerIdentity


@dataclass(frozen=True, slots=True)
class Target:
    """The power a miner can really take at or below what was asked; 0 is sleep."""

    power_w: float
    note: str | None = None


def target(asked_w: float, who: MinerIdentity) -> Target | None:
    """Return what the miner can do for `asked_w`; None when it can do nothing about its power.

    Never above what was asked: a cap is a cap. Below the smallest power the miner runs at, only sleep is.
    """
    can_sleep = Capability.SLEEP in who.capabilities
    if Capability.POWER_LIMIT not in who.capabilities:
        return _sleep_or_run(asked_w, who, can_sleep=can_sleep)
    levels = sorted(level.power_w for level in who.power_levels if level.power_w > 0)
    lowest = levels[0] if levels else who.min_power_w or 0.0
    if asked_w < max(lowest, 1.0):
        if can_sleep:
            return Target(0.0, None if asked_w == 0 else f"below {lowest:g} W it only sleeps")
        return Target(lowest, f"cannot sleep; {lowest:g} W is the least it draws")
    if levels:
        return Target(max(level for level in levels if level <= asked_w))
    highest = who.max_power_w or who.rated_power_w
    power_w = min(asked_w, highest) if highest else asked_w
    if who.power_step_w and power_w != highest:
        power_w = lowest + (power_w - lowest) // who.power_step_w * who.power_step_w
    return Target(power_w)


def _sleep_or_run(asked_w: float, who: MinerIdentity, *, can_sleep: bool) -> Target | None:
    if not can_sleep:
        return None
    runs_at_w = who.max_power_w or who.rated_power_w or 0.0
    if asked_w > 0 and asked_w >= runs_at_w:
        return Target(runs_at_w or asked_w)
    return Target(0.0, None if asked_w == 0 else f"it runs at {runs_at_w:g} W or sleeps")
