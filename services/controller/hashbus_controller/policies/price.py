"""Price: mining stops while power costs too much, and runs where one is paid for taking it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from pydantic import Field, model_validator

from hashbus.messages import Id, Message, PolicyMemory, PowerPrice, Rank
from hashbus.settings import Section
from hashbus.step import Tick
from hashbus.units import PricePerKwh, Watts
from hashbus_controller.bids import OWN, RENEWED, SITE, Bid
from hashbus_controller.policy import SiteView


class PriceSettings(Section):
    """At which price per kWh, in the currency of the tariff, the miners stop and start."""

    scope: Id = Field(SITE, description="Which miners: a miner, a group, or `site`")
    stop_above_per_kwh: PricePerKwh = Field(description="Dearer than this they stop")
    start_below_per_kwh: PricePerKwh | None = Field(
        None, description="Cheaper than this they start again; as `stop_above_per_kwh` when not given"
    )
    take_below_per_kwh: PricePerKwh | None = Field(
        None, description="Cheaper than this they take `take_w`; 0 means: when one is paid for it"
    )
    take_w: Watts | None = Field(None, description="Power of these miners together at such prices")
    currency: str | None = Field(None, description="ISO 4217; a price in another currency has no say")

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if self.start_below_per_kwh is not None and self.start_below_per_kwh > self.stop_above_per_kwh:
            raise ValueError(
                f"start_below_per_kwh {self.start_below_per_kwh:g} is above stop_above_per_kwh "
                f"{self.stop_above_per_kwh:g}"
            )
        if (self.take_below_per_kwh is None) != (self.take_w is None):
            raise ValueError("take_below_per_kwh and take_w belong together")
        return self


@dataclass(frozen=True, slots=True)
class Cost:
    """The last price, what it is now, and whether the miners have stopped for it."""

    price: PowerPrice | None = None
    per_kwh: float | None = None
    is_stopped: bool = False


@dataclass(frozen=True, slots=True)
class Price:
    """The policy: a cap of nothing while power is dear, a wish while it is given away. A stale price has no say."""

    settings: PriceSettings
    name: str = "price"
    hears: tuple[type[Message], ...] = (PowerPrice,)

    def begins(self) -> Cost:
        """Start without a price."""
        return Cost()

    def heard(self, memory: Cost, message: Message | Tick, now: datetime, site: SiteView) -> Cost:
        """Take a price, or the next window of the last one; stop and start with hysteresis."""
        price = message if isinstance(message, PowerPrice) else memory.price
        per_kwh = self._now(price, now)
        if price is memory.price and per_kwh == memory.per_kwh:
            return memory
        memory = replace(memory, price=price, per_kwh=per_kwh)
        if per_kwh is None:
            return memory
        start_per_kwh = self.settings.start_below_per_kwh
        if memory.is_stopped and start_per_kwh is not None:
            return replace(memory, is_stopped=per_kwh >= start_per_kwh)
        return replace(memory, is_stopped=per_kwh > self.settings.stop_above_per_kwh)

    def _now(self, price: PowerPrice | None, now: datetime) -> float | None:
        """Return the price at `now`; None when it is unknown, stale or in another currency."""
        if (
            price is None
            or price.is_stale(now)
            or (self.settings.currency and price.currency != self.settings.currency)
        ):
            return None
        window = next((one for one in price.windows if one.starts_at <= now < one.ends_at), None)
        return price.price_per_kwh if window is None else window.price_per_kwh

    def bids(self, memory: Cost, now: datetime, site: SiteView) -> tuple[Bid, ...]:
        """Stop while power is dear; take it while it is cheap enough."""
        settings, price = self.settings, memory.price
        if memory.per_kwh is None or price is None:
            return ()
        until, unit = now + RENEWED, f"{price.currency}/kWh"
        if memory.is_stopped:
            stop, start = settings.stop_above_per_kwh, settings.start_below_per_kwh
            back = stop if start is None else start
            why = f"power costs {memory.per_kwh:g} {unit}: off above {stop:g} until it is below {back:g}"
            return (Bid(OWN, settings.scope, self.name, Rank.ECONOMICS, until, why, cap_w=0.0),)
        if settings.take_below_per_kwh is not None and memory.per_kwh < settings.take_below_per_kwh:
            why = f"power costs {memory.per_kwh:g} {unit}, less than {settings.take_below_per_kwh:g}"
            return (Bid(OWN, settings.scope, self.name, Rank.ECONOMICS, until, why, wish_w=settings.take_w),)
        return ()

    def kept(self, memory: Cost) -> PolicyMemory:
        """Keep whether the miners have stopped, for the hysteresis."""
        return PolicyMemory(flags={"is_stopped": memory.is_stopped})

    def recalled(self, memory: Cost, kept: PolicyMemory) -> Cost:
        """Take it back; a price that was heard before counts after it."""
        return replace(memory, is_stopped=kept.flags.get("is_stopped", False), per_kwh=None)
