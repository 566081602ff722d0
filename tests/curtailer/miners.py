"""Miners to choose from: identical ones, mixed ones, with and without levels."""

import random
from collections.abc import Sequence

from hashbus_curtailer.fleet import Candidate, Option

LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9)


def candidate(name: str, power_w: float, hashrate_ths: float, levels: Sequence[float] = ()) -> Candidate:
    """A miner that sleeps, or goes down to these fractions of its power."""
    caps_w = sorted((0.0, *(power_w * level for level in levels)), reverse=True)
    options = tuple(Option(cap_w, power_w - cap_w, hashrate_ths * (1 - cap_w / power_w)) for cap_w in caps_w)
    return Candidate(name, power_w, hashrate_ths, options)


def mixed(count: int, levels: Sequence[float] = (), seed: int = 1) -> list[Candidate]:
    """A farm as it is: no two miners draw and hash the same."""
    chance = random.Random(seed)
    return [candidate(f"m{n:05}", chance.gauss(3250, 120), chance.gauss(110, 5), levels) for n in range(count)]
