"""From what several sources say to one price that none of them can falsify alone: pure.

Rejected first is what cannot be: no number, not above nothing, too old, from the future. Then outliers: further from
the median than 3.5 scaled median absolute deviations (Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993),
at least one per cent. What is left must agree; where two camps remain, the one near the last good price is believed, or
the larger one, or nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import fmean, median

from hashbus.messages import BitcoinPrice, SourcePrice
from hashbus_market.sources.quote import Quote

MAD_LIMIT = 3.5
MAD_TO_SIGMA = 1.4826
"""Median absolute deviation of a normal distribution to its standard deviation."""

LEAST_TOLERANCE = 0.01
"""Exchanges differ by some tenths of a per cent; nearer than this nobody is an outlier."""

AGREEMENT = 0.05
"""Further apart than this, sources do not speak of the same price."""

LARGEST_JUMP = 0.2
"""One source alone is not believed when it is further than this from the last good price ..."""

REFERENCE_LASTS = timedelta(hours=6)
"""... unless that price is older than this."""

AHEAD = timedelta(seconds=60)
HIGHEST_USD = 1e9
MOST_VOLUME_BTC = 21e6
"""All bitcoin that will ever be."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one source said in a round, or why it said nothing; `max_age_s` is how old a price of it may be."""

    name: str
    quote: Quote | None = None
    problem: str | None = None
    max_age_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Combined:
    """The price that came out, or None and why; and what became of every source."""

    price_usd: float | None
    mean_usd: float | None = None
    volume_btc: float | None = None
    sources: tuple[SourcePrice, ...] = ()
    why_not: str | None = None
    taken_at: datetime | None = None

    @property
    def used(self) -> int:
        """Return how many sources were believed."""
        return sum(source.is_used for source in self.sources)

    @property
    def completeness_pct(self) -> float:
        """Return the share of the sources that were believed (S3.39)."""
        return 100 * self.used / len(self.sources) if self.sources else 0.0


@dataclass
class _Jury:
    """Who is still believed, and why the others are not."""

    prices: dict[str, float] = field(default_factory=dict)
    why_not: dict[str, str] = field(default_factory=dict)

    def reject(self, name: str, why: str) -> None:
        self.why_not[name] = why
        self.prices.pop(name, None)


def combined(heard: Sequence[Heard], last: BitcoinPrice | None, now: datetime) -> Combined:
    """Return the price of bitcoin by all that was heard; `last` is the last good one."""
    jury = _Jury()
    for one in heard:
        why = _impossible(one, now)
        if why is None and one.quote is not None:
            jury.prices[one.name] = one.quote.price_usd
        else:
            jury.why_not[one.name] = why or "no answer"
    _reject_outliers(jury)
    why_not = _reject_camps(jury, _reference(last, now)) or _nobody(jury, heard, now)
    if why_not:
        for name in list(jury.prices):
            jury.reject(name, why_not)
        return Combined(None, sources=_shown(heard, jury), why_not=why_not)
    prices = list(jury.prices.values())
    volumes = [one.quote.volume_btc for one in heard if one.quote and one.name in jury.prices and one.quote.volume_btc]
    moments = [one.quote.at for one in heard if one.quote and one.name in jury.prices and one.quote.at]
    return Combined(
        price_usd=median(prices),
        mean_usd=fmean(prices),
        volume_btc=sum(volumes) if volumes else None,
        sources=_shown(heard, jury),
        taken_at=min(*moments, now) if moments else now,
    )


def _impossible(one: Heard, now: datetime) -> str | None:
    if one.quote is None:
        return one.problem or "no answer"
    if not 0 < one.quote.price_usd < HIGHEST_USD:
        return f"{one.quote.price_usd:g} USD is no price"
    if one.quote.volume_btc is not None and not 0 <= one.quote.volume_btc <= MOST_VOLUME_BTC:
        return f"a volume of {one.quote.volume_btc:g} BTC in a day cannot be"
    if one.quote.at is None:
        return None
    age = now - one.quote.at
    if age > timedelta(seconds=one.max_age_s):
        return f"its price is {age.total_seconds():.0f} s old"
    if age < -AHEAD:
        return f"its price is from the future, {-age.total_seconds():.0f} s ahead"
    return None


def _reject_outliers(jury: _Jury) -> None:
    if len(jury.prices) < 3:
        return
    middle = median(jury.prices.values())
    deviation = median(abs(price - middle) for price in jury.prices.values())
    most = max(MAD_LIMIT * MAD_TO_SIGMA * deviation, LEAST_TOLERANCE * middle)
    for name, price in list(jury.prices.items()):
        if abs(price - middle) > most:
            jury.reject(name, f"{price:,.2f} USD is far from the others at {middle:,.2f} USD")


def _reject_camps(jury: _Jury, reference: float | None) -> str | None:
    """Where sources still disagree, keep the camp that is believed; return why, when nobody is."""
    if len(jury.prices) < 2 or _spread(jury.prices.values()) <= AGREEMENT:
        return _check_alone(jury, reference)
    camps = {name: _camp(jury.prices, price) for name, price in jury.prices.items()}
    if reference is not None:
        nearest = min(jury.prices, key=lambda name: abs(jury.prices[name] - reference))
        believed = camps[nearest] if abs(jury.prices[nearest] / reference - 1) <= LARGEST_JUMP else {}
    else:
        largest = max(camps.values(), key=len)
        believed = largest if len(largest) * 2 > len(jury.prices) else {}
    if not believed:
        told = ", ".join(f"{name} {price:,.0f}" for name, price in jury.prices.items())
        return f"the sources disagree: {told} USD"
    for name in set(jury.prices) - set(believed):
        jury.reject(name, f"{jury.prices[name]:,.2f} USD disagrees with the others and with the last price")
    return None


def _check_alone(jury: _Jury, reference: float | None) -> str | None:
    if len(jury.prices) != 1 or reference is None:
        return None
    name, price = next(iter(jury.prices.items()))
    if abs(price / reference - 1) <= LARGEST_JUMP:
        return None
    return f"{name} alone says {price:,.2f} USD, far from the last {reference:,.2f} USD"


def _camp(prices: Mapping[str, float], center: float) -> dict[str, float]:
    return {name: price for name, price in prices.items() if abs(price / center - 1) <= AGREEMENT}


def _spread(prices: Collection[float]) -> float:
    return max(prices) / min(prices) - 1


def _reference(last: BitcoinPrice | None, now: datetime) -> float | None:
    if last is None or last.price_usd <= 0 or now - last.taken_at > REFERENCE_LASTS:
        return None
    return last.price_usd


def _nobody(jury: _Jury, heard: Sequence[Heard], now: datetime) -> str | None:
    """Say why no price is left; when all clocks but ours agree, it is ours that is wrong."""
    if jury.prices:
        return None
    moments = sorted(one.quote.at for one in heard if one.quote and one.quote.at)
    if len(moments) >= 2 and moments[-1] - moments[0] < AHEAD and abs(now - moments[0]) > AHEAD:
        return f"by the clocks of {len(moments)} sources it is {moments[-1]:%Y-%m-%d %H:%M:%S} UTC: is this one right?"
    told = "; ".join(f"{name}: {why}" for name, why in jury.why_not.items())
    return f"no source gives a price: {told}"[:900]


def _shown(heard: Sequence[Heard], jury: _Jury) -> tuple[SourcePrice, ...]:
    return tuple(
        SourcePrice(
            name=one.name,
            price_usd=_within(one.quote.price_usd if one.quote else None),
            volume_btc=_within(one.quote.volume_btc if one.quote else None),
            is_used=one.name in jury.prices,
            why_not=jury.why_not.get(one.name),
        )
        for one in heard
    )


def _within(value: float | None) -> float | None:
    return value if value is not None and 0 <= value <= HIGHEST_USD else None
