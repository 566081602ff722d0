"""From what a Zigbee device says to a reading. Pure: each value is taken or refused by itself."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from hashbus.messages import SensorReading, describe
from hashbus_smarthome.zigbee.exposes import Value

MILLISECONDS_FROM = 1e11
"""A Unix time above that is in milliseconds: in seconds it would be the year 5138."""

DECIMALS = 6


@dataclass(frozen=True)
class Heard:
    """What one payload of a device came to: its values, what was refused and why, and when the device was last seen."""

    values: Mapping[str, float | bool]
    problems: tuple[str, ...] = ()
    seen_at: datetime | None = None


def document(payload: bytes) -> Any:
    """Return the JSON in a payload; None when there is none, or it is nested absurdly deep."""
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return None


def heard(payload: bytes, values: tuple[Value, ...]) -> Heard:
    """Read what a device says. What it is silent about, or says null, is left out."""
    said = document(payload)
    if not isinstance(said, dict):
        return Heard({}, ("the payload is no JSON object: Zigbee2MQTT's `output` must be json",))
    found: dict[str, float | bool] = {}
    problems = []
    for value in values:
        given = said.get(value.name)
        if given is None:
            continue
        try:
            found[value.field] = _checked(value.field, _flag(value, given) if value.is_flag else _number(value, given))
        except ValueError as error:
            problems.append(f"{value.name}: {error}")
    return Heard(found, tuple(problems), moment(said.get("last_seen")))


def _number(value: Value, given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise ValueError(f"{str(given)[:40]!r} is no number")
    try:
        number = float(given) * value.factor + value.shift
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{str(given)[:40]} is beyond any bounds")
    return round(number, DECIMALS)


def _flag(value: Value, given: Any) -> bool:
    # A contact's `true` is closed, there as here, although its `value_on` is false.
    if isinstance(given, bool):
        return given
    if isinstance(given, str) and given in (value.on, value.off):
        return given == value.on
    raise ValueError(f"{str(given)[:40]!r} is neither {value.on or 'true'} nor {value.off or 'false'}")


def _checked(field: str, content: float | bool) -> float | bool:
    """Hold a value to the bounds of its field."""
    try:
        SensorReading.model_validate({field: content})
    except ValidationError as error:
        raise ValueError(describe(error)) from None
    return content


def moment(given: Any) -> datetime | None:
    """Read `last_seen` in any of its forms: ISO 8601 with an offset, or Unix time in ms; None when there is none."""
    try:
        if isinstance(given, int | float) and not isinstance(given, bool):
            return datetime.fromtimestamp(given / 1000 if given > MILLISECONDS_FROM else given, UTC)
        at = datetime.fromisoformat(given) if isinstance(given, str) else None
    except (ValueError, OverflowError, OSError):
        return None
    return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
