"""The last raw answers of each device, kept for people who want to see what it really said (S0.29)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from isal import isal_zlib

if TYPE_CHECKING:
    from datetime import datetime

    from hashbus.clock import Clock

LARGEST_BYTES = 65_536
"""Of one answer more is not kept: an oversized one is interesting for its beginning."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question to a device and what it answered, compressed."""

    at: datetime
    question: str
    size: int
    packed: bytes

    @property
    def answer(self) -> bytes:
        """Return the answer, cut at 64 KiB."""
        return isal_zlib.decompress(self.packed)


class Ring:
    """A tape that keeps the last few exchanges of one device."""

    def __init__(self, clock: Clock, length: int) -> None:
        """Keep the last `length` exchanges."""
        self._clock = clock
        self._length = length
        self._exchanges: tuple[Exchange, ...] = ()

    def keep(self, question: str, answer: bytes) -> None:
        """Remember one exchange; see `Tape`."""
        if self._length:
            # It halves the memory of a farm in 7 microseconds an answer; the zlib of the standard library takes 40.
            packed = isal_zlib.compress(answer[:LARGEST_BYTES], 1)
            newest = Exchange(self._clock.now(), question, len(answer), packed)
            # Not a deque: that takes 700 bytes for its first element, and a farm's poller has a ring for each miner.
            self._exchanges = (*self._exchanges, newest)[-self._length :]

    def exchanges(self) -> list[Exchange]:
        """Return what is kept, the oldest first."""
        return list(self._exchanges)
