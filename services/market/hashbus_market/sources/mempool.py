"""mempool.space: difficulty, height, fees of the last 144 blocks, the next retarget, and prices in seven currencies.

Only the difficulty must be there; each of the others may fail by itself. It can also be a mempool of one's own.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from hashbus.economics import SATS_PER_BTC
from hashbus_market.asking import Ask
from hashbus_market.errors import SourceError, moment_of_ms
from hashbus_market.reading import number, optional
from hashbus_market.sources.chain import ChainFacts, ChainSource

BLOCKS = 144
"""A day of blocks: fees of one block say nothing of the next."""


async def facts(ask: Ask) -> ChainFacts:
    """Return all that it knows; SourceError when it does not tell the difficulty."""
    mining, height, rewards, adjustment, prices = await asyncio.gather(
        ask.get("/api/v1/mining/hashrate/3d"),
        _maybe(ask, "/api/blocks/tip/height"),
        _maybe(ask, f"/api/v1/mining/reward-stats/{BLOCKS}"),
        _maybe(ask, "/api/v1/difficulty-adjustment"),
        _maybe(ask, "/api/v1/prices"),
    )
    next_at, change_pct = retarget(adjustment)
    return ChainFacts(
        difficulty=number(mining.json(), "currentDifficulty"),
        height=height if isinstance(height, int) and not isinstance(height, bool) and height > 0 else None,
        fees_per_block_btc=fees_per_block_btc(rewards),
        next_retarget_at=next_at,
        next_change_pct=change_pct,
        per_usd=per_usd(prices),
    )


async def _maybe(ask: Ask, path: str) -> Any:
    try:
        return (await ask.get(path)).json()
    except SourceError:
        return None


def fees_per_block_btc(body: Any) -> float | None:
    """Return the mean fees of the blocks that the statistics cover, in BTC."""
    fees_sats = optional(body, "totalFee")
    first, last = optional(body, "startBlock"), optional(body, "endBlock")
    if fees_sats is None or fees_sats < 0 or first is None or last is None or last < first:
        return None
    return fees_sats / SATS_PER_BTC / (last - first + 1)


def retarget(body: Any) -> tuple[datetime | None, float | None]:
    """Return when the difficulty changes next and by how many per cent, as estimated."""
    at_ms, change_pct = optional(body, "estimatedRetargetDate"), optional(body, "difficultyChange")
    if at_ms is None or change_pct is None or not -75 <= change_pct <= 300:
        return None, None
    try:
        return moment_of_ms(at_ms), change_pct
    except SourceError:
        return None, None


def per_usd(body: Any) -> dict[str, float]:
    """Return what a dollar costs in other currencies: bitcoin's price in each over its price in dollars."""
    dollars = optional(body, "USD")
    if dollars is None or dollars <= 0 or not isinstance(body, dict):
        return {}
    prices = {code: optional(body, code) for code in body if len(code) == 3 and code.isupper() and code != "USD"}
    return {code: price / dollars for code, price in prices.items() if price is not None and price > 0}


MEMPOOL = ChainSource("mempool", "https://mempool.space", facts)
