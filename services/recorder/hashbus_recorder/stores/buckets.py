"""What a chart shows of a bucket of time: how many readings, their sum, smallest, largest and last.

Buckets are filled from points, or from finer buckets that are kept packed; both ways give the same figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hashbus_recorder.repository import Column
from hashbus_recorder.steps import bucket_runs
from hashbus_recorder.stores.columns import Block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashbus_recorder.repository import FieldValue
    from hashbus_recorder.stores.columns import Columns

PARTS = ("n", "sum", "min", "max", "last")
"""The columns a packed bucket has for each field, named `field:part`."""


@dataclass(slots=True)
class Tally:
    """The readings of one field in one bucket; `n` counts numbers, words have only a `last`."""

    n: int = 0
    sum: float = 0.0
    min: float = float("inf")
    max: float = float("-inf")
    last: FieldValue | None = None

    def add(self, values: Sequence[FieldValue]) -> None:
        """Count readings, the latest of them last."""
        numbers = [value for value in values if not isinstance(value, str)]
        if numbers:
            self.merge(len(numbers), sum(numbers), min(numbers), max(numbers))
        self.last = values[-1]

    def merge(self, n: int, total: float, low: float, high: float) -> None:
        """Count `n` readings by their sum, smallest and largest."""
        self.n += n
        self.sum += total
        self.min = min(self.min, low)
        self.max = max(self.max, high)


class Buckets:
    """The readings of one device in buckets of `step_ms`. Blocks must come in order of time."""

    def __init__(self, step_ms: int) -> None:
        """Buckets begin at whole multiples of the step."""
        self._step_ms = step_ms
        self._fields: dict[str, dict[int, Tally]] = {}

    @property
    def fields(self) -> dict[str, dict[int, Tally]]:
        """Return field -> start of bucket -> readings."""
        return self._fields

    def add_points(self, block: Block) -> None:
        """Count points."""
        runs = list(bucket_runs(block.times_ms, self._step_ms))
        for name, values in block.columns.items():
            tallies = self._fields.setdefault(name, {})
            for bucket_ms, first, after in runs:
                heard = [value for value in values[first:after] if value is not None]
                if heard:
                    tallies.setdefault(bucket_ms, Tally()).add(heard)

    def add_finer(self, block: Block) -> None:
        """Count packed buckets of a step that divides this one."""
        buckets = [time // self._step_ms * self._step_ms for time in block.times_ms]
        for name in {column.rpartition(":")[0] for column in block.columns}:
            tallies = self._fields.setdefault(name, {})
            columns = [block.columns[f"{name}:{part}"] for part in PARTS]
            for bucket_ms, n, total, low, high, last in zip(buckets, *columns, strict=True):
                if last is None:
                    continue
                tally = tallies.setdefault(bucket_ms, Tally())
                tally.last = last
                if n:
                    tally.merge(int(_number(n)), _number(total), _number(low), _number(high))

    def packed(self) -> Block:
        """Return the buckets as a block to keep."""
        times = sorted({bucket for tallies in self._fields.values() for bucket in tallies})
        columns: Columns = {}
        for name, tallies in self._fields.items():
            rows = [tallies.get(time) for time in times]
            columns[f"{name}:n"] = [row.n if row else 0 for row in rows]
            # 13 digits are more than any sensor has, and cut off the dust of adding doubles, which would not pack.
            columns[f"{name}:sum"] = [float(f"{row.sum:.13g}") if row and row.n else None for row in rows]
            columns[f"{name}:min"] = [row.min if row and row.n else None for row in rows]
            columns[f"{name}:max"] = [row.max if row and row.n else None for row in rows]
            columns[f"{name}:last"] = [row.last if row else None for row in rows]
        return Block(times, columns)

    def column(self, field: str, starts_ms: Sequence[int]) -> Column:
        """Return one field over the buckets that start there."""
        tallies = self._fields.get(field, {})
        rows = [tallies.get(start) for start in starts_ms]
        return Column(
            mean=[row.sum / row.n if row and row.n else None for row in rows],
            min=[row.min if row and row.n else None for row in rows],
            max=[row.max if row and row.n else None for row in rows],
            last=[row.last if row else None for row in rows],
        )


def _number(value: FieldValue | None) -> float:
    return value if isinstance(value, int | float) else 0.0
