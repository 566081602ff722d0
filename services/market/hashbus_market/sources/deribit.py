"""Deribit: its BTC/USD index, which is the mean of several spot exchanges, and the volume of its options (S3.35).

GET /api/v2/public/get_index_price (`get_index` is retired, decision D12) and /api/v2/public/get_trade_volumes.
"""

from __future__ import annotations

import asyncio
from typing import Any

from hashbus_market.asking import Ask
from hashbus_market.errors import SourceError, answers_of_others, moment_of_ms
from hashbus_market.reading import at, number
from hashbus_market.sources.quote import PriceSource, Quote


async def quote(ask: Ask) -> Quote:
    """Return the index; the volume is missing when only that question fails."""
    index, volume_btc = await asyncio.gather(
        ask.get("/api/v2/public/get_index_price", index_name="btc_usd"), _volume_btc(ask)
    )
    return parse(index.json(), volume_btc)


def parse(body: Any, volume_btc: float | None = None) -> Quote:
    """Read the index; `usOut` is the time of the answer in microseconds."""
    return Quote(number(body, "result", "index_price"), volume_btc, moment_of_ms(number(body, "usOut") / 1000))


async def _volume_btc(ask: Ask) -> float | None:
    try:
        with answers_of_others():
            return options_volume((await ask.get("/api/v2/public/get_trade_volumes")).json())
    except SourceError:
        return None


def options_volume(body: Any) -> float | None:
    """Return the BTC of calls and puts that were traded in 24 hours."""
    for entry in at(body, "result"):
        if at(entry, "currency") == "BTC":
            return number(entry, "calls_volume") + number(entry, "puts_volume")
    return None


DERIBIT = PriceSource("deribit", "https://www.deribit.com", quote)
