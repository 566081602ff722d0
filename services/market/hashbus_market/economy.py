"""What the economics of the site are made from: miners, prices, what was said of them, and the bids that hold. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rpds import HashTrieMap

from hashbus.economics import DisplacedHeat, Prices, depreciation_per_day
from hashbus.messages import (
    CurrencyRates,
    Hashprice,
    MinerEconomics,
    MinerInfo,
    MinerTelemetry,
    PowerPrice,
    PowerRequest,
    SiteEconomics,
)
from hashbus_market.curve import Curve
from hashbus_market.settings import MarketSection

DOLLAR = "USD"
SITE = "site"


@dataclass(frozen=True)
class Economy:
    """Everything that is known; a new one comes out of every step."""

    site: str
    settings: MarketSection
    miners: tuple[str, ...] = ()
    """All of them, in the order in which they are looked at."""
    infos: HashTrieMap[str, MinerInfo] = field(default_factory=HashTrieMap)
    options_w: HashTrieMap[str, tuple[float, ...]] = field(default_factory=HashTrieMap)
    """The powers that each can be told."""
    readings: HashTrieMap[str, MinerTelemetry] = field(default_factory=HashTrieMap)
    curves: HashTrieMap[str, Curve] = field(default_factory=HashTrieMap)
    hashprice: Hashprice | None = None
    power: PowerPrice | None = None
    rates: CurrencyRates | None = None
    repriced_at: datetime | None = None
    """When a price was last heard: what was worked out before is out of date."""
    looked_at: HashTrieMap[str, datetime] = field(default_factory=HashTrieMap)
    said: HashTrieMap[str, MinerEconomics] = field(default_factory=HashTrieMap)
    said_site: SiteEconomics | None = None
    bids: HashTrieMap[str, PowerRequest] = field(default_factory=HashTrieMap)
    changed_at: HashTrieMap[str, datetime] = field(default_factory=HashTrieMap)
    cursor: int = 0
    """Where the next look at a part of the miners begins."""

    def reading(self, miner: str, now: datetime) -> MinerTelemetry | None:
        """Return a reading that is fresh enough to be believed."""
        reading = self.readings.get(miner)
        return None if reading is None or reading.is_stale(now) else reading

    @property
    def currency(self) -> str:
        """Return the currency in which everything is told: that of the tariff."""
        if self.power is not None:
            return self.power.currency
        return self.settings.tariff.currency if self.settings.tariff else DOLLAR

    def prices(self, now: datetime, per_kwh: float | None = None) -> Prices:
        """Return the prices that are fresh; `per_kwh` takes the place of the price of power, for a later hour."""
        hashprice = self.hashprice if self.hashprice and not self.hashprice.is_stale(now) else None
        power = self.power if self.power and not self.power.is_stale(now) else None
        return Prices(
            hashprice_usd_per_ph_day=hashprice.hashprice_usd_per_ph_day if hashprice else None,
            price_usd=hashprice.price_usd if hashprice else None,
            currency=self.currency,
            per_usd=self._per_usd(now),
            per_kwh=per_kwh if per_kwh is not None else (power.price_per_kwh if power else None),
            pool_fee_pct=self.settings.pool_fee_pct,
        )

    def _per_usd(self, now: datetime) -> float | None:
        if self.currency == DOLLAR:
            return 1.0
        own = self.settings.per_usd.get(self.currency)
        if own is not None or self.rates is None or self.rates.is_stale(now):
            return own
        return self.rates.per_usd.get(self.currency)

    def missing(self, now: datetime) -> str | None:
        """Return in words which prices are missing, and what would help; None when all are there."""
        prices = self.prices(now)
        found = []
        if prices.hashprice_usd_per_ph_day is None:
            found.append("nobody knows what a hash earns: no fresh price of bitcoin or of the network's difficulty")
        if prices.per_kwh is None:
            hint = "no fresh price of power" if self.settings.tariff else "no price of power: write market.tariff"
            found.append(hint)
        if prices.per_usd is None:
            code = self.currency
            found.append(f"nobody knows what a dollar costs in {code}: write market.per_usd: {{{code}: ...}}")
        return "; ".join(found) or None

    def oldest(self, now: datetime) -> datetime:
        """Return when the oldest price in use was taken."""
        moments = [one.taken_at for one in (self.hashprice, self.power) if one is not None]
        if self.currency != DOLLAR and self.currency not in self.settings.per_usd and self.rates is not None:
            moments.append(self.rates.taken_at)
        return min([*moments, now])

    def fresh_until(self) -> datetime | None:
        """Return until when the prices that a bid hangs on may be believed; None when one is missing."""
        if self.hashprice is None or self.power is None:
            return None
        needed: list[Hashprice | PowerPrice | CurrencyRates] = [self.hashprice, self.power]
        if self.currency != DOLLAR and self.currency not in self.settings.per_usd and self.rates is not None:
            needed.append(self.rates)
        return min(one.at + (one.topic.stale_after or timedelta(0)) for one in needed)

    def heat(self, miner: str) -> DisplacedHeat | None:
        """Return the heating that a miner stands in for."""
        heat = self.settings.heat
        return heat.displaced() if heat and self.is_in(miner, heat.miners) else None

    def depreciation(self, miner: str) -> float | None:
        """Return what a miner loses a day by its age."""
        own = self.settings.investments.get(miner)
        return None if own is None else depreciation_per_day(own.amount, own.months)

    def is_in(self, miner: str, scopes: tuple[str, ...]) -> bool:
        """Say whether a miner is named, by itself, by its group, or with the whole site."""
        info = self.infos.get(miner)
        return SITE in scopes or miner in scopes or (info is not None and info.group in scopes)
