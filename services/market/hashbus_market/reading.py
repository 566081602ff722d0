"""Numbers out of answers that were written by others: strings or numbers, finite, and named when they are missing."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from hashbus_market.errors import SourceGarbled


def at(body: Any, *path: str | int) -> Any:
    """Return what stands at a path of keys and positions; SourceGarbled names the first step that is missing."""
    found = body
    for depth, step in enumerate(path):
        try:
            found = found[step]
        except (KeyError, IndexError, TypeError):
            raise SourceGarbled(f"{_shown(path[: depth + 1])} is missing") from None
    return found


def number(body: Any, *path: str | int) -> float:
    """Return a number, also one written as a string; SourceGarbled when it is none, or not a finite one."""
    found = at(body, *path)
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        raise SourceGarbled(f"{_shown(path)} is no number: {str(found)[:40]!r}")
    try:
        value = float(found)
    except (ValueError, OverflowError):
        raise SourceGarbled(f"{_shown(path)} is no number: {str(found)[:40]!r}") from None
    if not isfinite(value):
        raise SourceGarbled(f"{_shown(path)} is no finite number: {str(found)[:40]!r}")
    return value


def optional(body: Any, *path: str | int) -> float | None:
    """Return a number that a source may leave out."""
    try:
        return number(body, *path)
    except SourceGarbled:
        return None


def _shown(path: Sequence[str | int]) -> str:
    return ".".join(str(step) for step in path) or "the answer"
