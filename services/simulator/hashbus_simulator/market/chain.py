"""What mempool.space and blockchain.info answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

RETARGET_BLOCKS = 2016
PER_USD = {"EUR": 0.92, "GBP": 0.79, "CAD": 1.38, "CHF": 0.88, "AUD": 1.52, "JPY": 150.0}


@dataclass(frozen=True, slots=True)
class Chain:
    """The chain at a moment."""

    difficulty: float
    height: int
    fees_per_block_btc: float
    price_usd: float
    at_s: float

    @property
    def hashrate_hs(self) -> float:
        """An estimate from few blocks, off by some per cent as in life."""
        return self.difficulty * 2**32 / 600 * 0.93


def hashrate(chain: Chain) -> Any:
    """GET /api/v1/mining/hashrate/3d."""
    now_s = int(chain.at_s)
    return {
        "hashrates": [{"timestamp": now_s - 86_400 * day, "avgHashrate": chain.hashrate_hs} for day in (2, 1, 0)],
        "difficulty": [],
        "currentHashrate": chain.hashrate_hs,
        "currentDifficulty": chain.difficulty,
    }


def tip(chain: Chain) -> Any:
    """GET /api/blocks/tip/height: a plain number."""
    return chain.height


def rewards(chain: Chain) -> Any:
    """GET /api/v1/mining/reward-stats/144: satoshis as strings."""
    fees_sats = round(chain.fees_per_block_btc * 144 * 1e8)
    return {
        "startBlock": chain.height - 143,
        "endBlock": chain.height,
        "totalReward": str(fees_sats + 144 * 312_500_000),
        "totalFee": str(fees_sats),
        "totalTx": "500000",
    }


def adjustment(chain: Chain) -> Any:
    """GET /api/v1/difficulty-adjustment."""
    remaining = RETARGET_BLOCKS - chain.height % RETARGET_BLOCKS
    return {
        "progressPercent": round(100 - 100 * remaining / RETARGET_BLOCKS, 4),
        "difficultyChange": 1.73,
        "estimatedRetargetDate": int(chain.at_s * 1000) + remaining * 600_000,
        "remainingBlocks": remaining,
        "remainingTime": remaining * 600_000,
        "previousRetarget": -0.6,
        "nextRetargetHeight": chain.height + remaining,
        "timeAvg": 590_000,
        "adjustedTimeAvg": 590_000,
        "timeOffset": 0,
        "expectedBlocks": float(RETARGET_BLOCKS - remaining),
    }


def prices(chain: Chain) -> Any:
    """GET /api/v1/prices: whole amounts, as in life."""
    others = {code: round(chain.price_usd * rate) for code, rate in PER_USD.items()}
    return {"time": int(chain.at_s), "USD": round(chain.price_usd), **others}


def stats(chain: Chain) -> Any:
    """GET /stats of blockchain.info: hash_rate in GH/s, amounts in satoshis."""
    return {
        "market_price_usd": round(chain.price_usd, 2),
        "hash_rate": chain.hashrate_hs / 1e9,
        "total_fees_btc": round(chain.fees_per_block_btc * 146 * 1e8),
        "n_btc_mined": 146 * 312_500_000,
        "n_tx": 480_000,
        "n_blocks_mined": 146,
        "minutes_between_blocks": 9.86,
        "totalbc": 1_990_000_000_000_000,
        "n_blocks_total": chain.height,
        "estimated_transaction_volume_usd": 9e9,
        "blocks_size": 240_000_000,
        "miners_revenue_usd": 146 * 3.15 * chain.price_usd,
        "nextretarget": chain.height + RETARGET_BLOCKS - chain.height % RETARGET_BLOCKS,
        "difficulty": chain.difficulty,
        "miners_revenue_btc": 460,
        "timestamp": int(chain.at_s * 1000),
    }


PAGES: Mapping[str, Mapping[str, Callable[[Chain], Any]]] = MappingProxyType(
    {
        "mempool": {
            "/api/v1/mining/hashrate/3d": hashrate,
            "/api/blocks/tip/height": tip,
            "/api/v1/mining/reward-stats/144": rewards,
            "/api/v1/difficulty-adjustment": adjustment,
            "/api/v1/prices": prices,
        },
        "blockchain_info": {"/stats": stats},
    }
)
"""What each source of the network answers, by path."""
