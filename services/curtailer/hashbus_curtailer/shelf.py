"""A mapping that never changes and is cheap to change: what a pure step keeps of thousands of miners."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

V = TypeVar("V")

BOARDS = 256
"""A change copies one board of it and the list of boards: at 100,000 entries 400 and 256 references, not 100,000."""


class Shelf(Mapping[str, V]):
    """Values by name; `with_` returns another shelf and leaves this one as it is."""

    __slots__ = ("_boards",)

    def __init__(self, values: Mapping[str, V] | None = None) -> None:
        """Hold these."""
        boards: list[dict[str, V]] = [{} for _ in range(BOARDS)]
        for name, value in (values or {}).items():
            boards[hash(name) % BOARDS][name] = value
        self._boards = boards

    def with_(self, name: str, value: V) -> Shelf[V]:
        """Return a shelf with this value in it."""
        place = hash(name) % BOARDS
        other: Shelf[V] = Shelf.__new__(Shelf)
        other._boards = self._boards.copy()
        other._boards[place] = {**self._boards[place], name: value}
        return other

    def __getitem__(self, name: str) -> V:
        """Return the value of a name."""
        return self._boards[hash(name) % BOARDS][name]

    def get(self, name: str, default: V | None = None) -> V | None:  # type: ignore[override]
        """Return the value of a name, or else the default; without the exception that Mapping would raise and catch."""
        return self._boards[hash(name) % BOARDS].get(name, default)

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        for board in self._boards:
            yield from board

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(map(len, self._boards))
