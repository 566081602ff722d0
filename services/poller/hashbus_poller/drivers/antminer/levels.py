"""The power levels of a stock Antminer: it takes no watts, only sleep, normal, sometimes low, and frequency steps.

Pure. The watts of a level are an estimate:

    power of a frequency level = rated power x level / 100

Dynamic power of a chip is proportional to f x V^2 (CMOS switching power, C V^2 f). Firmware lowers the voltage with the
frequency, so what is really drawn at a lower level is at or below this straight line, up to the vendor's tolerance. The
rated power is that of the vendor's data sheet (models.csv) or of the configuration. Sleep counts as 0 W,
as a setpoint of 0 means sleep; the control board and fans go on drawing some 15 to 40 W.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hashbus.messages import PowerLevel
from hashbus_poller.drivers.antminer.conf import MinerConf, WorkMode

FULL_PCT = 100.0
SLACK_W = 0.5
"""A setpoint that was rounded to whole watts still means its level."""


@dataclass(frozen=True, slots=True)
class PowerStep:
    """One thing the miner can be told: a work mode and a frequency level, and what it draws then (an estimate).

    Sleep has no level: the one that is set stays, so that the miner wakes with the power that it had.
    """

    name: str
    work_mode: WorkMode
    level_pct: float | None
    power_w: float

    def as_message(self) -> PowerLevel:
        """Return what others see of it."""
        return PowerLevel(name=self.name, power_w=self.power_w)

    def set_in(self, conf: MinerConf) -> MinerConf:
        """Return a configuration with this level in force; what its firmware does not know is left out."""
        return replace(
            conf,
            work_mode=None if conf.work_mode is None else self.work_mode,
            level_pct=conf.level_pct if conf.level_pct is None or self.level_pct is None else self.level_pct,
        )


def power_steps(
    rated_power_w: float | None, conf: MinerConf, steps_pct: Sequence[float], low_power_pct: float | None
) -> tuple[PowerStep, ...]:
    """Return the levels that a miner with that configuration has, from the lowest up; none without a rated power.

    `steps_pct` are the frequency levels that this model offers, `low_power_pct` is what its low-power mode draws in per
    cent of the rated power, None where there is no such mode.
    """
    if not rated_power_w:
        return ()
    shares = {FULL_PCT} if conf.level_pct is None else {FULL_PCT, *steps_pct}
    steps = [
        PowerStep(
            name="normal" if pct == FULL_PCT else f"{pct:g} %",
            work_mode=WorkMode.NORMAL,
            level_pct=pct,
            power_w=_share_w(rated_power_w, pct),
        )
        for pct in shares
    ]
    if conf.work_mode is not None:
        steps.append(PowerStep("sleep", WorkMode.SLEEP, None, 0.0))
        if low_power_pct is not None:
            steps.append(PowerStep("low", WorkMode.LOW, FULL_PCT, _share_w(rated_power_w, low_power_pct)))
    return tuple(sorted(steps, key=lambda step: step.power_w))


def step_for(steps: Sequence[PowerStep], power_w: float) -> PowerStep | None:
    """Return the highest level that draws at most that much; None when there is none."""
    within = [step for step in steps if step.power_w <= power_w + SLACK_W]
    return max(within, key=lambda step: step.power_w, default=None)


def limit_w(steps: Sequence[PowerStep], work_mode: int | None, level_pct: float | None) -> float | None:
    """Return the power of the level in force; None where it is none that we can put into watts."""
    if work_mode in {WorkMode.SLEEP, WorkMode.OLD_SLEEP}:
        return 0.0
    if work_mode == WorkMode.LOW:
        return next((step.power_w for step in steps if step.work_mode is WorkMode.LOW), None)
    full_w = next((step.power_w for step in steps if step.name == "normal"), None)
    if full_w is None or work_mode not in {None, WorkMode.NORMAL}:
        return None
    return full_w if level_pct is None else _share_w(full_w, level_pct)


def _share_w(power_w: float, share_pct: float) -> float:
    return round(power_w * share_pct / 100.0, 1)
