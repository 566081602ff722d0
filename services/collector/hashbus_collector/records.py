"""A miner's record as sites upload it (S1.27 to S1.34), and what is wrong with one that is not right. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import (
    Annotated,
    Any,
    NotRequired,  # pydantic takes typing's own from Python 3.12 on
)

import msgspec
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json
from typing_extensions import TypedDict

from hashbus.units import Celsius, JoulesPerTerahash, Megahertz, Milliseconds, Rpm, Watts
from hashbus_collector.plain_records import decoder_of

SHOWN_PROBLEMS = 100
"""So many problems of one upload are told; all of them are counted."""

# PostgreSQL keeps every character in a text but NUL.
_NO_NUL = r"^[^\x00]*$"

Name = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""How a site names a miner: its id on the site, or its serial number."""
ShortText = Annotated[str, Field(max_length=255, pattern=_NO_NUL)]
LongText = Annotated[str, Field(max_length=2000, pattern=_NO_NUL)]
Gigahash = Annotated[float, Field(ge=0, le=1e12, description="GH/s")]
Tally = Annotated[int, Field(ge=0, le=2**53)]
Few = Annotated[int, Field(ge=0, le=10_000)]
Uptime = Annotated[float, Field(ge=0, le=1e10, description="Seconds")]


class BoardRecord(TypedDict):
    """One hashboard; a dictionary, because three of them for each reading are most of what an upload is made of."""

    __pydantic_config__ = ConfigDict(extra="ignore", allow_inf_nan=False)  # type: ignore[misc]

    id: Few
    hashrate: NotRequired[Gigahash | None]
    temp: NotRequired[Celsius | None]
    chips_ok: NotRequired[Few | None]
    chips_total: NotRequired[Few | None]


class MinerRecord(BaseModel):
    """One reading of one miner. What a client does not know is null; unknown fields are ignored.

    Without `recorded_at` the reading counts as taken when it arrives; a moment without an offset is UTC.
    """

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, validate_by_name=True, validate_by_alias=True)

    miner_id: Name
    recorded_at: datetime | None = Field(None, validation_alias=AliasChoices("recorded_at", "timestamp"))
    ip_address: ShortText | None = None
    online: bool = True
    model: ShortText | None = None
    firmware_version: ShortText | None = None
    error_message: LongText | None = None
    overall_health: ShortText | None = None
    hashrate_ghs: Gigahash | None = None
    hashrate_5s_ghs: Gigahash | None = None
    hashrate_expected_ghs: Gigahash | None = None
    temperature_avg: Celsius | None = None
    temperature_min: Celsius | None = None
    temperature_max: Celsius | None = None
    temperature_chips: Annotated[list[Celsius | None], Field(max_length=2000)] | None = None
    fan_speeds: Annotated[list[Rpm | None], Field(max_length=100)] | None = None
    frequency_avg: Megahertz | None = None
    accepted_shares: Tally | None = Field(None, validation_alias=AliasChoices("accepted_shares", "accepted"))
    rejected_shares: Tally | None = Field(None, validation_alias=AliasChoices("rejected_shares", "rejected"))
    hardware_errors: Tally | None = None
    uptime_seconds: Uptime | None = None
    power_consumption: Watts | None = None
    efficiency: JoulesPerTerahash | None = None
    pool_url: ShortText | None = None
    worker_name: ShortText | None = None
    pool_latency_ms: Milliseconds | None = None
    latency_ms: Milliseconds | None = None
    boards: Annotated[list[BoardRecord], Field(max_length=100)] | None = None
    boards_total: Few | None = None
    boards_healthy: Few | None = None
    capabilities: Annotated[list[ShortText], Field(max_length=30)] | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A record that is right, when it was taken, and its place in the array."""

    record: MinerRecord
    at: datetime
    index: int


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one record: its place in the array, its miner where that can be read, the field."""

    index: int
    miner_id: str | None
    field: str
    problem: str


@dataclass
class Batch:
    """What is in one upload: the records that are right, and what is wrong with the others."""

    taken: list[Taken] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    refused: int = 0

    @property
    def online(self) -> int:
        """Return how many records are of miners that were reached."""
        return sum(one.record.online for one in self.taken)

    def refuse(self, problem: Problem) -> None:
        """Note a record that is not taken, by its first problem."""
        self.refused += 1
        if len(self.problems) < SHOWN_PROBLEMS:
            self.problems.append(problem)


class NotABatch(ValueError):
    """The body as a whole cannot be read; the text says what it should be."""


@dataclass(frozen=True, slots=True)
class Window:
    """Between which moments a reading can have been taken."""

    now: datetime
    oldest: datetime
    latest: datetime


_WORDS = {
    "model_type": "must be a JSON object",
    "float_parsing": "must be a number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_parsing": "must be true or false",
}

_RECORDS = TypeAdapter(list[MinerRecord])
_RECORD = TypeAdapter(MinerRecord)
_PLAIN = decoder_of(MinerRecord)


def read_batch(body: bytes, window: Window, *, most: int) -> Batch:
    """Read an upload; NotABatch when it is no JSON array or has more than `most` records.

    An upload without a mistake, which is nearly every one, is read in one go; one with a mistake again, record by
    record, so that the good ones are kept.
    """
    try:
        records = _read_at_once(body)
    except ValidationError:
        batch = _read_one_by_one(body, window, most)
    else:
        batch = Batch()
        for index, record in enumerate(records):
            _take(batch, index, record, window)
    if len(batch.taken) + batch.refused > most:
        raise NotABatch(f"an upload has at most {most} records; this one has {len(batch.taken) + batch.refused}")
    return batch


def _read_at_once(body: bytes) -> list[MinerRecord]:
    try:
        return _PLAIN.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _RECORDS.validate_json(body)


def _read_one_by_one(body: bytes, window: Window, most: int) -> Batch:
    try:
        # `allow_inf_nan`: a NaN is a mistake in one field, not in the whole body.
        values = from_json(body, allow_inf_nan=True)
    except ValueError as error:
        raise NotABatch(f"the body is not JSON: {error}") from None
    if not isinstance(values, list):
        raise NotABatch(f"the body must be a JSON array of records, not {_kind(values)}")
    if len(values) > most:
        raise NotABatch(f"an upload has at most {most} records; this one has {len(values)}")
    batch = Batch()
    for index, value in enumerate(values):
        try:
            record = _RECORD.validate_python(value)
        except ValidationError as error:
            batch.refuse(_problem(index, value, error))
        else:
            _take(batch, index, record, window)
    return batch


def _take(batch: Batch, index: int, record: MinerRecord, window: Window) -> None:
    at = record.recorded_at
    if at is None:
        at = window.now
    elif at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    if window.oldest <= at <= window.latest:
        batch.taken.append(Taken(record, at, index))
        return
    if at < window.oldest:
        days = (window.now - window.oldest) // timedelta(days=1)
        wrong = f"{at.isoformat()} is longer ago than the {days} days that are kept"
    else:
        wrong = f"{at.isoformat()} lies in the future: by our clock it is {window.now.isoformat(timespec='seconds')}"
    batch.refuse(Problem(index, record.miner_id, "recorded_at", wrong))


def _problem(index: int, value: Any, error: ValidationError) -> Problem:
    first = error.errors(include_url=False, include_context=False)[0]
    name = value.get("miner_id") if isinstance(value, dict) else None
    steps = [str(step) for step in first["loc"]]
    given = first.get("input")
    is_plain = isinstance(given, str | int | float | bool) or given is None
    shown = f", not {str(given)[:60]!r}" if is_plain and first["type"] != "missing" else ""
    words = f"{_WORDS.get(first['type'], first['msg'][:1].lower() + first['msg'][1:])}{shown}"
    return Problem(index, name[:128] if isinstance(name, str) else None, ".".join(steps) or "record", words)


def _kind(value: Any) -> str:
    words = {dict: "an object", str: "a string", bool: "true or false", type(None): "null"}
    return words.get(type(value), "a number")
