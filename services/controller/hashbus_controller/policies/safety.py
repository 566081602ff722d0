"""Safety: a miner that is too hot is put to sleep, and one that nobody hears from is given no more power."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from rpds import HashTrieMap

from hashbus.messages import Message, MinerTelemetry, Rank
from hashbus.settings import Section
from hashbus.step import Tick
from hashbus.units import Celsius
from hashbus_controller.bids import OWN, RENEWED, Bid
from hashbus_controller.policy import SiteView


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


@dataclass(frozen=True, slots=True)
class Hot:
    """Who is too hot, and why in words."""

    miners: HashTrieMap[str, str]


@dataclass(frozen=True, slots=True)
class Safety:
    """The policy: nobody is stronger."""

    settings: SafetySettings
    name: str = "safety"
    hears: tuple[type[Message], ...] = (MinerTelemetry,)

    def begins(self) -> Hot:
        """Start with nobody too hot."""
        return Hot(HashTrieMap())

    def heard(self, memory: Hot, message: Message | Tick, now: datetime, site: SiteView) -> Hot:
        """Note who is too hot now; a miner that falls silent stays what it was."""
        if not isinstance(message, MinerTelemetry):
            return memory
        why = too_hot(message, self.settings, was_hot=message.miner in memory.miners)
        if why == memory.miners.get(message.miner):
            return memory
        miners = memory.miners.insert(message.miner, why) if why else memory.miners.remove(message.miner)
        return replace(memory, miners=miners)

    def bids(self, memory: Hot, now: datetime, site: SiteView) -> tuple[Bid, ...]:
        """Put each of them to sleep."""
        until = now + RENEWED
        return tuple(
            Bid(OWN, miner, self.name, Rank.SAFETY, until, why, cap_w=0.0) for miner, why in memory.miners.items()
        )
