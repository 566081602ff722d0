"""What several devices of one poller use together: the turn on a serial line, the connection to a broker."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar, cast

T = TypeVar("T")


class Shared:
    """Things by name, made by whoever needs one first. A name begins with what kind of thing it is.

    What holds a connection closes it itself when nobody uses it any more; it may be used again.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._things: dict[Hashable, object] = {}

    def get(self, name: tuple[str, Hashable], make: Callable[[], T]) -> T:
        """Return the thing of that name, made by `make` if nobody has it yet."""
        if name not in self._things:
            self._things[name] = make()
        return cast("T", self._things[name])
