"""What is left out first when points must wait longer than there is room: every second one of each device."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashbus_recorder.repository import Point


def every_other(points: Sequence[Point]) -> list[Point]:
    """Keep the first, the third, ... point of each device, in the order they came.

    What was said once (a decision, a miner going away) stays; only what repeats gets coarser.
    """
    seen: dict[tuple[str, str], int] = {}
    kept = []
    for point in points:
        place = seen.get((point.measurement, point.device), 0)
        seen[point.measurement, point.device] = place + 1
        if place % 2 == 0:
            kept.append(point)
    return kept
