"""Reads what our own bridge writes at half the cost: a decoder made from `MinerRecord`, which stays the one judge.

It takes a batch only when every record is written in our own names and within all bounds. Anything else, a mistake or
another client's way of writing, raises, and pydantic reads the batch anew.
"""

from __future__ import annotations

import types
import typing
from typing import Annotated, Any, Union

import annotated_types
import msgspec
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typing_extensions import TypedDict, is_typeddict

_BOUNDS = {
    annotated_types.Ge: "ge",
    annotated_types.Le: "le",
    annotated_types.MinLen: "min_length",
    annotated_types.MaxLen: "max_length",
}


def decoder_of(model: type[BaseModel]) -> msgspec.json.Decoder[list[Any]]:
    """Return a decoder of arrays of records with the fields and bounds of `model`; unknown fields raise."""
    hints = typing.get_type_hints(model, include_extras=True)
    fields = [
        (name, _plain(hints[name])) if info.is_required() else (name, _plain(hints[name]), info.default)
        for name, info in model.model_fields.items()
    ]
    record = msgspec.defstruct(f"Plain{model.__name__}", fields, forbid_unknown_fields=True)
    return msgspec.json.Decoder(list[record])  # type: ignore[valid-type]


def _plain(hint: Any) -> Any:
    """Return a type with its bounds as msgspec knows them."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        bounds = _bounds(parts[1:])
        return Annotated[_plain(parts[0]), msgspec.Meta(**bounds)] if bounds else _plain(parts[0])
    if origin in (Union, types.UnionType):
        return Union[tuple(_plain(part) for part in parts)]  # noqa: UP007 (made at run time)
    if origin is list:
        return list[_plain(parts[0])]  # type: ignore[misc]
    if is_typeddict(hint):
        inner = typing.get_type_hints(hint, include_extras=True)
        required = {name: _plain(_unwrapped(inner[name])) for name in hint.__required_keys__}
        optional = {name: typing.NotRequired[_plain(_unwrapped(inner[name]))] for name in hint.__optional_keys__}
        return TypedDict(f"Plain{hint.__name__}", {**required, **optional})  # type: ignore[operator]
    return hint


def _unwrapped(hint: Any) -> Any:
    return typing.get_args(hint)[0] if typing.get_origin(hint) in (typing.NotRequired, typing.Required) else hint


def _bounds(metadata: tuple[Any, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in metadata:
        for bound in one.metadata if isinstance(one, FieldInfo) else ():
            name = _BOUNDS.get(type(bound))
            if name:
                found[name] = getattr(bound, name)
            elif getattr(bound, "pattern", None):
                found["pattern"] = bound.pattern
    return found
