"""One full message of each type, for golden payloads and for tests of everything that follows from the table."""

from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, get_args, get_origin

from pydantic import AwareDatetime

from hashbus.messages import Message, Part

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

CHOSEN: dict[str, Any] = {
    "ends_at": AT + timedelta(hours=4),
    "level_pct": None,
    "limit_w": None,
    "mac": "c2:05:11:00:ab:cd",
    "floor_w": 10.0,
    "is_cancelled": False,
    "local_time": "06:30",
    "slope": 1.2,
    "shift_k": 2.0,
    "exponent": 1.3,
    "room_influence": 3.0,
}
"""Fields whose value cannot be any: those that a rule ties to another field."""


def sample(kind: type[Part]) -> Any:
    """Return a message with every field set, the same each time."""
    return kind(**{name: _value(name, field.annotation) for name, field in kind.model_fields.items()})


def _value(name: str, annotation: Any) -> Any:
    if name in CHOSEN:
        return CHOSEN[name]
    if hasattr(annotation, "__metadata__"):
        return _value(name, annotation.__origin__)
    arguments = [one for one in get_args(annotation) if one not in (type(None), Ellipsis)]
    if get_origin(annotation) is tuple:
        return (_value(name, arguments[0]),)
    if get_origin(annotation) is dict:
        return {"attic": _value(name, arguments[-1])}
    if arguments:
        return _value(name, arguments[0])
    return _plain(name, annotation)


def _plain(name: str, kind: type) -> Any:
    if kind is AwareDatetime:
        return AT
    if issubclass(kind, Part):
        return sample(kind)
    if issubclass(kind, Enum):
        return next(iter(kind))
    if kind is bool:
        return True
    if kind in (int, float):
        return kind(42)
    return "poller" if name == "service" else f"a-{name.replace('_', '-')}"[:64]


def filled(kind: type[Message]) -> Message:
    """Return a full message of the vocabulary."""
    message: Message = sample(kind)
    return message
