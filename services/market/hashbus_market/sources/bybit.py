"""Bybit, spot BTCUSDT: GET /v5/market/tickers with `category=spot`, without which it refuses (decision D12)."""

from __future__ import annotations

from typing import Any

from hashbus_market.asking import Ask
from hashbus_market.errors import SourceGarbled, moment_of_ms
from hashbus_market.past import WANTED_SAMPLES, Sample, slot_of
from hashbus_market.reading import at, number
from hashbus_market.sources.quote import PriceSource, Quote


async def quote(ask: Ask) -> Quote:
    """Return the last price and the volume of 24 hours."""
    return parse((await ask.get("/v5/market/tickers", category="spot", symbol="BTCUSDT")).json())


def parse(body: Any) -> Quote:
    """Read the ticker; its numbers are strings. A failure is a `retCode` other than 0 in a good HTTP answer."""
    if number(body, "retCode") != 0:
        raise SourceGarbled(f"it answers code {at(body, 'retCode')}: {str(body.get('retMsg'))[:60]!r}")
    ticker = at(body, "result", "list", 0)
    return Quote(number(ticker, "lastPrice"), number(ticker, "volume24h"), moment_of_ms(number(body, "time")))


async def past(ask: Ask) -> list[Sample]:
    """Return the price at the beginning of each of the last quarters of an hour."""
    limit = str(WANTED_SAMPLES)
    answer = await ask.get("/v5/market/kline", category="spot", symbol="BTCUSDT", interval="15", limit=limit)
    return candles(answer.json())


def candles(body: Any) -> list[Sample]:
    """Read the candles: lists of start in milliseconds, open, high, low, close and more, the newest first."""
    if number(body, "retCode") != 0 or not isinstance(at(body, "result", "list"), list):
        raise SourceGarbled(f"it answers code {at(body, 'retCode')}")
    return [Sample(slot_of(number(one, 0) / 1000), number(one, 1)) for one in body["result"]["list"]]


BYBIT = PriceSource("bybit", "https://api.bybit.com", quote, past=past)
