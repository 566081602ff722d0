"""Indicators over 15-minute samples: golden values, and what gaps do to them."""

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus_market.indicators import LONGEST_GAP, closes, indicators
from hashbus_market.past import Sample, believed

# Closing prices and the 14-sample RSI that the published worked example of Wilder's smoothing has for them.
RSI_CLOSES = (
    44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931, 46.0328,
    45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439, 46.2122,
)  # fmt: skip
RSI_GOLDEN = {15: 70.53, 16: 66.32, 17: 66.55, 18: 69.41, 19: 66.36, 20: 57.97, 21: 62.93}


def samples(prices: tuple[float, ...] | list[float], begin: int = 0) -> list[Sample]:
    return [Sample(begin + number, price) for number, price in enumerate(prices)]


@pytest.mark.parametrize(("count", "rsi"), RSI_GOLDEN.items())
def test_rsi_is_that_of_the_published_example(count: int, rsi: float) -> None:
    assert indicators(samples(RSI_CLOSES[:count])).rsi_pct == pytest.approx(rsi, abs=0.02)


def _ema(values: list[float], length: int) -> list[float]:
    """Exponential mean that begins with the plain mean of its first `length` values."""
    mean = sum(values[:length]) / length
    found = [mean]
    for value in values[length:]:
        mean += 2 / (length + 1) * (value - mean)
        found.append(mean)
    return found


def test_macd_is_the_difference_of_its_exponential_means() -> None:
    prices = [90_000 + 37 * n + 900 * ((n * 7919) % 13) for n in range(200)]
    slow, fast = _ema(prices, 26), _ema(prices[14:], 12)
    # TA-Lib begins the fast mean so that both have their first value at the 26th sample.
    macd = [one - two for one, two in zip(fast, slow, strict=True)]
    signal = _ema(macd, 9)
    found = indicators(samples(prices))
    assert found.macd_usd == pytest.approx(macd[-1], rel=1e-6)
    assert found.macd_signal_usd == pytest.approx(signal[-1], rel=1e-6)
    assert found.macd_histogram_usd == pytest.approx(macd[-1] - signal[-1], rel=1e-5)


def test_bollinger_bands_are_two_deviations_around_the_mean_of_twenty() -> None:
    prices = [90_000 + 10 * n + 500 * ((n * 31) % 7) for n in range(60)]
    window = prices[-20:]
    mean = sum(window) / 20
    deviation = sqrt(sum((price - mean) ** 2 for price in window) / 20)
    found = indicators(samples(prices))
    assert found.bollinger_middle_usd == pytest.approx(mean)
    assert found.bollinger_upper_usd == pytest.approx(mean + 2 * deviation)
    assert found.bollinger_lower_usd == pytest.approx(mean - 2 * deviation)


@pytest.mark.parametrize(
    ("count", "known"),
    [(0, set()), (14, set()), (15, {"rsi"}), (20, {"rsi", "bands"}), (34, {"rsi", "bands", "macd"})],
)
def test_an_indicator_is_null_until_there_are_enough_samples(count: int, known: set[str]) -> None:
    found = indicators(samples([100.0 + n % 5 for n in range(count)]))
    values = {"rsi": found.rsi_pct, "bands": found.bollinger_upper_usd, "macd": found.macd_signal_usd}
    assert {name for name, value in values.items() if value is not None} == known
    assert found.samples == count


def test_a_short_gap_is_bridged_and_a_long_silence_begins_anew() -> None:
    before, after = samples([1.0, 2.0]), samples([3.0], begin=2 + LONGEST_GAP)
    assert closes([*before, *after]) == [1.0, 2.0, *([2.0] * LONGEST_GAP), 3.0]
    late = samples([3.0], begin=3 + LONGEST_GAP)
    assert closes([*before, *late]) == [3.0]


@given(st.lists(st.floats(1, 1e6), min_size=40, max_size=80))
def test_indicators_stay_within_their_bounds(prices: list[float]) -> None:
    found = indicators(samples(prices))
    assert found.rsi_pct is None or -1e-9 <= found.rsi_pct <= 100 + 1e-9
    assert found.bollinger_upper_usd is not None
    assert found.bollinger_middle_usd is not None
    assert found.bollinger_lower_usd is not None
    assert found.bollinger_lower_usd <= found.bollinger_middle_usd + 1e-6
    assert found.bollinger_middle_usd <= found.bollinger_upper_usd + 1e-6


# ---- prices of before ----


def test_on_what_the_exchanges_agree_is_believed_of_the_past() -> None:
    one, two = samples([100, 101, 102, 103]), samples([100.1, 101.1, 150, 103.1])
    found = believed({"binance": one, "bybit": two}, price_usd=103, slot=4)
    assert [sample.slot for sample in found] == [0, 1, 3]
    assert found[0].price_usd == pytest.approx(100.05)


@pytest.mark.parametrize("lie", [[1000.0, 1010, 1020, 1030], [0.0, 0, 0, 0], [-1.0, -1, -1, -1], []])
def test_a_history_that_does_not_end_at_the_price_of_now_is_left_out(lie: list[float]) -> None:
    honest = samples([100, 101, 102, 103])
    assert believed({"binance": honest, "bybit": samples(lie)}, price_usd=103, slot=4) == honest
    assert believed({"bybit": samples(lie)}, price_usd=103, slot=4) == []


def test_the_slot_of_now_and_what_is_too_old_is_no_past() -> None:
    history = [Sample(0, 100), Sample(999, 100), Sample(1000, 100), Sample(1001, 100)]
    assert believed({"binance": history}, price_usd=100, slot=1000) == [Sample(999, 100)]
