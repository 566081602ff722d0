"""The battery ratchet: power falls with the battery in steps of ten per cent, and rises only after a full battery.

S2.2 to S2.5, with hysteresis around the cut-off, so that a battery at its edge switches the miners once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from pydantic import Field, model_validator

from hashbus.messages import BatteryTelemetry, Id, Message, PolicyMemory, Rank
from hashbus.settings import Section
from hashbus.step import Tick
from hashbus.units import Percent, Watts
from hashbus_controller.bids import OWN, RENEWED, Bid
from hashbus_controller.policy import SiteView

FULL_PCT = 100.0


class SocSettings(Section):
    """How the battery rules its miners."""

    battery: Id = Field(description="Id of the battery")
    scope: Id = Field("site", description="Which miners it rules: a miner, a group, or `site`")
    base_w: Watts = Field(description="Power of these miners together at a full battery")
    cutoff_pct: Percent = Field(30, description="At or below: off")
    resume_pct: Percent = Field(35, description="After a cut-off, from where they may run again")

    @model_validator(mode="after")
    def _resumes_above(self) -> Self:
        if self.resume_pct <= self.cutoff_pct:
            raise ValueError(f"resume_pct {self.resume_pct:g} must be above cutoff_pct {self.cutoff_pct:g}")
        return self


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


@dataclass(frozen=True, slots=True)
class Charge:
    """The ratchet, and the battery's last reading."""

    ratchet: Ratchet = Ratchet()
    battery: BatteryTelemetry | None = None
    turned_by_pct: float | None = None
    """The last state of charge that was fresh when it was heard."""


@dataclass(frozen=True, slots=True)
class Soc:
    """The policy: a cap on the miners of a battery. A battery that is silent lets nobody draw from it."""

    settings: SocSettings
    name: str = "soc"
    hears: tuple[type[Message], ...] = (BatteryTelemetry,)

    def begins(self) -> Charge:
        """Start at full power: the first reading turns the ratchet."""
        return Charge()

    def heard(self, memory: Charge, message: Message | Tick, now: datetime, site: SiteView) -> Charge:
        """Turn the ratchet for a fresh reading of its battery."""
        if not isinstance(message, BatteryTelemetry) or message.battery != self.settings.battery:
            return memory
        if message.is_stale(now):
            return replace(memory, battery=message)
        return Charge(turned(memory.ratchet, message.soc_pct, self.settings), message, message.soc_pct)

    def bids(self, memory: Charge, now: datetime, site: SiteView) -> tuple[Bid, ...]:
        """Cap the miners together at what the ratchet allows."""
        battery, settings = memory.battery, self.settings
        if battery is None or battery.is_stale(now):
            heard = "never heard" if battery is None else f"last heard at {battery.at:%H:%M:%S} UTC"
            why, cap_w = f"battery {settings.battery} is silent, {heard}", 0.0
        else:
            why, cap_w = reason(memory.ratchet, battery.soc_pct, settings), allowed_w(memory.ratchet, settings)
        return (Bid(OWN, settings.scope, self.name, Rank.BATTERY, now + RENEWED, why, cap_w=cap_w),)

    def waits_for(self, memory: Charge) -> str | None:
        """Wait for the battery: a portal is read every minute, and a home must not go dark at each start."""
        return None if memory.battery else f"battery {self.settings.battery}"

    def kept(self, memory: Charge) -> PolicyMemory:
        """Keep the latch and the cut-off."""
        ratchet = memory.ratchet
        return PolicyMemory(numbers={"latched_pct": ratchet.latched_pct}, flags={"is_cut": ratchet.is_cut})

    def recalled(self, memory: Charge, kept: PolicyMemory) -> Charge:
        """Take back the latch and the cut-off; a reading that was heard before turns them on."""
        ratchet = Ratchet(kept.numbers.get("latched_pct", FULL_PCT), kept.flags.get("is_cut", False))
        if memory.turned_by_pct is not None:
            ratchet = turned(ratchet, memory.turned_by_pct, self.settings)
        return replace(memory, ratchet=ratchet)
