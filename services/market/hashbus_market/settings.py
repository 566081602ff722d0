"""Settings of the market service: whom it asks and how often, what power costs, and what it may do with the answer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from hashbus.economics import KWH_PER_LITRE_OF_OIL, DisplacedHeat, HeatSource
from hashbus.messages import Id
from hashbus.settings import Section, SiteSettings
from hashbus.units import Percent, PricePerKwh
from hashbus_market.tariffs.settings import Currency, Tariff, Url

Exchange = Literal["binance", "okx", "deribit", "bybit"]
Chain = Literal["mempool", "blockchain_info"]
SOURCES = ("binance", "okx", "deribit", "bybit", "coingecko", "mempool", "blockchain_info")


class HeatSettings(Section):
    """The heating that the miners stand in for."""

    displaces: HeatSource = Field(description="gas, oil, pellets, district, resistive or heat_pump")
    fuel_per_kwh: PricePerKwh | None = Field(None, description="Price of a kWh of fuel, in the tariff's currency")
    oil_per_litre: Annotated[float, Field(gt=0, le=1e6)] | None = Field(
        None, description="Price of a litre of heating oil, in place of that of a kWh"
    )
    efficiency_pct: Annotated[float, Field(gt=0, le=120)] = Field(90, description="What the boiler makes of its fuel")
    cop: Annotated[float, Field(ge=1, le=15)] = Field(3.5, description="Of the heat pump")
    used_pct: Percent = Field(100, description="How much of the miners' heat is wanted")
    miners: tuple[Id, ...] = Field(("site",), description="Miners and groups that heat; `site` is all of them")

    @field_validator("fuel_per_kwh")
    @classmethod
    def _costs_something(cls, price: float | None) -> float | None:
        if price is not None and price < 0:
            raise ValueError("fuel that costs less than nothing is not worth saving")
        return price

    def displaced(self) -> DisplacedHeat:
        """Return it as the formulas take it."""
        per_kwh = self.oil_per_litre / KWH_PER_LITRE_OF_OIL if self.oil_per_litre else self.fuel_per_kwh
        return DisplacedHeat(self.displaces, per_kwh, self.efficiency_pct, self.cop, self.used_pct)


class Investment(Section):
    """What a miner cost, and over how long it is written off."""

    amount: Annotated[float, Field(gt=0, le=1e9)] = Field(description="In the tariff's currency")
    months: Annotated[float, Field(ge=1, le=600)] = 36


class BestPowerSettings(Section):
    """Bids of rank economics for the power at which a miner earns most."""

    scopes: tuple[Id, ...] = Field((), description="Miners and groups to bid for, or `site`; nobody when empty")
    lease_s: Annotated[float, Field(ge=60, le=3600)] = Field(900, description="A bid lapses unless it is renewed")
    min_hold_s: Annotated[float, Field(ge=0, le=86_400)] = Field(1800, description="Shortest time between two bids")
    horizon_s: Annotated[float, Field(ge=300, le=86_400)] = Field(
        3600, description="How far ahead a gain counts where no later price is known"
    )
    min_gain_per_day: Annotated[float, Field(ge=0, le=1e6)] = Field(
        0.10, description="A smaller gain a day is not worth a change, in the tariff's currency"
    )
    change_cost: Annotated[float, Field(ge=0, le=1e6)] = Field(
        0.0, description="Wear of one change, in the tariff's currency, beside the hashes lost while it ramps"
    )
    hashrate_exponent: Annotated[float, Field(ge=0.3, le=1.0)] = Field(
        0.9, description="How hashrate follows power until it has been seen: (power share) ** exponent"
    )


class MarketSection(Section):
    """The `market:` section of the site file."""

    price_every_s: Annotated[float, Field(ge=10, le=3600)] = Field(300, description="Time between two looks at prices")
    network_every_s: Annotated[float, Field(ge=60, le=7200)] = Field(900, description="And at the network")
    timeout_s: Annotated[float, Field(ge=0.5, le=60)] = Field(5, description="Longest wait for one answer")
    grace_s: Annotated[float, Field(ge=0, le=10)] = Field(
        0.5, description="How long the last sources are waited for once the others have answered"
    )
    exchanges: Annotated[tuple[Exchange, ...], Field(min_length=1)] = ("binance", "okx", "deribit", "bybit")
    fallback: Literal["coingecko", "none"] = Field("coingecko", description="Asked when the exchanges do not suffice")
    networks: Annotated[tuple[Chain, ...], Field(min_length=1)] = ("mempool", "blockchain_info")
    urls: dict[str, Url] = Field({}, description="Other addresses of sources: a proxy, a mempool of one's own")
    proxy: Url | None = Field(None, description="HTTP proxy on the way out")
    per_usd: dict[Currency, Annotated[float, Field(gt=0, le=1e7)]] = Field(
        {}, description="What a dollar costs, by currency; it wins over what sources say"
    )
    sample_days: Annotated[int, Field(ge=1, le=3660)] = Field(90, description="How long price samples are kept")
    pool_fee_pct: Percent = Field(0, description="What the pool keeps of the revenue")
    tariff: Tariff | None = Field(None, description="What power costs; see services/market/README.md")
    heat: HeatSettings | None = None
    investments: dict[Id, Investment] = Field({}, description="By miner; its depreciation is shown, never decided on")
    best_power: BestPowerSettings = BestPowerSettings()

    @field_validator("urls")
    @classmethod
    def _are_of_sources(cls, urls: dict[str, str]) -> dict[str, str]:
        unknown = sorted(set(urls) - set(SOURCES))
        if unknown:
            raise ValueError(f"there is no source {unknown[0]!r}; there are {', '.join(SOURCES)}")
        return urls


class MarketSettings(SiteSettings):
    """What the market service reads of the site file."""

    market: MarketSection = MarketSection()
