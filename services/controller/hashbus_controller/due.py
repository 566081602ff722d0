"""Who is due when: leases to renew and changes that may be made now, found without looking at every miner."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from rpds import HashTrieMap


@dataclass(frozen=True, slots=True)
class Due:
    """Miners by the second at which they are due. A miner may stand in several; the caller asks its own moment."""

    by_second: HashTrieMap[int, tuple[str, ...]] = field(default_factory=HashTrieMap)
    first: int | None = None

    def added(self, moments: Iterable[tuple[str, datetime]]) -> Due:
        """Return it with these miners in it."""
        new: dict[int, list[str]] = defaultdict(list)
        for miner, at in moments:
            new[int(at.timestamp()) + 1].append(miner)
        if not new:
            return self
        by_second = self.by_second
        for second, miners in new.items():
            by_second = by_second.insert(second, (*by_second.get(second, ()), *miners))
        first = min(new) if self.first is None else min(self.first, *new)
        return Due(by_second, first)

    def taken(self, now: datetime) -> tuple[Due, list[str]]:
        """Return those who are due at `now`, and the rest."""
        second = int(now.timestamp())
        if self.first is None or self.first > second:
            return self, []
        past = [moment for moment in self.by_second if moment <= second]
        miners = [miner for moment in sorted(past) for miner in self.by_second[moment]]
        by_second = self.by_second
        for moment in past:
            by_second = by_second.remove(moment)
        return Due(by_second, min(by_second, default=None)), miners
