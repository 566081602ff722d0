"""Finds a value in a JSON document by a path such as `dispatch.sites[0].kw`; pure."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from typing import Any

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_PATH = re.compile(r"(?:[^.\[\]]+|\[\d+\])(?:\.[^.\[\]]+|\[\d+\])*")

MILLISECONDS_FROM = 1e11
"""A Unix time above that is in milliseconds: in seconds it would be the year 5138."""

WORDS = {"on": 1.0, "true": 1.0, "yes": 1.0, "off": 0.0, "false": 0.0, "no": 0.0}


class NotThere(ValueError):
    """The document has no such value; says the path, what is there and what would be right."""


def is_path(text: str) -> bool:
    """Say whether that is a path; an empty one is the whole document."""
    return not text or _PATH.fullmatch(text) is not None


def document(payload: bytes) -> Any:
    """Return what a payload says: JSON, or else its text. NotThere when it is neither."""
    try:
        text = payload.decode().strip()
    except UnicodeDecodeError:
        raise NotThere(f"the payload is no text: {payload[:40]!r}") from None
    try:
        return json.loads(text)
    except ValueError:
        return text


def found(whole: Any, path: str) -> Any:
    """Return the value at a path."""
    value = whole
    for name, index in _STEP.findall(path):
        try:
            value = value[name] if name else value[int(index)]
        except (KeyError, IndexError, TypeError):
            raise NotThere(f"there is no {path} in {_shown(whole)}") from None
    return value


def number(whole: Any, path: str) -> float:
    """Return the value as a number; words such as `on` are 1 and 0."""
    value = found(whole, path)
    if isinstance(value, str):
        value = WORDS.get(value.strip().lower(), value)
    try:
        result = float(value)
    except (TypeError, ValueError):
        raise NotThere(f"{path or 'the payload'} is {_shown(value)}, which is no number") from None
    if not math.isfinite(result):
        raise NotThere(f"{path or 'the payload'} is {_shown(value)}, which is no number")
    return result


def moment(whole: Any, path: str) -> datetime:
    """Return the value as a moment: ISO 8601 with an offset, or Unix time in seconds or milliseconds."""
    value = found(whole, path)
    try:
        if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
            read = datetime.fromisoformat(value)
            if read.tzinfo is None:
                raise NotThere(f"{path} is {_shown(value)}, a time without an offset: it could be any of 24 hours")
            return read.astimezone(UTC)
        seconds = float(value)
        return datetime.fromtimestamp(seconds / 1000 if seconds > MILLISECONDS_FROM else seconds, UTC)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        if isinstance(error, NotThere):
            raise
        raise NotThere(f"{path} is {_shown(value)}, which is no time") from None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."
