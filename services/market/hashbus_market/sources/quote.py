"""What a source of the bitcoin price is, and what it says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from hashbus_market.past import Sample

if TYPE_CHECKING:
    from hashbus_market.asking import Ask


@dataclass(frozen=True, slots=True)
class Quote:
    """One price of bitcoin in dollars; the volume is of the last 24 hours in BTC; `at` is by the source's clock."""

    price_usd: float
    volume_btc: float | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PriceSource:
    """One source: its name, its usual address, how it is asked, and how old a price of it may be.

    `past` asks for the price at the beginning of each quarter of an hour, as far back as the indicators look.
    """

    name: str
    url: str
    quote: Callable[[Ask], Awaitable[Quote]]
    max_age_s: float = 120.0
    past: Callable[[Ask], Awaitable[list[Sample]]] | None = None
