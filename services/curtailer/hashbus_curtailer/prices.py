"""What power costs and hashrate earns now, from what the market service says; nothing is made of a stale figure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hashbus.messages import CurrencyRates, Hashprice, PowerPrice

USD = "USD"


@dataclass(frozen=True)
class Prices:
    """What the market said last."""

    power: PowerPrice | None = None
    hashprice: Hashprice | None = None
    rates: CurrencyRates | None = None

    def power_per_kwh(self, now: datetime) -> float | None:
        """Return what a kilowatt-hour costs now, in the tariff's currency; None when that is not known."""
        return None if self.power is None else price_now(self.power, now)

    def usd_per_kwh(self, now: datetime) -> float | None:
        """Return the same in dollars; None also where nobody says what a dollar costs."""
        price = self.power_per_kwh(now)
        if price is None or self.power is None or self.power.currency == USD:
            return price
        rates = self.rates
        if rates is None or rates.is_stale(now) or not rates.per_usd.get(self.power.currency):
            return None
        return price / rates.per_usd[self.power.currency]

    def usd_per_ths_hour(self, now: datetime) -> float | None:
        """Return what a TH/s earns in an hour; None when that is not known."""
        if self.hashprice is None or self.hashprice.is_stale(now):
            return None
        return self.hashprice.hashprice_usd_per_ph_day / 1000 / 24


def price_now(said: PowerPrice, now: datetime) -> float | None:
    """Return the price of the hour we are in, by the windows of the tariff or else by what was said a moment ago."""
    for window in said.windows:
        if window.starts_at <= now < window.ends_at:
            return window.price_per_kwh
    return None if said.is_stale(now) else said.price_per_kwh
