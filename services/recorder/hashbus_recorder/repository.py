"""What the recorder asks of a time-series store, whichever one stands behind it.

A store keeps points and answers charts: one device over time, the site's totals, the newest value. Every store gives
the same answers; tests/recorder holds all of them to the same promises.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

FieldValue = float | str
"""A number, a yes or no, or a short word. A yes comes back as 1.0 and a no as 0.0, so that both can be averaged."""


class StoreUnavailable(Exception):
    """The store cannot be reached, is full or refuses the credentials: points wait in the spool until it is back."""


class PointsRefused(Exception):
    """The store will never take these points; the others of the same batch are written.

    `reason` is the store's own word for why, for the operator.
    """

    def __init__(self, points: Sequence[Point], reason: str) -> None:
        super().__init__(f"{len(points)} points refused: {reason}")
        self.points = tuple(points)
        self.reason = reason


class BadQuestion(ValueError):
    """A question that has no answer; names the parameter, its value and what would be right."""

    def __init__(self, parameter: str, problem: str) -> None:
        super().__init__(f"{parameter}: {problem}")
        self.parameter = parameter
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Point:
    """What one device said at one moment. The same measurement, device and moment again replaces its fields."""

    measurement: str
    device: str
    at: datetime
    fields: Mapping[str, FieldValue]
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def at_ms(self) -> int:
        """Return the moment in milliseconds since 1970."""
        return (self.at - EPOCH) // _MILLISECOND


@dataclass(frozen=True, slots=True)
class Question:
    """Which fields of which measurement, from `start` to before `stop`, in buckets of `step_s` seconds.

    Buckets start at whole multiples of the step since 1970 in UTC, and always hold the whole step, also the first and
    the last one. No fields means all there are. No device means all of them.
    """

    measurement: str
    start: datetime
    stop: datetime
    step_s: int
    fields: tuple[str, ...] = ()
    device: str | None = None

    @property
    def first_ms(self) -> int:
        """Return the start of the first bucket."""
        return to_ms(self.start) // self.step_ms * self.step_ms

    @property
    def buckets(self) -> int:
        """Return how many buckets it takes to reach `stop`."""
        return max(0, -((self.first_ms - to_ms(self.stop)) // self.step_ms))

    @property
    def stop_ms(self) -> int:
        """Return the end of the last bucket."""
        return self.first_ms + self.buckets * self.step_ms

    @property
    def step_ms(self) -> int:
        """Return the step in milliseconds."""
        return self.step_s * 1000

    def moments(self) -> list[datetime]:
        """Return the start of every bucket."""
        return [from_ms(self.first_ms + index * self.step_ms) for index in range(self.buckets)]


@dataclass(frozen=True, slots=True)
class Column:
    """One field over the buckets of a history; null where nothing was heard. Words have only a `last`."""

    mean: list[float | None]
    min: list[float | None]
    max: list[float | None]
    last: list[FieldValue | None]


@dataclass(frozen=True, slots=True)
class History:
    """One device over time. `step_s` may be coarser than asked, where finer points are no longer kept."""

    step_s: int
    at: list[datetime]
    columns: dict[str, Column]


@dataclass(frozen=True, slots=True)
class Total:
    """One field summed over all devices: the sum of their means in each bucket, and how many of them reported."""

    sum: list[float | None]
    devices: list[float]


@dataclass(frozen=True, slots=True)
class Totals:
    """The site over time. `devices_known` is how many devices the measurement has ever had."""

    step_s: int
    at: list[datetime]
    columns: dict[str, Total]
    devices_known: int


@dataclass(frozen=True, slots=True)
class Samples:
    """A stretch of points of one device as they were written, for an export."""

    at: list[datetime]
    columns: dict[str, list[FieldValue | None]]


@dataclass(frozen=True, slots=True)
class Series:
    """One device of one measurement: what it says and when it last did."""

    measurement: str
    device: str
    fields: tuple[str, ...]
    last_at: datetime | None
    tags: Mapping[str, str] = field(default_factory=dict)


class TimeSeriesRepository(Protocol):
    """Where the points of a site are kept. All methods raise StoreUnavailable when the store cannot answer."""

    async def write(self, points: Sequence[Point]) -> None:
        """Keep the points; writing them again changes nothing.

        PointsRefused names those it will never take, when the others are kept.
        """
        ...

    async def history(self, question: Question) -> History:
        """Return one device over time, in buckets, with gaps as nulls."""
        ...

    async def totals(self, question: Question) -> Totals:
        """Return the site over time: the sum over all devices and how many of them it is made of."""
        ...

    def samples(self, question: Question) -> AsyncIterator[Samples]:
        """Return one device's points as written, in order, a stretch at a time; the step is not used."""
        ...

    async def latest(self, measurement: str, device: str) -> Point | None:
        """Return the newest point of a device."""
        ...

    async def series(self) -> list[Series]:
        """Return what is kept."""
        ...

    async def maintain(self, now: datetime) -> None:
        """Downsample what is complete and delete what is older than its retention."""
        ...

    async def close(self) -> None:
        """Finish what is under way and let go of the store."""
        ...


def to_ms(moment: datetime) -> int:
    """Return milliseconds since 1970, rounded down."""
    return (moment - EPOCH) // _MILLISECOND


def from_ms(milliseconds: int) -> datetime:
    """Return the moment that many milliseconds after 1970."""
    return EPOCH + timedelta(milliseconds=milliseconds)
