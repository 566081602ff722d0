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
from hashbus.models import RatedModel, rated
from hashbus_poller.drivers.antminer.conf import MinerConf, WorkMode
from hashbus_poller.drivers.antminer.generation import sleep_mode, takes_json
from hashbus_poller.drivers.antminer.stats import Stats

MAKE = "Antminer"
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
    frequency_mhz: float | None = None
    """On S17 and before, which have no levels."""

    def as_message(self) -> PowerLevel:
        """Return what others see of it."""
        return PowerLevel(name=self.name, power_w=self.power_w)

    def set_in(self, conf: MinerConf) -> MinerConf:
        """Return a configuration with this level in force; what its firmware does not know is left out."""
        conf = conf if self.frequency_mhz is None else conf.with_frequency(self.frequency_mhz)
        return replace(
            conf,
            work_mode=None if conf.work_mode is None else self.work_mode,
            level_pct=conf.level_pct if conf.level_pct is None or self.level_pct is None else self.level_pct,
        )


@dataclass(frozen=True, slots=True)
class LevelRules:
    """What the owner says of the levels.

    `rated_power_w` is the power at full level (None: the vendor's figure), `steps_pct` are the frequency levels that
    the miner's page offers, `frequencies_mhz` those in MHz that the page of an S17 or older offers, of which the
    highest is the one that it is rated at. `low_power_pct` is the draw of its low-power mode in per cent of the rated
    power (None: it has no such mode).
    """

    rated_power_w: float | None = None
    steps_pct: tuple[float, ...] = (100.0, 90.0, 80.0)
    low_power_pct: float | None = None
    frequencies_mhz: tuple[float, ...] = ()

    def full_share(self, model: str | None, conf: MinerConf | None) -> float | None:
        """Return how much of the full frequency is set on S17 and before (0 to 1); None where that is not known."""
        if takes_json(model) or not self.frequencies_mhz or conf is None or conf.frequency_mhz is None:
            return None
        return conf.frequency_mhz / max(self.frequencies_mhz)


@dataclass(frozen=True, slots=True)
class Rating:
    """The vendor's data sheet of a miner, None where we do not know it, and its levels from the lowest up."""

    sheet: RatedModel | None = None
    steps: tuple[PowerStep, ...] = ()

    @property
    def has_frequencies(self) -> bool:
        """Whether its levels are frequencies in MHz."""
        return any(step.frequency_mhz is not None for step in self.steps)


def full_rate_ths(stats: Stats, conf: MinerConf | None, share: float | None = None) -> float | None:
    """Return the ideal rate at full level, in TH/s; None where the miner does not show one, as asleep.

    `share` is how much of the full frequency is set, where frequencies are what is set.
    """
    if share is not None:
        return stats.ideal_ths / share if stats.ideal_ths else None
    level_pct = stats.level_pct or (conf.level_pct if conf else None) or FULL_PCT
    return stats.ideal_ths * FULL_PCT / level_pct if stats.ideal_ths else None


def rate(model: str | None, full_ths: float | None, conf: MinerConf | None, rules: LevelRules) -> Rating:
    """Return what a miner is rated at, with the levels that its configuration has; no levels without a rated power.

    The versions of a model differ in hashrate: the ideal rate at full level tells which one it is.
    """
    sheet = rated(MAKE, model, full_ths) if model else None
    rated_w = rules.rated_power_w or (sheet.rated_power_w if sheet else None)
    if not rated_w:
        return Rating(sheet)
    steps = _steps if takes_json(model) else _form_steps
    return Rating(sheet, steps(rated_w, conf or MinerConf(pools=()), rules, sleep_mode(model)))


def _form_steps(
    rated_power_w: float, conf: MinerConf, rules: LevelRules, asleep: WorkMode | None
) -> tuple[PowerStep, ...]:
    """Return what S17 and before can be set to: the frequencies that the owner knows of, and sleep where they can."""
    frequencies = rules.frequencies_mhz if conf.frequency_mhz is not None else ()
    steps = [
        PowerStep(
            name=f"{mhz:g} MHz",
            work_mode=WorkMode.NORMAL,
            level_pct=None,
            power_w=_share_w(rated_power_w, FULL_PCT * mhz / max(frequencies)),
            frequency_mhz=mhz,
        )
        for mhz in set(frequencies)
    ] or [PowerStep("normal", WorkMode.NORMAL, None, rated_power_w)]
    if conf.work_mode is not None and asleep is not None:
        steps.append(PowerStep("sleep", asleep, None, 0.0))
    return tuple(sorted(steps, key=lambda step: step.power_w))


def _steps(rated_power_w: float, conf: MinerConf, rules: LevelRules, asleep: WorkMode | None) -> tuple[PowerStep, ...]:
    shares = {FULL_PCT} if conf.level_pct is None else {FULL_PCT, *rules.steps_pct}
    steps = [
        PowerStep(
            name="normal" if pct == FULL_PCT else f"{pct:g} %",
            work_mode=WorkMode.NORMAL,
            level_pct=pct,
            power_w=_share_w(rated_power_w, pct),
        )
        for pct in shares
    ]
    if conf.work_mode is not None and asleep is not None:
        steps.append(PowerStep("sleep", asleep, None, 0.0))
        if rules.low_power_pct is not None:
            steps.append(PowerStep("low", WorkMode.LOW, FULL_PCT, _share_w(rated_power_w, rules.low_power_pct)))
    return tuple(sorted(steps, key=lambda step: step.power_w))


def step_for(steps: Sequence[PowerStep], power_w: float) -> PowerStep | None:
    """Return the highest level that draws at most that much; None when there is none."""
    within = [step for step in steps if step.power_w <= power_w + SLACK_W]
    return max(within, key=lambda step: step.power_w, default=None)


def limit_w(
    steps: Sequence[PowerStep],
    work_mode: int | None,
    level_pct: float | None,
    frequency_mhz: float | None = None,
) -> float | None:
    """Return the power of the level in force; None where it is none that we can put into watts."""
    if work_mode in {WorkMode.SLEEP, WorkMode.OLD_SLEEP}:
        return 0.0
    if work_mode == WorkMode.LOW:
        return next((step.power_w for step in steps if step.work_mode is WorkMode.LOW), None)
    if any(step.frequency_mhz is not None for step in steps):
        return next((step.power_w for step in steps if step.frequency_mhz == frequency_mhz), None)
    full_w = next((step.power_w for step in steps if step.name == "normal"), None)
    if full_w is None or work_mode not in {None, WorkMode.NORMAL}:
        return None
    return full_w if level_pct is None else _share_w(full_w, level_pct)


def _share_w(power_w: float, share_pct: float) -> float:
    return round(power_w * share_pct / 100.0, 1)
