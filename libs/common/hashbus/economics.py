"""What mining earns and costs: the formulas on which market, controller, curtailer, web and calculator agree.

Pure arithmetic. Money is in one currency at a time, the caller's; `_usd` is US dollars. Days have 24 hours. The
formulas, with their sources and a worked example, stand in docs/explanation/economics.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

HASHES_PER_DIFFICULTY = 2**32
"""Hashes it takes on average to find a block at difficulty 1 (Bitcoin's target of difficulty 1 is 2^224)."""

BLOCK_S = 600.0
"""What the difficulty aims at between two blocks."""

HALVING_BLOCKS = 210_000
FIRST_SUBSIDY_SATS = 50 * 100_000_000
SATS_PER_BTC = 100_000_000
DAY_S = 86_400.0
DAYS_PER_MONTH = 365.25 / 12
HOURS_PER_DAY = 24.0

KWH_PER_LITRE_OF_OIL = 10.0
"""Net calorific value of light heating oil (DIN 51603-1): 42.6 MJ/kg at 0.845 kg/l."""


def subsidy_btc(height: int) -> float:
    """Return the new bitcoin in the block at `height`: 50, halved every 210,000 blocks, in whole satoshis."""
    halvings = height // HALVING_BLOCKS
    return (FIRST_SUBSIDY_SATS >> halvings) / SATS_PER_BTC if halvings < 64 else 0.0


def blocks_to_halving(height: int) -> int:
    """Return how many blocks after `height` the subsidy halves."""
    return HALVING_BLOCKS - height % HALVING_BLOCKS


def network_hashrate_ehs(difficulty: float) -> float:
    """Return the hashrate in EH/s that finds a block every 600 s at this difficulty (decision D4)."""
    return difficulty * HASHES_PER_DIFFICULTY / BLOCK_S / 1e18


def mined_btc_per_day(hashrate_ths: float, difficulty: float, reward_btc: float) -> float:
    """Return what a hashrate in TH/s finds in a day; `reward_btc` is subsidy and fees of one block (decision D3)."""
    return hashrate_ths * 1e12 * DAY_S * reward_btc / (difficulty * HASHES_PER_DIFFICULTY)


def hashprice_usd_per_ph_day(difficulty: float, reward_btc: float, price_usd: float) -> float:
    """Return what a petahash a second earns in a day, before the pool's fee and power."""
    return mined_btc_per_day(1000.0, difficulty, reward_btc) * price_usd


def revenue_usd_per_day(hashrate_ths: float, hashprice: float, pool_fee_pct: float = 0.0) -> float:
    """Return what a hashrate earns in a day at a hashprice in USD/PH/day, after the pool's fee."""
    return hashrate_ths / 1000.0 * hashprice * (1 - pool_fee_pct / 100)


def energy_kwh_per_day(power_w: float) -> float:
    """Return the energy of a day at a constant power."""
    return power_w / 1000.0 * HOURS_PER_DAY


def power_cost_per_day(power_w: float, price_per_kwh: float) -> float:
    """Return what a day at a constant power costs."""
    return energy_kwh_per_day(power_w) * price_per_kwh


def break_even_per_kwh(revenue_per_day: float, power_w: float) -> float | None:
    """Return the price of power at which nothing is left; None for a machine that draws nothing."""
    energy_kwh = energy_kwh_per_day(power_w)
    return revenue_per_day / energy_kwh if energy_kwh > 0 else None


def break_even_usd(price_usd: float, revenue_per_day: float, cost_per_day: float) -> float | None:
    """Return the price of bitcoin at which revenue just pays the costs; None without revenue.

    Revenue is proportional to the price, so the answer does not depend on the currency of the two amounts. Power that
    is paid for taking it needs no bitcoin: 0.
    """
    return max(0.0, price_usd * cost_per_day / revenue_per_day) if revenue_per_day > 0 else None


def sats_per_kwh(btc_per_day: float, power_w: float) -> float | None:
    """Return the satoshis that a kilowatt-hour earns; None for a machine that draws nothing."""
    energy_kwh = energy_kwh_per_day(power_w)
    return btc_per_day * SATS_PER_BTC / energy_kwh if energy_kwh > 0 else None


def cope(price_per_kwh: float, revenue_per_kwh: float) -> float | None:
    """Return how many kilowatt-hours of heat come with each one that mining has not paid back.

    A heat pump with this coefficient of performance heats at the same cost: COPe = 1 / (1 - revenue / cost). None where
    revenue pays for all power: the heat is free, and no heat pump can match it.
    """
    if price_per_kwh <= 0 or revenue_per_kwh >= price_per_kwh:
        return None
    return price_per_kwh / (price_per_kwh - revenue_per_kwh)


def depreciation_per_day(invested: float, months: float) -> float:
    """Return what a machine loses a day when it is written off evenly over `months`."""
    return invested / (months * DAYS_PER_MONTH)


class HeatSource(StrEnum):
    """What would heat if the miner did not."""

    GAS = "gas"
    OIL = "oil"
    PELLETS = "pellets"
    DISTRICT = "district"
    RESISTIVE = "resistive"
    HEAT_PUMP = "heat_pump"


@dataclass(frozen=True, slots=True)
class DisplacedHeat:
    """The heating that a miner stands in for.

    `fuel_per_kwh` is the price of a kilowatt-hour in the fuel; `efficiency_pct` what the boiler makes of it (by the
    same calorific value that the fuel is billed by); `cop` the heat pump's; `used_pct` how much of the miner's heat is
    wanted.
    """

    source: HeatSource
    fuel_per_kwh: float | None = None
    efficiency_pct: float = 100.0
    cop: float = 1.0
    used_pct: float = 100.0

    def value_per_kwh(self, power_per_kwh: float | None) -> float | None:
        """Return what a kilowatt-hour of the miner's electricity saves as heat; None where a price is missing.

        All of a miner's electricity becomes heat, one to one.
        """
        if self.source in (HeatSource.RESISTIVE, HeatSource.HEAT_PUMP):
            cost = power_per_kwh
            made = self.cop if self.source is HeatSource.HEAT_PUMP else 1.0
        else:
            cost, made = self.fuel_per_kwh, self.efficiency_pct / 100
        return None if cost is None else cost / made * self.used_pct / 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Everything that a day of mining is valued with; None where nobody knows it.

    `per_kwh` and all money that follows is in `currency`, of which a dollar costs `per_usd`.
    """

    hashprice_usd_per_ph_day: float | None
    price_usd: float | None
    currency: str = "USD"
    per_usd: float | None = None
    per_kwh: float | None = None
    pool_fee_pct: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Earnings:
    """What a machine earns in a day at a power and a hashrate; None where a price is missing."""

    revenue_usd_per_day: float | None = None
    revenue_per_day: float | None = None
    power_cost_per_day: float | None = None
    margin_per_day: float | None = None
    heat_value_per_day: float | None = None
    depreciation_per_day: float | None = None
    net_per_day: float | None = None
    earned_sats_per_kwh: float | None = None
    break_even_per_kwh: float | None = None
    break_even_usd: float | None = None
    cope: float | None = None


def earnings(
    power_w: float,
    hashrate_ths: float,
    prices: Prices,
    *,
    heat: DisplacedHeat | None = None,
    depreciation: float | None = None,
) -> Earnings:
    """Return what a machine earns in a day; `depreciation` is a day's share, in the currency of the prices."""
    energy_kwh = energy_kwh_per_day(power_w)
    revenue_usd = _revenue_usd(hashrate_ths, prices)
    revenue = None if revenue_usd is None or prices.per_usd is None else revenue_usd * prices.per_usd
    cost = None if prices.per_kwh is None else energy_kwh * prices.per_kwh
    margin = None if revenue is None or cost is None else revenue - cost
    heat_per_kwh = heat.value_per_kwh(prices.per_kwh) if heat else None
    heat_value = None if heat_per_kwh is None else energy_kwh * heat_per_kwh
    is_whole = margin is not None and (heat is None or heat_value is not None)
    return Earnings(
        revenue_usd_per_day=revenue_usd,
        revenue_per_day=revenue,
        power_cost_per_day=cost,
        margin_per_day=margin,
        heat_value_per_day=heat_value,
        depreciation_per_day=depreciation,
        net_per_day=(margin or 0.0) + (heat_value or 0.0) - (depreciation or 0.0) if is_whole else None,
        earned_sats_per_kwh=_sats_per_kwh(revenue_usd, power_w, prices.price_usd),
        break_even_per_kwh=None if revenue is None else break_even_per_kwh(revenue, power_w),
        break_even_usd=_break_even_usd(prices.price_usd, revenue, cost),
        cope=_cope(prices.per_kwh, revenue, energy_kwh),
    )


MOST_THAT_SAYS_ANYTHING: Mapping[str, float] = MappingProxyType(
    {
        "break_even_usd": 1e9,
        "break_even_per_kwh": 1e6,
        "cope": 1e6,
        "efficiency_j_per_th": 1e7,
        "earned_sats_per_kwh": 1e12,
    }
)
"""Quotients by next to nothing: a miner that has just begun to hash breaks even at no price of this world."""


def sensible(figures: Mapping[str, float | None]) -> dict[str, float | None]:
    """Return figures with those that say nothing any more as None."""
    return {name: None if _is_absurd(name, value) else value for name, value in figures.items()}


def _is_absurd(name: str, value: float | None) -> bool:
    most = MOST_THAT_SAYS_ANYTHING.get(name)
    return most is not None and value is not None and abs(value) > most


def _revenue_usd(hashrate_ths: float, prices: Prices) -> float | None:
    hashprice = prices.hashprice_usd_per_ph_day
    return None if hashprice is None else revenue_usd_per_day(hashrate_ths, hashprice, prices.pool_fee_pct)


def _sats_per_kwh(revenue_usd: float | None, power_w: float, price_usd: float | None) -> float | None:
    return sats_per_kwh(revenue_usd / price_usd, power_w) if revenue_usd is not None and price_usd else None


def _break_even_usd(price_usd: float | None, revenue: float | None, cost: float | None) -> float | None:
    if price_usd is None or revenue is None or cost is None:
        return None
    return break_even_usd(price_usd, revenue, cost)


def _cope(per_kwh: float | None, revenue: float | None, energy_kwh: float) -> float | None:
    if per_kwh is None or revenue is None or energy_kwh <= 0:
        return None
    return cope(per_kwh, revenue / energy_kwh)
