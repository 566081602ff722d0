"""Safety: a miner that is too hot is put to sleep, and a battery nobody hears from lets nobody draw from it."""

from __future__ import annotations

from datetime import datetime, timedelta

from hashbus.messages import MinerTelemetry, Rank
from hashbus.settings import Section
from hashbus.units import Celsius
from hashbus_controller.bids import Bid

HOLDS_FOR = timedelta(minutes=2)
"""A safety bid lives on only as long as it is renewed, like every other."""


class SafetySettings(Section):
    """From where a miner is put to sleep, and from where it may wake again."""

    chip_off_c: Celsius = 100
    chip_on_c: Celsius = 80
    liquid_off_c: Celsius = 70
    liquid_on_c: Celsius = 55


def too_hot(reading: MinerTelemetry, limits: SafetySettings, *, was_hot: bool) -> str | None:
    """Return what is too hot, in words; None when nothing is. What was too hot must cool well below the limit first."""
    found = (
        ("chip", reading.chip_max_c, limits.chip_on_c if was_hot else limits.chip_off_c),
        ("liquid", reading.liquid_c, limits.liquid_on_c if was_hot else limits.liquid_off_c),
    )
    for name, value_c, limit_c in found:
        if value_c is not None and value_c >= limit_c:
            return f"{name} at {value_c:g} °C: asleep until it is below {limit_c:g} °C"
    return None


def off(miner: str, why: str, now: datetime) -> Bid:
    """Return the bid that puts a miner to sleep."""
    return Bid("controller", miner, "safety", Rank.SAFETY, now + HOLDS_FOR, why, cap_w=0.0)
