"""How long to wait before trying again: longer each time, never in step with the others."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

# One for all: a generator weighs 2.5 kB, and a farm's poller has a Backoff for each of its miners.
_CHANCE = random.Random()  # noqa: S311 (spreads reconnects, keeps no secret)


@dataclass
class Backoff:
    """Exponential backoff with equal jitter.

    The wait is drawn evenly from half of to the whole of `first_s * factor ** tries`, at most `longest_s`. The random
    half spreads a farm's reconnects, the fixed half keeps a hot loop impossible. Source: M. Brooker, "Exponential
    Backoff and Jitter", AWS Architecture Blog 2015 ("equal jitter").
    """

    first_s: float = 1.0
    longest_s: float = 60.0
    factor: float = 2.0
    tries: int = 0
    _random: random.Random = field(default=_CHANCE, repr=False)

    def next_s(self) -> float:
        """Count one more failure and return the seconds to wait."""
        # 64 doublings are beyond any cap; the bound keeps the power from overflowing after weeks of failures.
        whole = min(self.longest_s, self.first_s * self.factor ** min(self.tries, 64))
        self.tries += 1
        return whole / 2 + self._random.random() * whole / 2

    def reset(self) -> None:
        """Forget the failures: the next wait is the first again."""
        self.tries = 0
