"""What a message tells, one thing at a time: where it stands in the JSON, what it is called, what it measures.

Everything comes from the types of the message's fields; no field has code of its own. A list of numbers is shown one by
one when it is short (fans, phases), hashboards and pools too; of a list of texts its length is shown.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from hashbus.messages import Message, Part
from hashbus.units import COUNT, Flag, Unit

FEW = 8
"""A list up to this long is shown one by one; the hundreds of chips of a miner are not."""

COUNT_KEY = "count"

_WORD_LENGTH, _TEXT_LENGTH = 200, 1000


class Shape(StrEnum):
    """What kind of value a fact is."""

    NUMBER = "number"
    FLAG = "flag"
    CHOICE = "choice"
    MOMENT = "moment"
    WORD = "word"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Nature:
    """What the type of a field says of its values."""

    shape: Shape
    unit: Unit | None = None
    flag: Flag | None = None
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a message tells. `value` is the Jinja expression that finds it in the payload."""

    key: str
    place: tuple[int, ...]
    words: tuple[str, ...]
    value: str
    nature: Nature
    is_of_part: bool = False


def keys_of(message: Message) -> frozenset[str]:
    """Return the keys of what a message tells now; what is null is not among them."""
    return frozenset(_present(message))


def _present(message: Message) -> Iterator[str]:
    for name, plan in _plans(type(message)):
        content = getattr(message, name)
        if content is None:
            continue
        if plan.part is not None:
            yield from _present_in_parts(name, content, plan.part)
        elif not plan.is_list:
            yield name
        elif len(content) <= FEW:
            yield from (f"{name}.{number}" for number in range(len(content)))


def _present_in_parts(name: str, parts: tuple[Part, ...], kind: type[Part]) -> Iterator[str]:
    inner = _plans(kind)
    if not any(plan.nature and plan.nature.shape is Shape.NUMBER for _, plan in inner):
        yield f"{name}.{COUNT_KEY}"
    elif len(parts) <= FEW:
        for number, part in enumerate(parts):
            for field, plan in inner:
                if plan.nature and not plan.is_list and getattr(part, field) is not None:
                    yield f"{name}.{number}.{field}"


@cache
def fact(kind: type[Message], key: str) -> Fact:
    """Return what a key of a message's type means; KeyError when it has none such."""
    name, *rest = key.split(".")
    plans = dict(_plans(kind))
    plan, place = plans[name], list(plans).index(name)
    if not rest:
        return Fact(key, (place,), _words(name, plan), f"value_json.{name}", _known(plan))
    if rest == [COUNT_KEY]:
        value = f"(value_json.{name} | default([], true) | length)"
        return Fact(key, (place,), tuple(name.split("_")), value, Nature(Shape.NUMBER, unit=COUNT))
    number = int(rest[0])
    if plan.part is None:
        words = (*_singular(_words(name, plan)), str(number + 1))
        return Fact(key, (place, number), words, f"value_json.{name}[{number}]", _known(plan), is_of_part=True)
    field = rest[1]
    inner = dict(_plans(plan.part))
    one, own = _singular(tuple(name.split("_"))), _words(field, inner[field])
    words = (*one, str(number + 1), *(own[1:] if own[:1] == one else own))
    value = f"(value_json.{name}[{number}] | default({{}})).{field}"
    return Fact(key, (place, number, list(inner).index(field)), words, value, _known(inner[field]), is_of_part=True)


@dataclass(frozen=True, slots=True)
class _Plan:
    """How one field is shown: its values, or those of a list, or the parts in it."""

    nature: Nature | None
    is_list: bool = False
    part: type[Part] | None = None


def _known(plan: _Plan) -> Nature:
    if plan.nature is None:
        raise KeyError("a field that is not shown")
    return plan.nature


@cache
def _plans(kind: type[Part]) -> tuple[tuple[str, _Plan], ...]:
    """Return how every field of a message or a part is shown; those that are not are left out."""
    found = []
    for name, field in kind.model_fields.items():
        plan = _plan(field.annotation, tuple(field.metadata))
        if plan is not None:
            found.append((name, plan))
    return tuple(found)


def _plan(annotation: Any, metadata: tuple[Any, ...]) -> _Plan | None:
    kind, facts = unwrapped(annotation, metadata)
    if get_origin(kind) is tuple:
        inner, inner_facts = unwrapped(get_args(kind)[0], ())
        if isinstance(inner, type) and issubclass(inner, Part):
            return _Plan(None, is_list=True, part=inner)
        nature = _nature(inner, inner_facts)
        return _Plan(nature, is_list=True) if nature and nature.shape is Shape.NUMBER else None
    nature = _nature(kind, facts)
    return _Plan(nature) if nature else None


def _nature(kind: Any, facts: tuple[Any, ...]) -> Nature | None:
    if not isinstance(kind, type):
        return None
    if issubclass(kind, bool):
        return Nature(Shape.FLAG, flag=next((one for one in facts if isinstance(one, Flag)), None))
    if issubclass(kind, int | float):
        unit = next((one for one in facts if isinstance(one, Unit)), None)
        return Nature(Shape.NUMBER, unit=unit) if unit else None
    if issubclass(kind, Enum):
        return Nature(Shape.CHOICE, options=tuple(str(member.value) for member in kind))
    if issubclass(kind, datetime) or kind.__name__ == "AwareDatetime":
        return Nature(Shape.MOMENT)
    return _nature_of_text(facts) if issubclass(kind, str) else None


def _nature_of_text(facts: tuple[Any, ...]) -> Nature | None:
    """Tell words and texts by their bounds; an id has a pattern instead, and is nothing to show."""
    bound = next((one.max_length for one in facts if hasattr(one, "max_length")), None)
    return {_WORD_LENGTH: Nature(Shape.WORD), _TEXT_LENGTH: Nature(Shape.TEXT)}.get(bound or 0)


def unwrapped(annotation: Any, facts: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """Look through `| None` and Annotated; return the type and what is said of it."""
    if get_origin(annotation) is Annotated:
        kind, *more = get_args(annotation)
        said = tuple(inner for one in more for inner in (*getattr(one, "metadata", ()), one))
        return unwrapped(kind, (*facts, *said))
    if get_origin(annotation) in (Union, types.UnionType):
        kinds = [one for one in get_args(annotation) if one is not type(None)]
        return unwrapped(kinds[0], facts) if len(kinds) == 1 else (annotation, facts)
    return annotation, facts


def _words(name: str, plan: _Plan) -> tuple[str, ...]:
    """Return the words of a field's name without its unit."""
    unit = plan.nature.unit if plan.nature else None
    return tuple(name.removesuffix(unit.suffix).split("_")) if unit else tuple(name.split("_"))


def _singular(words: tuple[str, ...]) -> tuple[str, ...]:
    return (*words[:-1], words[-1].removesuffix("s"))
