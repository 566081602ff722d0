"""OKX, spot BTC-USDT: GET /api/v5/market/ticker. A failure is a `code` other than "0" in a good HTTP answer."""

from __future__ import annotations

from typing import Any

from hashbus_market.asking import Ask
from hashbus_market.errors import SourceGarbled, moment_of_ms
from hashbus_market.reading import at, number
from hashbus_market.sources.quote import PriceSource, Quote


async def quote(ask: Ask) -> Quote:
    """Return the last price and the volume of 24 hours."""
    return parse((await ask.get("/api/v5/market/ticker", instId="BTC-USDT")).json())


def parse(body: Any) -> Quote:
    """Read the ticker; its numbers are strings. `vol24h` is in BTC, `volCcy24h` in USDT."""
    if str(at(body, "code")) != "0":
        raise SourceGarbled(f"it answers code {str(at(body, 'code'))[:20]!r}")
    return Quote(
        number(body, "data", 0, "last"), number(body, "data", 0, "vol24h"), moment_of_ms(number(body, "data", 0, "ts"))
    )


OKX = PriceSource("okx", "https://www.okx.com", quote)
