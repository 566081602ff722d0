"""What bitcoin, the network and electricity are worth. Each says from how many sources, and how old they are."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from hashbus.messages.base import Message, Moment, Part, Text, Word
from hashbus.topics import Keep, Topic
from hashbus.units import (
    Bitcoin,
    BitcoinVolume,
    Count,
    Dollars,
    DollarsPerPetahashDay,
    ExahashPerSecond,
    Percent,
    PricePerKwh,
    Ratio,
    SignedDollars,
)

_MARKET = ("market",)


class SourcePrice(Part):
    """What one exchange said, and whether it was believed."""

    name: Word
    price_usd: Dollars | None = None
    volume_btc: BitcoinVolume | None = None
    is_used: bool
    why_not: Text | None = None


class BitcoinPrice(Message):
    """The price of one bitcoin: the median of the exchanges, outliers and stale ones rejected."""

    topic: ClassVar[Topic] = Topic(
        "market/bitcoin", writers=_MARKET, retain=True, stale_after=timedelta(minutes=30), keep=Keep.EVERY
    )

    price_usd: Dollars
    mean_usd: Dollars | None = None
    volume_btc: BitcoinVolume | None = None
    sources_used: Count
    sources_total: Count
    completeness_pct: Percent
    sources: tuple[SourcePrice, ...] = ()
    taken_at: Moment


class NetworkState(Message):
    """The Bitcoin network. Its hashrate follows from the difficulty: D * 2^32 / 600 s (decision D4)."""

    topic: ClassVar[Topic] = Topic(
        "market/network", writers=_MARKET, retain=True, stale_after=timedelta(hours=6), keep=Keep.EVERY
    )

    difficulty: float = Field(ge=1)
    hashrate_ehs: ExahashPerSecond
    subsidy_btc: Bitcoin
    fees_per_block_btc: Bitcoin | None = None
    height: Count | None = None
    next_retarget_at: Moment | None = None
    next_change_pct: float | None = None
    sources_used: Count
    sources_total: Count
    completeness_pct: Percent
    taken_at: Moment


class PriceWindow(Part):
    """One stretch of a tariff."""

    starts_at: Moment
    ends_at: Moment
    price_per_kwh: PricePerKwh


class PowerPrice(Message):
    """What a kilowatt-hour costs now and in the hours that are known."""

    topic: ClassVar[Topic] = Topic(
        "market/power", writers=_MARKET, retain=True, stale_after=timedelta(hours=2), keep=Keep.EVERY
    )

    currency: Word = Field(description="ISO 4217")
    price_per_kwh: PricePerKwh
    export_per_kwh: PricePerKwh | None = None
    windows: tuple[PriceWindow, ...] = ()
    tariff: Word
    sources_used: Count
    sources_total: Count
    completeness_pct: Percent
    taken_at: Moment


class Hashprice(Message):
    """What a petahash earns in a day, before power: 1e15 * 86400 * (subsidy + fees) * price / (difficulty * 2^32)."""

    topic: ClassVar[Topic] = Topic(
        "market/hashprice", writers=_MARKET, retain=True, stale_after=timedelta(minutes=30), keep=Keep.EVERY
    )

    hashprice_usd_per_ph_day: DollarsPerPetahashDay
    price_usd: Dollars
    difficulty: float = Field(ge=1)
    completeness_pct: Percent
    taken_at: Moment


class Indicators(Message):
    """Technical indicators of the bitcoin price (S3.42 to S3.44); null until enough prices are known."""

    topic: ClassVar[Topic] = Topic(
        "market/indicators", writers=_MARKET, retain=True, stale_after=timedelta(hours=1), keep=Keep.EVERY
    )

    rsi_pct: Percent | None = None
    macd_usd: SignedDollars | None = None
    macd_signal_usd: SignedDollars | None = None
    macd_histogram_usd: SignedDollars | None = None
    bollinger_upper_usd: SignedDollars | None = None
    bollinger_middle_usd: SignedDollars | None = None
    bollinger_lower_usd: SignedDollars | None = None
    samples: Count
    completeness_pct: Percent
    taken_at: Moment


class CurrencyRates(Message):
    """What a US dollar costs in other currencies: as the owner says, else as bitcoin prices imply."""

    topic: ClassVar[Topic] = Topic("market/currencies", writers=_MARKET, retain=True, stale_after=timedelta(days=1))

    per_usd: dict[Word, Ratio] = Field({}, description="By ISO 4217 code: EUR 0.92 means that a dollar costs 0.92 euro")
    origin: Word = Field(description="Who says so: owner, or the name of a source")
    completeness_pct: Percent
    taken_at: Moment
