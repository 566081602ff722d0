"""CoinGecko, the mean of many exchanges: asked when ours do not agree or are too few (S3.2), as it allows few calls."""

from __future__ import annotations

from typing import Any

from hashbus_market.asking import Ask
from hashbus_market.errors import moment_of_ms
from hashbus_market.reading import number
from hashbus_market.sources.quote import PriceSource, Quote


async def quote(ask: Ask) -> Quote:
    """Return the price; it says no volume in BTC."""
    answer = await ask.get("/api/v3/simple/price", ids="bitcoin", vs_currencies="usd", include_last_updated_at="true")
    return parse(answer.json())


def parse(body: Any) -> Quote:
    """Read the price; `last_updated_at` is in seconds."""
    return Quote(number(body, "bitcoin", "usd"), None, moment_of_ms(number(body, "bitcoin", "last_updated_at") * 1000))


# Its free interface is itself a cache of one to five minutes.
COINGECKO = PriceSource("coingecko", "https://api.coingecko.com", quote, max_age_s=900.0)
