"""An hour of one device in a few bytes a reading: each field a column of the smallest whole numbers that hold it.

Device readings are decimals with a few places that change little from one to the next, so a column becomes whole
numbers (times 1, 10, ... 10,000), then differences, then the narrowest integers, then zlib. What is no short decimal
is kept as it is. Reading gives back exactly what was written. A block is

    version byte, header length (4 bytes), header (zlib, JSON), one zlib segment for each column

so that one field of thirty can be read without touching the others.
"""

from __future__ import annotations

import json
import struct
import sys
import zlib
from array import array
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from operator import sub
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hashbus_recorder.repository import FieldValue

_VERSION = 1
_HEAD = struct.Struct("<BI")
_SCALES = (1, 10, 100, 1000, 10_000)
_WIDTHS = (("b", 1 << 7), ("h", 1 << 15), ("i", 1 << 31), ("q", 1 << 63))
# Beyond this a double no longer holds every whole number, so scaling and back could change a value.
_EXACT = float(1 << 53)
# zlib's default is a quarter slower to write and 2 % smaller on hours of miners.
_LEVEL = 4

Columns = dict[str, "list[FieldValue | None]"]


class BrokenBlock(ValueError):
    """A block that does not read: the file was damaged outside this program."""


@dataclass(frozen=True, slots=True)
class Block:
    """Ascending times in milliseconds since 1970 and, beside each, the value of every field or None."""

    times_ms: list[int]
    columns: Columns


def pack(block: Block) -> bytes:
    """Write a block as bytes."""
    kind, times = _whole_numbers(block.times_ms)
    segments = [zlib.compress(times, _LEVEL)]
    header: list[list[object]] = [[kind, len(segments[0])]]
    for name, values in block.columns.items():
        description, content = _pack_column(values)
        segment = zlib.compress(content, _LEVEL) if content else b""
        header.append([name, len(segment), *description])
        segments.append(segment)
    head = zlib.compress(json.dumps([len(block.times_ms), header], separators=(",", ":")).encode(), _LEVEL)
    return b"".join((_HEAD.pack(_VERSION, len(head)), head, *segments))


def unpack(content: bytes, is_wanted: Callable[[str], bool] = bool) -> Block:
    """Read a block, or only the fields whose names are wanted. BrokenBlock when it does not read."""
    try:
        return _unpack(content, is_wanted)
    except (struct.error, zlib.error, ValueError, TypeError, IndexError) as error:
        raise BrokenBlock(f"a block of {len(content)} bytes does not read: {error}") from error


def _unpack(content: bytes, is_wanted: Callable[[str], bool]) -> Block:
    version, head_length = _HEAD.unpack_from(content)
    if version != _VERSION:
        raise BrokenBlock(f"written by another version ({version}); this one reads {_VERSION}")
    start = _HEAD.size + head_length
    rows, ((times_kind, length), *entries) = json.loads(zlib.decompress(content[_HEAD.size : start]))
    times = _read_whole_numbers(times_kind, zlib.decompress(content[start : start + length]))
    start += length
    columns: Columns = {}
    for name, length, *description in entries:
        if is_wanted(name):
            segment = zlib.decompress(content[start : start + length]) if length else b""
            columns[name] = _unpack_column(description, segment, rows)
        start += length
    return Block(times, columns)


def _pack_column(values: Sequence[FieldValue | None]) -> tuple[list[object], bytes]:
    """Describe a column as [form, ...] and give its content; the forms are read by `_unpack_column`."""
    present = [value for value in values if value is not None]
    gaps = b"" if len(present) == len(values) else bytes(value is not None for value in values)
    if not present:
        return ["empty"], b""
    if present.count(present[0]) == len(present) and len({type(value) for value in present}) == 1:
        return ["same", present[0], len(gaps)], gaps
    if any(isinstance(value, str) for value in present):
        words = list(dict.fromkeys((type(value).__name__, value) for value in present))
        places = {word: place for place, word in enumerate(words)}
        kind, content = _whole_numbers([places[type(value).__name__, value] for value in present])
        return ["words", [word for _, word in words], kind, len(gaps)], gaps + content
    return _pack_numbers([float(value) for value in present], gaps)


def _pack_numbers(numbers: list[float], gaps: bytes) -> tuple[list[object], bytes]:
    largest = max(map(abs, numbers))
    for scale in _SCALES:
        if largest * scale >= _EXACT:
            break
        scaled = [round(number * scale) for number in numbers]
        if [whole / scale for whole in scaled] == numbers:
            kind, content = _whole_numbers(scaled)
            return ["decimal", scale, kind, len(gaps)], gaps + content
    raw = _bytes_of(array("d", numbers))
    # All first bytes, then all second bytes, ...: sign and exponent barely change, so they lie together.
    return ["double", len(gaps)], gaps + b"".join(raw[place::8] for place in range(8))


def _unpack_column(description: list[object], content: bytes, rows: int) -> list[FieldValue | None]:
    form, *details, gaps_length = description if len(description) > 1 else [*description, 0]
    if form == "empty":
        return [None] * rows
    gaps, content = content[: int(str(gaps_length))], content[int(str(gaps_length)) :]
    count = sum(gaps) if gaps else rows
    present = iter(_present_values(form, details, content, count))
    if not gaps:
        return list(present)
    return [next(present) if is_there else None for is_there in gaps]


def _present_values(form: object, details: list[object], content: bytes, count: int) -> Iterable[FieldValue]:
    match form, details:
        case "same", [float() | int() | str() as value]:
            return [value] * count
        case "words", [list() as words, str() as kind]:
            return [words[place] for place in _read_whole_numbers(kind, content)]
        case "decimal", [int() as scale, str() as kind]:
            return [whole / scale for whole in _read_whole_numbers(kind, content)]
        case "double", []:
            raw = bytearray(len(content))
            for place in range(8):
                raw[place::8] = content[place * count : (place + 1) * count]
            return _array_of("d", bytes(raw))
        case _:
            raise BrokenBlock(f"unknown form {form!r}")


def _whole_numbers(numbers: Sequence[int]) -> tuple[str, bytes]:
    """Write whole numbers as the differences between them, each as narrow as the widest needs."""
    differences = [*numbers[:1], *map(sub, numbers[1:], numbers)]
    first, rest = differences[:1], differences[1:]
    widest = max((abs(difference) for difference in rest), default=0)
    kind = next(name for name, limit in _WIDTHS if widest < limit)
    return kind, _bytes_of(array("q", first)) + _bytes_of(array(kind, rest))


def _read_whole_numbers(kind: str, content: bytes) -> list[int]:
    if not content:
        return []
    return list(accumulate([*_array_of("q", content[:8]), *_array_of(kind, content[8:])]))


def _bytes_of(numbers: array[int] | array[float]) -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _array_of(kind: str, content: bytes) -> array[int]:
    numbers: array[int] = array(kind)
    numbers.frombytes(content)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def merge(older: Block, newer: Mapping[int, Mapping[str, FieldValue]]) -> Block:
    """Add points to a block; where a moment is there already, its fields are replaced one by one."""
    places = {time: place for place, time in enumerate(older.times_ms)}
    times = sorted({*older.times_ms, *newer})
    names = dict.fromkeys([*older.columns, *(name for fields in newer.values() for name in fields)])
    columns: Columns = {}
    nothing: Mapping[str, FieldValue] = {}
    for name in names:
        old = older.columns.get(name)
        columns[name] = [
            newer.get(time, nothing).get(name, old[places[time]] if old and time in places else None) for time in times
        ]
    return Block(times, columns)


def cut(block: Block, start_ms: int, stop_ms: int) -> Block:
    """Return the part of a block from `start_ms` to before `stop_ms`."""
    first, after = bisect_left(block.times_ms, start_ms), bisect_left(block.times_ms, stop_ms)
    if after - first == len(block.times_ms):
        return block
    return Block(block.times_ms[first:after], {name: values[first:after] for name, values in block.columns.items()})
