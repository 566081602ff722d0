"""Figures of the market service."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

ASKED = Counter("market_questions_total", "Questions to sources", ["source", "outcome"])
ROUND_SECONDS = Histogram(
    "market_round_seconds", "Time of one round over all sources", ["what"], buckets=(0.1, 0.3, 0.5, 1, 2, 3, 5, 10)
)
PRICE = Gauge("market_bitcoin_price_usd", "Price of bitcoin as last published")
COMPLETENESS = Gauge("market_completeness_pct", "Share of the sources that were believed", ["what"])
BIDS = Gauge("market_best_power_bids", "Bids for the best power that hold now")
