"""What several devices of one poller use together: the turn on a serial line, the connection to a broker."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar, cast

T = TypeVar("T")


class Shared:
    """Things by a name of the drivers' choice, made by whoever needs one first.

    What holds a connection closes it itself when nobody uses it any more; it may be used again.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._things: dict[tuple[object, Hashable], object] = {}

    def get(self, name: Hashable, make: Callable[[], T]) -> T:
        """Return the thing of that name, made by `make` if nobody has it yet; two makers never share a thing."""
        key = (make, name)
        if key not in self._things:
            self._things[key] = make()
        return cast("T", self._things[key])
