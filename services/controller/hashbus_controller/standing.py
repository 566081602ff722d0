"""The bids that stand: what every policy asks now, by scope, and whose power is affected when that changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rpds import HashTrieMap

from hashbus_controller.bids import Bid


@dataclass(frozen=True, slots=True)
class Standing:
    """Every bid, once as its policy made it and once by its scope."""

    by_policy: Mapping[str, tuple[Bid, ...]] = field(default_factory=dict)
    by_scope: HashTrieMap[str, tuple[Bid, ...]] = field(default_factory=HashTrieMap)

    def of(self, scope: str) -> tuple[Bid, ...]:
        """Return what is asked of a miner, a group or the site by that name."""
        return self.by_scope.get(scope, ())


def replaced(standing: Standing, policy: str, bids: tuple[Bid, ...]) -> tuple[Standing, frozenset[str]]:
    """Put the bids of a policy in place of its last; returns also the scopes in which something else is asked now.

    A bid that is merely made again with a later end changes nothing, so that renewing costs no decision.
    """
    before = standing.by_policy.get(policy, ())
    if bids is before or (not bids and not before):
        return standing, frozenset()
    stays = {id(bid) for bid in before} & {id(bid) for bid in bids}
    gone = [bid for bid in before if id(bid) not in stays]
    new = [bid for bid in bids if id(bid) not in stays]
    asked_before, asked_now = _asked(gone), _asked(new)
    scopes = frozenset(asked_before) | frozenset(asked_now)
    changed = frozenset(scope for scope in scopes if asked_before.get(scope) != asked_now.get(scope))
    by_scope = _with(_without(standing.by_scope, gone), new)
    return Standing({**standing.by_policy, policy: bids}, by_scope), changed


def _asked(bids: Iterable[Bid]) -> dict[str, list[tuple[object, ...]]]:
    asked: dict[str, list[tuple[object, ...]]] = defaultdict(list)
    for bid in bids:
        asked[bid.scope].append(bid.asks())
    return asked


def _without(by_scope: HashTrieMap[str, tuple[Bid, ...]], bids: Iterable[Bid]) -> HashTrieMap[str, tuple[Bid, ...]]:
    gone = {id(bid): bid.scope for bid in bids}
    for scope in set(gone.values()):
        standing = by_scope.get(scope)
        if standing is None:
            continue
        left = tuple(bid for bid in standing if id(bid) not in gone)
        by_scope = by_scope.insert(scope, left) if left else by_scope.remove(scope)
    return by_scope


def _with(by_scope: HashTrieMap[str, tuple[Bid, ...]], bids: Iterable[Bid]) -> HashTrieMap[str, tuple[Bid, ...]]:
    added: dict[str, list[Bid]] = defaultdict(list)
    for bid in bids:
        added[bid.scope].append(bid)
    for scope, new in added.items():
        by_scope = by_scope.insert(scope, (*by_scope.get(scope, ()), *new))
    return by_scope
