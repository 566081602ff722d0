"""blockchain.info: GET /stats. Its hashrate is an estimate from few blocks and is not used (decision D4)."""

from __future__ import annotations

from typing import Any

from hashbus.economics import SATS_PER_BTC
from hashbus_market.asking import Ask
from hashbus_market.reading import number, optional
from hashbus_market.sources.chain import ChainFacts, ChainSource


async def facts(ask: Ask) -> ChainFacts:
    """Return difficulty, height and the fees of the last 24 hours a block."""
    return parse((await ask.get("/stats")).json())


def parse(body: Any) -> ChainFacts:
    """Read the statistics; fees are in satoshis, and negative ones have been seen: those count as unknown."""
    fees_sats, blocks = optional(body, "total_fees_btc"), optional(body, "n_blocks_mined")
    height = optional(body, "n_blocks_total")
    is_known = fees_sats is not None and fees_sats >= 0 and blocks is not None and blocks >= 1
    return ChainFacts(
        difficulty=number(body, "difficulty"),
        height=None if height is None else int(height),
        fees_per_block_btc=(fees_sats or 0.0) / SATS_PER_BTC / (blocks or 1.0) if is_known else None,
    )


BLOCKCHAIN_INFO = ChainSource("blockchain_info", "https://api.blockchain.info", facts)
