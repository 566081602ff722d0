"""What a service has said and the broker has not yet confirmed."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hashbus.topics import Keep

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Parcel:
    """An encoded message on its way; `number` is its place in the order of speaking, `kind` what counters call it."""

    number: int
    address: str
    payload: bytes
    qos: int
    retain: bool
    keep: Keep
    kind: str = "unknown"


class Outbox:
    """A bounded queue that keeps order, replaces what is out of date and never loses silently.

    A topic that keeps its latest value holds one place, however often it is spoken. At the bound the oldest reading
    goes first (its topic has a newer one or will have), then the oldest of the rest; `dropped` counts them.
    """

    def __init__(self, bound: int = 10_000) -> None:
        """Hold at most `bound` messages."""
        self.bound = bound
        self.dropped = 0
        self._waiting: OrderedDict[str | int, Parcel] = OrderedDict()
        self._in_flight: dict[int, Parcel] = {}
        self._next_number = 0

    def __len__(self) -> int:
        """Return how many messages are not yet confirmed."""
        return len(self._waiting) + len(self._in_flight)

    def has_waiting(self) -> bool:
        """Say whether something is still to be sent."""
        return bool(self._waiting)

    def waiting(self) -> Iterable[Parcel]:
        """Return what is still to be sent, in order."""
        return self._waiting.values()

    def oldest_in_flight(self) -> Parcel | None:
        """Return what has waited longest for its confirmation."""
        return next(iter(self._in_flight.values()), None)

    def put(self, address: str, payload: bytes, *, qos: int, retain: bool, keep: Keep, kind: str = "unknown") -> Parcel:
        """Take a message; it is sent after everything that was put before it."""
        parcel = Parcel(self._next_number, address, payload, qos, retain, keep, kind)
        self._next_number += 1
        if keep is Keep.LATEST:
            self._waiting.pop(address, None)
        self._waiting[_key(parcel)] = parcel
        if len(self) > self.bound:
            self._drop_one()
        return parcel

    def take(self) -> Parcel:
        """Return the next message to send; it counts as in flight until confirmed or given back."""
        _, parcel = self._waiting.popitem(last=False)
        self._in_flight[parcel.number] = parcel
        return parcel

    def confirm(self, parcel: Parcel) -> None:
        """The broker has it."""
        self._in_flight.pop(parcel.number, None)

    def give_back(self) -> None:
        """Let what was in flight on a lost connection wait again, in its old place, unless newer replaced it."""
        waiting = self._waiting
        self._waiting = OrderedDict()
        for parcel in sorted(self._in_flight.values(), key=lambda parcel: parcel.number):
            if _key(parcel) not in waiting:
                # Of two in flight on one topic the later one is kept, in its own place.
                self._waiting.pop(_key(parcel), None)
                self._waiting[_key(parcel)] = parcel
        self._waiting.update(waiting)
        self._in_flight.clear()

    def _drop_one(self) -> None:
        readings = (key for key, parcel in self._waiting.items() if parcel.retain and parcel.keep is Keep.EVERY)
        oldest = next(readings, None)
        self._waiting.pop(next(iter(self._waiting)) if oldest is None else oldest)
        self.dropped += 1


def _key(parcel: Parcel) -> str | int:
    return parcel.address if parcel.keep is Keep.LATEST else parcel.number
