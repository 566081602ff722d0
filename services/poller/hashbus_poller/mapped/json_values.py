"""Values in JSON: where one stands in a document, and what it says; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from hashbus_poller.drivers.contract import Garbled
from hashbus_poller.mapped.fields import Scalar, Shape, Value, combined, shapes, understood
from hashbus_poller.readings import shown

STEP = re.compile(r"""\.?(?P<name>[^\s.\[\]"']+)|\[(?P<index>-?\d+)\]|\[(?P<quote>["'])(?P<key>.+?)(?P=quote)\]""")


@cache
def steps(path: str) -> tuple[str | int, ...]:
    """Return the steps of a path such as `meters[0].power` or `$["em:0"].act_power`; ValueError when it is none.

    `$` alone, or nothing, is the whole document: some devices send a bare number.
    """
    rest = path.removeprefix("$")
    found: list[str | int] = []
    place = 0
    while place < len(rest):
        match = STEP.match(rest, place)
        if match is None:
            raise ValueError(f"{path!r} is no path; write it like meters[0].power or $['em:0'].power")
        index = match["index"]
        found.append(int(index) if index is not None else match["name"] or match["key"])
        place = match.end()
    return tuple(found)


def _is_a_path(path: str) -> str:
    steps(path)
    return path


Path = Annotated[str, Field(max_length=200), AfterValidator(_is_a_path)]


class JsonValue(Value):
    """Where one value stands in a JSON document."""

    path: Path = Field("$", description="Like meters[0].power or $['em:0'].power; $ is the whole answer")
    is_optional: bool = Field(False, description="Not there is unknown, instead of a mistake")


def document(answer: bytes) -> Any:
    """Return what an answer says: JSON, or, where it is none, the text itself."""
    try:
        return json.loads(answer)
    except RecursionError:
        raise Garbled("the answer is nested too deeply", answer) from None
    except ValueError:
        pass
    try:
        return answer.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise Garbled(f"the answer is neither JSON nor text: {shown(answer)}", answer) from None


def raw(said: Any, value: JsonValue, shape: Shape) -> Scalar | None:
    """Return the value at a path as it stands there; None for null, Garbled when it is not there or no single value."""
    here = said
    for step in steps(value.path):
        below = _below(here, step)
        if below is _NOTHING:
            if value.is_optional:
                return None
            raise Garbled(f"{value.path} is not there: {shown(here)} has no {step!r}")
        here = below
    if here is not None and not isinstance(here, bool | int | float | str):
        raise Garbled(f"{value.path} is {shown(here)}, which is no single value")
    return _number(here) if shape in (Shape.NUMBER, Shape.NUMBERS) else here


def field(name: str, shape: Shape, values: Sequence[tuple[JsonValue, Any]]) -> Any:
    """Return a field of a reading made of values, each with the document in which it stands."""
    return combined(shape, [understood(name, shape, value, raw(said, value, shape)) for value, said in values])


def fields(kind: Any, values: Mapping[str, Sequence[JsonValue]], said: Any) -> dict[str, Any]:
    """Return all fields of a reading out of one document."""
    known = shapes(kind)
    return {name: field(name, known[name], [(one, said) for one in ones]) for name, ones in values.items()}


_NOTHING = object()


def _below(here: Any, step: str | int) -> Any:
    if isinstance(step, int):
        return here[step] if isinstance(here, list) and -len(here) <= step < len(here) else _NOTHING
    return here.get(step, _NOTHING) if isinstance(here, dict) else _NOTHING


def _number(value: Any) -> Any:
    """Read a number that is written as text; an empty text is no value."""
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    try:
        return float(value)
    except ValueError:
        return value
