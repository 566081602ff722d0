"""What a source of the Bitcoin network is, and what it says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashbus_market.asking import Ask


@dataclass(frozen=True, slots=True)
class ChainFacts:
    """The network as one source sees it. `per_usd` is what a dollar costs elsewhere, where the source tells."""

    difficulty: float
    height: int | None = None
    fees_per_block_btc: float | None = None
    next_retarget_at: datetime | None = None
    next_change_pct: float | None = None
    per_usd: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChainSource:
    """One source: its name, its usual address and how it is asked."""

    name: str
    url: str
    facts: Callable[[Ask], Awaitable[ChainFacts]]
