"""From what several sources say of the network to one state of it: pure.

The difficulty is a fact that every node knows, so sources must agree to the last digit; where they do not, one lags
behind a retarget, and the one with the higher chain is believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hashbus.economics import BLOCK_S, network_hashrate_ehs, subsidy_btc
from hashbus.messages import NetworkState
from hashbus_market.sources.chain import ChainFacts

LEAST_DIFFICULTY, MOST_DIFFICULTY = 1e12, 1e18
LARGEST_CHANGE = 4.0
"""A retarget changes the difficulty by no more than a factor of four: a rule of consensus."""

SAME = 1e-6
MOST_FEES_BTC = 100.0
FIRST_HEIGHT = 840_000
"""Nobody who says less can be right: the halving of April 2024."""


@dataclass(frozen=True, slots=True)
class HeardChain:
    """What one source said in a round, or why it said nothing."""

    name: str
    facts: ChainFacts | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class CombinedChain:
    """The network that came out; `state` None and why; and the problem of every source that was not believed."""

    state: NetworkState | None
    why_not: dict[str, str]


def combined_network(heard: Sequence[HeardChain], last: NetworkState | None, now: datetime, site: str) -> CombinedChain:
    """Return the network by all that was heard; `last` is the last good state."""
    why_not = {one.name: one.problem or "no answer" for one in heard if one.facts is None}
    facts = {one.name: one.facts for one in heard if one.facts is not None}
    for name, one in list(facts.items()):
        why = _impossible(one, last, now)
        if why:
            why_not[name] = why
            del facts[name]
    if not facts:
        return CombinedChain(None, why_not)
    leader = max(facts, key=lambda name: (facts[name].height or 0, -_jump(facts[name], last)))
    difficulty = facts[leader].difficulty
    for name in [name for name, one in facts.items() if abs(one.difficulty / difficulty - 1) > SAME]:
        why_not[name] = f"its difficulty {facts[name].difficulty:g} is not that of {leader}, whose chain is higher"
        del facts[name]
    return CombinedChain(_state(facts, len(heard), last, now, site), why_not)


def _state(
    facts: dict[str, ChainFacts], total: int, last: NetworkState | None, now: datetime, site: str
) -> NetworkState:
    known = list(facts.values())
    difficulty = known[0].difficulty
    height = max((one.height for one in known if one.height), default=last.height if last else None)
    fees = [one.fees_per_block_btc for one in known if one.fees_per_block_btc is not None]
    ahead = next((one for one in known if one.next_retarget_at is not None), None)
    return NetworkState(
        site=site,
        at=now,
        difficulty=difficulty,
        hashrate_ehs=network_hashrate_ehs(difficulty),
        subsidy_btc=subsidy_btc(height if height is not None else FIRST_HEIGHT),
        # The first source that says it: they count over different blocks, and a mean of the two means nothing.
        fees_per_block_btc=next((fee for fee in fees if 0 <= fee <= MOST_FEES_BTC), None),
        height=height,
        next_retarget_at=ahead.next_retarget_at if ahead else None,
        next_change_pct=ahead.next_change_pct if ahead else None,
        sources_used=len(facts),
        sources_total=total,
        completeness_pct=100 * len(facts) / total,
        taken_at=now,
    )


def _impossible(facts: ChainFacts, last: NetworkState | None, now: datetime) -> str | None:
    if not LEAST_DIFFICULTY <= facts.difficulty <= MOST_DIFFICULTY:
        return f"a difficulty of {facts.difficulty:g} cannot be"
    if facts.height is not None and not FIRST_HEIGHT <= facts.height < 10_000_000:
        return f"a height of {facts.height} cannot be"
    if last is not None and facts.height and last.height and facts.height > last.height + _most_blocks(last, now):
        return f"a height of {facts.height} cannot follow {last.height} so soon"
    if last is not None and _jump(facts, last) > LARGEST_CHANGE:
        return f"a difficulty of {facts.difficulty:g} cannot follow {last.difficulty:g}"
    return None


def _most_blocks(last: NetworkState, now: datetime) -> float:
    """Return how many blocks can have come since: twice as many as usual, and some by luck."""
    return 2 * last.age_s(now) / BLOCK_S + 20


def _jump(facts: ChainFacts, last: NetworkState | None) -> float:
    """Return by which factor the difficulty differs from the last good one, at least 1."""
    if last is None:
        return 1.0
    return max(facts.difficulty / last.difficulty, last.difficulty / facts.difficulty)
