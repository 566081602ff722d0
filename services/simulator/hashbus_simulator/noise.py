"""Deterministic measurement noise: the same seed, channel and moment give the same figure."""

_MASK = (1 << 64) - 1


def wobble(seed: int, channel: int, at_s: float, *, period_s: float = 10.0) -> float:
    """A figure in -1..1 that changes every `period_s` seconds.

    SplitMix64 (Steele, Lea, Flood 2014) of the seed, the channel and the number of the period: no state to
    keep, so five thousand miners cost nothing between two reads.
    """
    mixed = (seed * 0x9E3779B97F4A7C15 + channel * 0xD1B54A32D192ED03 + int(at_s // period_s)) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((mixed ^ (mixed >> 31)) >> 11) / (1 << 52) - 1.0
