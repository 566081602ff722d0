"""Binance, spot BTC/USDT: GET /api/v3/ticker/24hr. A stablecoin dollar is taken for a dollar."""

from __future__ import annotations

from typing import Any

from hashbus_market.asking import Ask
from hashbus_market.errors import moment_of_ms
from hashbus_market.reading import number
from hashbus_market.sources.quote import PriceSource, Quote


async def quote(ask: Ask) -> Quote:
    """Return the last price and the volume of 24 hours."""
    return parse((await ask.get("/api/v3/ticker/24hr", symbol="BTCUSDT")).json())


def parse(body: Any) -> Quote:
    """Read the ticker; its numbers are strings."""
    return Quote(number(body, "lastPrice"), number(body, "volume"), moment_of_ms(number(body, "closeTime")))


BINANCE = PriceSource("binance", "https://api.binance.com", quote)
