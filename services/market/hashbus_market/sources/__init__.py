"""Whom we ask: one line a source. Each has a file with what it is asked and how its answer is read."""

from collections.abc import Mapping
from types import MappingProxyType

from hashbus_market.sources.binance import BINANCE
from hashbus_market.sources.blockchain_info import BLOCKCHAIN_INFO
from hashbus_market.sources.bybit import BYBIT
from hashbus_market.sources.chain import ChainSource
from hashbus_market.sources.coingecko import COINGECKO
from hashbus_market.sources.deribit import DERIBIT
from hashbus_market.sources.mempool import MEMPOOL
from hashbus_market.sources.okx import OKX
from hashbus_market.sources.quote import PriceSource

PRICES: Mapping[str, PriceSource] = MappingProxyType(
    {one.name: one for one in (BINANCE, OKX, DERIBIT, BYBIT, COINGECKO)}
)
"""Sources of the bitcoin price, by name."""

CHAINS: Mapping[str, ChainSource] = MappingProxyType({one.name: one for one in (BLOCKCHAIN_INFO, MEMPOOL)})
"""Sources of the network's difficulty and fees, by name."""
