"""A chart of one line for a terminal: eight heights of blocks, and a space where nothing was heard. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float | None]) -> str:
    """Draw values from the smallest to the largest of them; equal ones in the middle."""
    present = [value for value in values if value is not None]
    if not present:
        return " " * len(values)
    low, high = min(present), max(present)
    return "".join(" " if value is None else _block(value, low, high) for value in values)


def _block(value: float, low: float, high: float) -> str:
    if high == low:
        return _BLOCKS[len(_BLOCKS) // 2 - 1]
    return _BLOCKS[round((value - low) / (high - low) * (len(_BLOCKS) - 1))]
