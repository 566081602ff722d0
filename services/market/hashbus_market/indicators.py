"""RSI, MACD and Bollinger bands of the bitcoin price over 15-minute samples (S3.42 to S3.44), by TA-Lib: pure.

RSI over 14 samples by Wilder's smoothing, MACD 12/26/9, Bollinger bands of 20 samples and two standard deviations: what
every chart shows by default.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
import talib

from hashbus_market.past import WANTED_SAMPLES, Sample

RSI_SAMPLES = 14
MACD_FAST, MACD_SLOW, MACD_SIGNAL = 12, 26, 9
BANDS_SAMPLES, BANDS_SIGMAS = 20, 2.0

LONGEST_GAP = 4
"""Up to so many missing samples (an hour) are bridged by the last one; after a longer silence all begins anew."""


@dataclass(frozen=True, slots=True)
class IndicatorValues:
    """The indicators at the last sample; None until there are enough."""

    samples: int
    rsi_pct: float | None = None
    macd_usd: float | None = None
    macd_signal_usd: float | None = None
    macd_histogram_usd: float | None = None
    bollinger_upper_usd: float | None = None
    bollinger_middle_usd: float | None = None
    bollinger_lower_usd: float | None = None


def indicators(samples: Sequence[Sample]) -> IndicatorValues:
    """Return the indicators at the end of `samples`, which are in order."""
    prices = closes(samples)
    if not prices:
        return IndicatorValues(0)
    series = np.asarray(prices, dtype=np.float64)
    upper, middle, lower = talib.BBANDS(series, BANDS_SAMPLES, BANDS_SIGMAS, BANDS_SIGMAS)
    macd, signal, histogram = talib.MACD(series, MACD_FAST, MACD_SLOW, MACD_SIGNAL)
    return IndicatorValues(
        samples=len(prices),
        rsi_pct=_bounded(_last(talib.RSI(series, RSI_SAMPLES))),
        macd_usd=_last(macd),
        macd_signal_usd=_last(signal),
        macd_histogram_usd=_last(histogram),
        bollinger_upper_usd=_last(upper),
        bollinger_middle_usd=_last(middle),
        bollinger_lower_usd=_last(lower),
    )


def closes(samples: Sequence[Sample]) -> list[float]:
    """Return the prices since the last long silence, with short gaps bridged."""
    prices: list[float] = []
    before: Sample | None = None
    for sample in samples:
        missing = 0 if before is None else sample.slot - before.slot - 1
        if missing > LONGEST_GAP:
            prices.clear()
        elif prices:
            prices += [prices[-1]] * missing
        prices.append(sample.price_usd)
        before = sample
    return prices[-WANTED_SAMPLES:]


def _bounded(value: float | None) -> float | None:
    """Return a percentage without what rounding put beyond its ends."""
    return None if value is None else min(100.0, max(0.0, value))


def _last(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float | None:
    value = float(values[-1])
    return value if isfinite(value) else None
