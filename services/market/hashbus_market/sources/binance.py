"""Binance, spot BTC/USDT: GET /api/v3/ticker/24hr. A stablecoin dollar is taken for a dollar."""

from __future__ import annotations

from typing import Any

from hashbus_market.asking import Ask
from hashbus_market.errors import SourceGarbled, moment_of_ms
from hashbus_market.past import WANTED_SAMPLES, Sample, slot_of
from hashbus_market.reading import number
from hashbus_market.sources.quote import PriceSource, Quote


async def quote(ask: Ask) -> Quote:
    """Return the last price and the volume of 24 hours."""
    return parse((await ask.get("/api/v3/ticker/24hr", symbol="BTCUSDT")).json())


def parse(body: Any) -> Quote:
    """Read the ticker; its numbers are strings."""
    return Quote(number(body, "lastPrice"), number(body, "volume"), moment_of_ms(number(body, "closeTime")))


async def past(ask: Ask) -> list[Sample]:
    """Return the price at the beginning of each of the last quarters of an hour."""
    limit = str(WANTED_SAMPLES)
    return candles((await ask.get("/api/v3/klines", symbol="BTCUSDT", interval="15m", limit=limit)).json())


def candles(body: Any) -> list[Sample]:
    """Read the candles: lists of open time in milliseconds, open, high, low, close and more."""
    if not isinstance(body, list):
        raise SourceGarbled("the candles are no list")
    return [Sample(slot_of(number(one, 0) / 1000), number(one, 1)) for one in body]


BINANCE = PriceSource("binance", "https://api.binance.com", quote, past=past)
