"""What mining earns: of each miner and of the site as they run, and of a machine that somebody thinks of buying."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from hashbus.messages.base import Id, Message, Moment, Part, Text, Word
from hashbus.topics import Keep, Topic
from hashbus.units import (
    Bitcoin,
    Count,
    Days,
    Dollars,
    DollarsPerDay,
    DollarsPerPetahashDay,
    JoulesPerTerahash,
    Money,
    Months,
    Percent,
    PricePerKwh,
    Ratio,
    SatoshisPerKwh,
    SignedMoneyPerDay,
    TerahashPerSecond,
    Watts,
)


class LevelEconomics(Part):
    """One power a miner can take, and what a day at it earns at the prices of now."""

    power_w: Watts
    hashrate_ths: TerahashPerSecond
    is_measured: bool = Field(description="The hashrate was seen at this power; else it follows from the nearest seen")
    revenue_per_day: SignedMoneyPerDay | None = None
    power_cost_per_day: SignedMoneyPerDay | None = None
    margin_per_day: SignedMoneyPerDay | None = None
    net_per_day: SignedMoneyPerDay | None = Field(None, description="Margin, and the heat where it is used")
    earned_sats_per_kwh: SatoshisPerKwh | None = None


class EarningFigures(Part):
    """What mining earns, in `currency`; null where a price or a rate is missing, and `why_not` says which."""

    currency: Word = Field(description="ISO 4217; that of the tariff")
    power_w: Watts
    hashrate_ths: TerahashPerSecond
    efficiency_j_per_th: JoulesPerTerahash | None = None
    revenue_usd_per_day: DollarsPerDay | None = None
    revenue_per_day: SignedMoneyPerDay | None = None
    power_cost_per_day: SignedMoneyPerDay | None = None
    margin_per_day: SignedMoneyPerDay | None = Field(None, description="Revenue less power")
    heat_value_per_day: SignedMoneyPerDay | None = Field(None, description="What the warmth saves, where it is used")
    depreciation_per_day: SignedMoneyPerDay | None = None
    net_per_day: SignedMoneyPerDay | None = Field(None, description="Margin, plus heat, less depreciation")
    earned_sats_per_kwh: SatoshisPerKwh | None = Field(None, description="Satoshis a kilowatt-hour earns")
    break_even_per_kwh: PricePerKwh | None = Field(None, description="Price of power at which the margin is nothing")
    break_even_usd: Dollars | None = Field(None, description="Price of bitcoin at which the margin is nothing")
    cope: Ratio | None = Field(
        None, description="Heat per unit of power still paid for: what a heat pump's COP must be to heat as cheaply"
    )
    why_not: Text | None = Field(None, description="What is missing for the figures that are null")
    taken_at: Moment = Field(description="Of the oldest price in it")


class MinerEconomics(EarningFigures, Message):
    """What a miner earns as it runs, and at which of its powers it would earn most."""

    topic: ClassVar[Topic] = Topic(
        "miner/{miner}/economics", writers=("market",), retain=True, stale_after=timedelta(minutes=30)
    )

    miner: Id
    options: tuple[LevelEconomics, ...] = Field((), description="The powers it can take, asleep among them")
    best_w: Watts | None = Field(None, description="Where it earns most now")
    best_net_per_day: SignedMoneyPerDay | None = None


class SiteEconomics(EarningFigures, Message):
    """What all miners of the site earn together; those that are not heard are not counted."""

    topic: ClassVar[Topic] = Topic(
        "market/economics", writers=("market",), retain=True, stale_after=timedelta(minutes=30), keep=Keep.EVERY
    )

    miners_counted: Count
    miners_total: Count
    completeness_pct: Percent


class ProfitCalculation(Message):
    """One calculation that somebody made: what was put in and what came out; the recorder keeps them all."""

    topic: ClassVar[Topic] = Topic("calculation/{source}", writers=("web", "supervisor"), retain=True, keep=Keep.EVERY)

    source: Id
    model: Word | None = None
    currency: Word
    units: Count = 1
    hashrate_ths: TerahashPerSecond
    power_w: Watts
    price_per_kwh: PricePerKwh
    price_usd: Dollars
    difficulty: float = Field(ge=1)
    subsidy_btc: Bitcoin
    fees_per_block_btc: Bitcoin
    currency_per_usd: Ratio
    pool_fee_pct: Percent = 0
    invested_amount: Money | None = None
    hashprice_usd_per_ph_day: DollarsPerPetahashDay
    earned_btc: Bitcoin = Field(description="In a day")
    revenue_per_day: SignedMoneyPerDay
    power_cost_per_day: SignedMoneyPerDay
    heat_value_per_day: SignedMoneyPerDay | None = None
    net_per_day: SignedMoneyPerDay
    roi_days: Days | None = Field(None, description="Null is never, or nothing was invested")
    break_even_months: Months | None = None
    break_even_per_kwh: PricePerKwh | None = None
    break_even_usd: Dollars | None = None
    earned_sats_per_kwh: SatoshisPerKwh | None = None
