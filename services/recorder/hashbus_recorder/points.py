"""Messages as points: what a message class says of its fields decides what is recorded; no message has code of its own.

Numbers, yes and no, and words from a fixed list become fields; lists of numbers become min, mean and max, and single
fields when they are few; hashboards, pools and bids become `board0_...`. Texts for people, ids and moments are left
out.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from enum import Enum
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from hashbus.messages import VOCABULARY, Message
from hashbus.topics import Keep
from hashbus.units import Unit
from hashbus_recorder.repository import Point

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from hashbus_recorder.repository import FieldValue

FEW = 8
"""A list up to this long is recorded one by one: fans, phases, hashboards; the hundreds of chips of a miner are not."""

_WORD_LENGTH = 200

Named = Iterator[tuple[str, "FieldValue"]]
Reader = Callable[[Any], Named]


def recorded_types() -> tuple[type[Message], ...]:
    """Return the messages that have something to record: all retained ones with a number or a word from a list."""
    return tuple(kind for kind in VOCABULARY if kind.topic.retain and _readers(kind, _keeps_words(kind)))


def point_of(message: Message) -> Point | None:
    """Return a message as a point; None when it carries nothing to record."""
    fields = {
        name: value
        for attribute, read in _readers(type(message), _keeps_words(type(message)))
        if (content := getattr(message, attribute)) is not None
        for name, value in read(content)
    }
    if not fields:
        return None
    levels = message.levels()
    site = levels.pop("site")
    tags = {"site": site} if len(levels) < 2 else {"site": site, **levels}
    return Point(measurement_of(type(message)), "/".join(levels.values()) or site, message.at, fields, tags)


@cache
def measurement_of(kind: type[Message]) -> str:
    """Return the name under which a type of message is recorded: `miner/{miner}/telemetry` is `miner`."""
    levels = [level for level in kind.topic.template.split("/") if not level.startswith("{")]
    return "_".join(level for level in levels if level != "telemetry")


def _keeps_words(kind: type[Message]) -> bool:
    # What a device is (its address, its serial number) is no series; what is reported again and again is.
    return kind.topic.keep is Keep.EVERY


@cache
def _readers(kind: type[BaseModel], words: bool) -> tuple[tuple[str, Reader], ...]:
    """Return (attribute, how it is read) for every field of a message or of a part that is recorded."""
    found = ((name, _reader(name, field, words)) for name, field in kind.model_fields.items())
    return tuple((name, reader) for name, reader in found if reader is not None)


def _reader(name: str, field: FieldInfo, words: bool) -> Reader | None:
    kind, facts = _unwrapped(field.annotation, list(field.metadata))
    if get_origin(kind) is tuple:
        return _list_reader(name, get_args(kind)[0])
    if get_origin(kind) is dict:
        content, _ = _unwrapped(get_args(kind)[1], [])
        return _each_key(name) if _is_number(content) else None
    if not isinstance(kind, type):
        return None
    if _is_number(kind):
        return lambda value: _number(name, value)
    if issubclass(kind, Enum):
        return lambda value: iter([(name, str(value.value))])
    if issubclass(kind, BaseModel):
        return _part_reader(f"{name}_", kind)
    # A word has a short bound, a text for people a long one, an id a pattern instead.
    is_word = issubclass(kind, str) and any(getattr(fact, "max_length", None) == _WORD_LENGTH for fact in facts)
    return (lambda value: iter([(name, value)])) if is_word and words else None


def _list_reader(name: str, content: Any) -> Reader | None:
    kind, facts = _unwrapped(content, [])
    unit = next((fact for fact in facts if isinstance(fact, Unit)), None)
    if _is_number(kind):
        return _numbers(name, unit.suffix if unit else "")
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return None
    if not any(_has_numbers(field) for field in kind.model_fields.values()):
        return lambda values: iter([(f"{name}_count", float(len(values)))])
    return _parts(name, kind)


def _numbers(name: str, suffix: str) -> Reader:
    """Read a list of numbers; the unit stays at the end of the name: `chips_c` gives `chips_max_c`."""
    stem = name.removesuffix(suffix)

    def read(values: tuple[float, ...]) -> Named:
        finite = [float(value) for value in values if isfinite(value)]
        if not finite:
            return
        yield f"{stem}_min{suffix}", min(finite)
        yield f"{stem}_mean{suffix}", sum(finite) / len(finite)
        yield f"{stem}_max{suffix}", max(finite)
        if len(values) <= FEW:
            yield from ((f"{stem}_{place}{suffix}", float(value)) for place, value in enumerate(values))

    return read


def _parts(name: str, kind: type[BaseModel]) -> Reader:
    one = name.removesuffix("s")

    def read(values: tuple[BaseModel, ...]) -> Named:
        if len(values) > FEW:
            yield f"{name}_count", float(len(values))
            return
        for place, value in enumerate(values):
            yield from _part_reader(f"{one}{place}_", kind)(value)

    return read


def _part_reader(prefix: str, kind: type[BaseModel]) -> Reader:
    def read(value: BaseModel) -> Named:
        for attribute, read_one in _readers(kind, words=False):
            if (content := getattr(value, attribute)) is not None:
                yield from ((f"{prefix}{name}", found) for name, found in read_one(content))

    return read


def _each_key(name: str) -> Reader:
    return lambda values: (pair for key, value in values.items() for pair in _number(f"{name}_{key}", value))


def _number(name: str, value: float) -> Named:
    if isfinite(value):
        yield name, value


def _has_numbers(field: FieldInfo) -> bool:
    kind, _ = _unwrapped(field.annotation, [])
    return _is_number(kind)


def _is_number(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, int | float)


def _unwrapped(annotation: Any, facts: list[Any]) -> tuple[Any, list[Any]]:
    """Look through `| None` and Annotated; return the type and what is said of it."""
    if get_origin(annotation) is Annotated:
        kind, *more = get_args(annotation)
        return _unwrapped(kind, [*facts, *_flat(more)])
    if get_origin(annotation) in {Union, types.UnionType}:
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        if len(kinds) == 1:
            return _unwrapped(kinds[0], facts)
    return annotation, facts


def _flat(facts: list[Any]) -> list[Any]:
    """Field(...) inside Annotated carries its bounds in its own metadata."""
    return [inner for fact in facts for inner in (fact, *getattr(fact, "metadata", ()))]
