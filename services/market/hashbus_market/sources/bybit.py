"""Bybit, spot BTCUSDT: GET /v5/market/tickers with `category=spot`, without which it refuses (decision D12)."""

from __future__ import annotations

from typing import Any

from hashbus_market.asking import Ask
from hashbus_market.errors import SourceGarbled, moment_of_ms
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


BYBIT = PriceSource("bybit", "https://api.bybit.com", quote)
