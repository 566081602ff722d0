"""The battery ratchet: power falls with the battery in steps of ten per cent, and rises only after a full battery.

S2.2 to S2.5, with hysteresis around the cut-off, so that a battery at its edge switches the miners once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from pydantic import Field

from hashbus.settings import Section
from hashbus.units import Percent, Watts

FULL_PCT = 100.0


class SocSettings(Section):
    """How the battery rules its miners."""

    battery: str = Field(description="Id of the battery")
    scope: str = Field("site", description="Which miners it rules: a miner, a group, or `site`")
    base_w: Watts = Field(description="Power of these miners together at a full battery")
    cutoff_pct: Percent = Field(30, description="At or below: off")
    resume_pct: Percent = Field(35, description="After a cut-off, from where they may run again")


@dataclass(frozen=True, slots=True)
class Ratchet:
    """What the ratchet remembers: the latched power in per cent, and whether it has cut off."""

    latched_pct: float = FULL_PCT
    is_cut: bool = False


def decile_up(soc_pct: float) -> float:
    """Round a state of charge up to tens: 55 becomes 60, 83 becomes 90 (S2.2)."""
    return min(FULL_PCT, math.ceil(round(soc_pct, 6) / 10) * 10.0)


def turned(ratchet: Ratchet, soc_pct: float, settings: SocSettings) -> Ratchet:
    """Turn the ratchet for a reading: it falls with the battery, and only a full battery resets it (S2.3, S2.5)."""
    if soc_pct >= FULL_PCT:
        return Ratchet()
    is_cut = soc_pct < settings.resume_pct if ratchet.is_cut else soc_pct <= settings.cutoff_pct
    return replace(ratchet, latched_pct=min(ratchet.latched_pct, decile_up(soc_pct)), is_cut=is_cut)


def allowed_w(ratchet: Ratchet, settings: SocSettings) -> float:
    """Return the watts the miners may draw together."""
    return 0.0 if ratchet.is_cut else settings.base_w * ratchet.latched_pct / 100


def reason(ratchet: Ratchet, soc_pct: float, settings: SocSettings) -> str:
    """Say in one sentence why."""
    if ratchet.is_cut:
        return f"battery at {soc_pct:g} %: off at or below {settings.cutoff_pct:g} % until {settings.resume_pct:g} %"
    if ratchet.latched_pct >= FULL_PCT:
        return f"battery at {soc_pct:g} %: full power"
    if decile_up(soc_pct) > ratchet.latched_pct:
        return f"battery at {soc_pct:g} %: held at {ratchet.latched_pct:g} % until it is full"
    return f"battery at {soc_pct:g} %: {ratchet.latched_pct:g} % of {settings.base_w:g} W"
