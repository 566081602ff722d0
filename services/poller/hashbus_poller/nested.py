"""Answers that are objects within objects, as REST interfaces of miners give them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hashbus_poller.drivers.contract import Garbled
from hashbus_poller.readings import shown

NOTHING: Mapping[str, Any] = {}


def inner(data: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """Return the object at the end of a path; an empty one where a part of the way is absent or null.

    Garbled where something else stands there.
    """
    for step in path:
        found = data.get(step)
        if found is None:
            return NOTHING
        if not isinstance(found, dict):
            raise Garbled(f"{step} is {shown(found)}, which is not an object")
        data = found
    return data


def objects(data: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """Return the list of objects at `key`; none where it is absent or null, Garbled where something else stands."""
    return objects_in(data.get(key), key)


def objects_in(found: Any, name: str) -> list[dict[str, Any]]:
    """Return what is a list of objects; `name` is for the complaint."""
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Garbled(f"{name} is {shown(found)}, which is not a list of objects")
    return found


def json_objects(answer: bytes) -> list[dict[str, Any]]:
    """Return the list of objects that an answer is; Garbled, with nothing of it shown, when it is anything else."""
    try:
        value = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise Garbled(f"the answer is not JSON: {type(error).__name__}", answer) from None
    return objects_in(value, "the answer")
