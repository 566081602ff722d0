"""Gives up power while it costs more than mining earns: above a strike price for some intervals; pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from hashbus.messages import CurtailmentRequest, PowerPrice
from hashbus.settings import Section
from hashbus.units import PricePerKwh
from hashbus_curtailer.prices import price_now
from hashbus_curtailer.triggers.ask import Ask, HowMuch, is_alive, leased

SOURCE = "strike"


class WhenSilent(StrEnum):
    """What a price that nobody says any more means."""

    RELEASE = "release"
    HOLD = "hold"


class Strike(Section):
    """From which price on, and after how many intervals, power is given up, and when it is taken again."""

    strike_per_kwh: PricePerKwh = Field(description="Above it power is given up; in the currency of the price")
    release_per_kwh: PricePerKwh | None = Field(None, description="Below it power is taken again; the strike itself")
    interval_s: Annotated[int, Field(ge=10, le=86_400)] = Field(900, description="Of the market: 300 or 900")
    enter_after: Annotated[int, Field(ge=1, le=1000)] = Field(1, description="Intervals above the strike in a row")
    leave_after: Annotated[int, Field(ge=1, le=1000)] = Field(2, description="Intervals below in a row")

    @property
    def release(self) -> float:
        """Return the price below which an interval counts as cheap."""
        return self.strike_per_kwh if self.release_per_kwh is None else self.release_per_kwh

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.release > self.strike_per_kwh:
            raise ValueError(f"release_per_kwh {self.release:g} is above strike_per_kwh {self.strike_per_kwh:g}")
        return self


class StrikeSettings(Strike, HowMuch):
    """The strike price against what the market service says."""

    when_silent: WhenSilent = Field(
        WhenSilent.RELEASE, description="release: no price, no curtailment; hold: as it was, for `hold_s`"
    )
    hold_s: Annotated[float, Field(ge=0, le=86_400)] = 3600


@dataclass(frozen=True)
class Count:
    """Intervals in a row above the strike and below the release, and whether power is given up."""

    slot: int | None = None
    above: int = 0
    below: int = 0
    is_on: bool = False
    price_at: datetime | None = None


def turned(count: Count, price: float | None, strike: Strike, now: datetime) -> Count:
    """Take in the price of now; each interval counts once, with its first price. Without a price nothing is counted."""
    slot = int(now.timestamp()) // strike.interval_s
    if price is None:
        return replace(count, above=0, below=0)
    count = replace(count, price_at=now)
    if slot == count.slot:
        return count
    above = count.above + 1 if price > strike.strike_per_kwh else 0
    below = count.below + 1 if price <= strike.release and above == 0 else 0
    is_on = below < strike.leave_after if count.is_on else above >= strike.enter_after
    return Count(slot, above, below, is_on, now)


def told(count: Count, said: PowerPrice | None, settings: StrikeSettings, now: datetime) -> Count:
    """Take in what the market says; after a silence that is too long, nothing is asked any more."""
    price = price_now(said, now) if said else None
    count = turned(count, price, settings, now)
    if price is None and count.is_on and not _is_held(count, settings, now):
        return replace(count, is_on=False)
    return count


def _is_held(count: Count, settings: StrikeSettings, now: datetime) -> bool:
    is_long = count.price_at is None or now - count.price_at > timedelta(seconds=settings.hold_s)
    return settings.when_silent is WhenSilent.HOLD and not is_long


def recalled(count: Count, before: CurtailmentRequest | None, now: datetime) -> Count:
    """Return what the own request says after a restart: power is given up until a cheap interval was seen."""
    is_new = count.slot is None and count.price_at is None
    return Count(is_on=True, price_at=before.at) if is_new and before and is_alive(before, now) else count


def asked(
    count: Count, said: PowerPrice | None, settings: StrikeSettings, before: CurtailmentRequest | None, now: datetime
) -> Ask | None:
    """Return what the strike price asks for, as long as it does."""
    if not count.is_on:
        return None
    name, starts_at, ends_at = leased(before, timedelta(seconds=max(900, 2 * settings.interval_s)), now, SOURCE)
    price, currency = price_now(said, now) if said else None, said.currency if said else ""
    # The price of the moment is not in the reason: a reason that changes each interval would be a new request.
    costs = "no price is known now" if price is None else f"power costs more than {settings.release:g} {currency}/kWh"
    return Ask(name, starts_at, ends_at, settings, f"strike price {settings.strike_per_kwh:g}: {costs}")
