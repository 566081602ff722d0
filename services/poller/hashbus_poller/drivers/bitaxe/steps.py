"""How a Bitaxe's power follows its frequency: the steps that it can take, and what each one draws.

AxeOS knows no power limit. What it lets be set is the frequency, and power follows it: a part that does not change, for
the controller, the fan and the regulator's own needs, and a part that goes with f * V^2, frequency times core voltage
squared. Taken from one measured point (f0, P0) at a voltage that stays as its owner set it:

    P(f) = S + (P0 - S) * f / f0            S: 2.5 W on a 5 V board, 6 W on a 12 V board

and from the vendor's figures, where nothing could be measured yet, with (V / V_rated)^2 on the second part. It is an
estimate, a few per cent off over the range of the firmware's own options. Each step is rounded up to half a watt:
better a watt too high than a cap that does not hold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

STATIC_W = {5: 2.5, 12: 6.0}
ROUNDED_TO_W = 0.5


@dataclass(frozen=True, slots=True)
class Options:
    """The frequencies that a board can be set to, in MHz, and what it leaves the factory with."""

    frequencies_mhz: tuple[float, ...]
    default_mhz: float
    default_mv: float


@dataclass(frozen=True, slots=True)
class Curve:
    """Power over frequency at one core voltage."""

    static_w: float
    w_per_mhz: float
    core_mv: float
    is_measured: bool

    def level_w(self, frequency_mhz: float) -> float:
        """Return what the board draws at a frequency, rounded up to half a watt."""
        power_w = self.static_w + self.w_per_mhz * frequency_mhz
        # The epsilon keeps 15.000000001 from becoming 15.5.
        return math.ceil(power_w / ROUNDED_TO_W - 1e-6) * ROUNDED_TO_W


def measured(power_w: float, frequency_mhz: float, core_mv: float, nominal_v: int) -> Curve | None:
    """Return the curve through what the board draws now; None when that cannot be a mining board."""
    static_w = STATIC_W.get(nominal_v, STATIC_W[5])
    if power_w <= static_w or frequency_mhz <= 0:
        return None
    return Curve(static_w, (power_w - static_w) / frequency_mhz, core_mv, is_measured=True)


def by_data_sheet(rated_power_w: float, options: Options, core_mv: float, nominal_v: int) -> Curve | None:
    """Return the curve through the rated power at the factory's frequency and voltage, at the voltage that is set."""
    factory = measured(rated_power_w, options.default_mhz, options.default_mv, nominal_v)
    if factory is None or options.default_mv <= 0:
        return None
    volts = core_mv / options.default_mv if core_mv > 0 else 1.0
    return Curve(factory.static_w, factory.w_per_mhz * volts**2, core_mv, is_measured=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One frequency and what it draws."""

    frequency_mhz: float
    power_w: float


def steps(options: Options, curve: Curve, max_power_w: float | None) -> tuple[Step, ...]:
    """Return the steps from the least to the most power, none above what the board is made for.

    Of two frequencies that draw the same half watt the faster one stays.
    """
    by_power = {curve.level_w(mhz): mhz for mhz in sorted(options.frequencies_mhz)}
    limit_w = max_power_w or math.inf
    return tuple(Step(mhz, power_w) for power_w, mhz in sorted(by_power.items()) if power_w <= limit_w)


def step_within(taken: tuple[Step, ...], power_w: float) -> Step | None:
    """Return the fastest step that draws at most `power_w`; None when even the slowest draws more."""
    fitting = [step for step in taken if step.power_w <= power_w]
    return fitting[-1] if fitting else None
