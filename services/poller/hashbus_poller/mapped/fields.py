"""The fields that a described device can fill, and how a raw value becomes the value of one; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from functools import cache
from types import MappingProxyType
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field

from hashbus.messages import BatteryReading, MeterReading, SensorReading
from hashbus.units import unit_of
from hashbus_poller.drivers.contract import DeviceKind, Garbled, Unreachable
from hashbus_poller.mapped.quantities import GIVEN, units_for
from hashbus_poller.readings import shown

Reading = BatteryReading | MeterReading | SensorReading
Scalar = float | bool | str
"""What a device says: a number, yes or no, a word."""

READINGS: Mapping[DeviceKind, type[Reading]] = MappingProxyType(
    {DeviceKind.BATTERY: BatteryReading, DeviceKind.METER: MeterReading, DeviceKind.SENSOR: SensorReading}
)

YES = frozenset({"true", "on", "yes", "1"})
NO = frozenset({"false", "off", "no", "0"})


class Shape(Enum):
    """What a field holds."""

    NUMBER = "a number"
    NUMBERS = "several numbers"
    FLAG = "yes or no"
    WORD = "a word"


class Value(BaseModel):
    """How one value of a device is to be understood: `raw * scale + offset`, in `unit`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unit: str | None = Field(None, description="As the device gives it: W, kW, kWh, °C, L/min, ...")
    scale: float = Field(1.0, description="Below zero where the device counts the other way round", allow_inf_nan=False)
    offset: float = Field(0.0, allow_inf_nan=False)
    at_least: float | None = Field(None, description="What is below counts as this: noise around zero; in `unit`")
    meanings: Mapping[str | int | bool, bool | str] = Field(
        {}, description="What a raw value says: {0: standby}, or of yes or no {open: false}"
    )


@cache
def shapes(kind: DeviceKind) -> Mapping[str, Shape]:
    """Return the fields that a device of a kind can fill."""
    found = {name: _shape(field.annotation) for name, field in READINGS[kind].model_fields.items()}
    return MappingProxyType({name: shape for name, shape in found.items() if shape is not None})


def _shape(annotation: Any) -> Shape | None:
    [inner] = (
        [one for one in get_args(annotation) if one is not type(None)] if _is_optional(annotation) else [annotation]
    )
    if get_origin(inner) is tuple:
        return Shape.NUMBERS if _plain(get_args(inner)[0]) is float else None
    plain = _plain(inner)
    return {float: Shape.NUMBER, int: Shape.NUMBER, bool: Shape.FLAG, str: Shape.WORD}.get(plain)


def _is_optional(annotation: Any) -> bool:
    return type(None) in get_args(annotation)


def _plain(annotation: Any) -> Any:
    return annotation.__origin__ if hasattr(annotation, "__metadata__") else annotation


def required(kind: DeviceKind) -> list[str]:
    """Return the fields without which there is no reading."""
    return [name for name, field in READINGS[kind].model_fields.items() if field.is_required()]


def check(kind: DeviceKind, fields: Mapping[str, Sequence[Value]]) -> None:
    """Check a description against the reading that it is for; ValueError says what is wrong with which field."""
    known = shapes(kind)
    for name, values in fields.items():
        if name not in known:
            raise ValueError(f"{name} is no field of a {kind}; there are {', '.join(known)}")
        for value in values:
            _check_unit(name, known[name], value)
        if not values or (len(values) > 1 and known[name] in (Shape.FLAG, Shape.WORD)):
            raise ValueError(f"{name} is {known[name].value} and takes exactly one value")
    missing = [name for name in required(kind) if name not in fields]
    if missing or not fields:
        raise ValueError(f"a {kind} needs {', '.join(missing) or 'at least one field'}")


def _check_unit(name: str, shape: Shape, value: Value) -> None:
    wanted = unit_of(name)
    if wanted is None or shape in (Shape.FLAG, Shape.WORD):
        if value.unit is not None:
            raise ValueError(f"{name} has no unit, so {value.unit!r} cannot be right")
        return
    allowed = units_for(wanted)
    if value.unit not in allowed:
        given = f"not {value.unit!r}" if value.unit else "which has to be said"
        raise ValueError(f"the unit of {name} is one of {', '.join(allowed)}, {given}")


def understood(name: str, shape: Shape, value: Value, raw: Scalar | None) -> Scalar | None:
    """Return what a raw value says in the unit of its field; None stays unknown, Garbled what makes no sense."""
    if raw is None:
        return None
    meaning = _meaning(value, raw) if value.meanings else None
    if shape is Shape.WORD:
        return str(meaning) if meaning is not None else f"{raw:g}" if isinstance(raw, float) else str(raw)
    if shape is Shape.FLAG:
        return _flag(name, raw) if meaning is None else bool(meaning)
    if isinstance(raw, bool | str):
        raise Garbled(f"{name} is {shown(raw)}, which is not a number")
    scaled = raw * value.scale + value.offset
    if value.at_least is not None:
        scaled = max(scaled, value.at_least)
    return GIVEN[value.unit].of(scaled) if value.unit else scaled


def _meaning(value: Value, raw: Scalar) -> bool | str | None:
    wanted = _spelled(raw)
    return next((meaning for key, meaning in value.meanings.items() if _spelled(key) == wanted), None)


def _spelled(raw: Scalar) -> str:
    """Write a value in the one way in which it is looked up: YAML reads `on` as true, a coil says 1, and 1.0 is 1."""
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    text = str(raw).strip().lower()
    return "1" if text in YES else "0" if text in NO else text


def _flag(name: str, raw: Scalar) -> bool:
    if isinstance(raw, int | float):
        return raw != 0
    word = raw.strip().lower()
    if word not in YES | NO:
        raise Garbled(f"{name} is {shown(raw)}, which is neither yes nor no; say so under `meanings`")
    return word in YES


def combined(shape: Shape, values: Iterable[Scalar | None]) -> Any:
    """Make one field of its values: numbers are added up, or stand beside each other where the field has several.

    What is made of something unknown is unknown.
    """
    known = list(values)
    if any(value is None for value in known):
        return () if shape is Shape.NUMBERS else None
    if shape is Shape.NUMBERS:
        return tuple(known)
    return sum(float(value) for value in known if value is not None) if len(known) > 1 else known[0]


def reading(kind: DeviceKind, fields: Mapping[str, Any]) -> Reading:
    """Make a reading of field values; ValidationError outside the bounds of a field.

    Unreachable when nothing is known that makes it a reading, or when a battery shows 0 % and 0 V: an empty one still
    has its voltage (PROTOCOLS.md section 10).
    """
    known = {name: value for name, value in fields.items() if value is not None}
    missing = [name for name in required(kind) if name not in known]
    if missing or not known:
        raise Unreachable(f"the device has no value of {', '.join(missing or fields)} now")
    if kind is DeviceKind.BATTERY and known["soc_pct"] == 0 and known.get("battery_v") == 0:
        raise Unreachable("the device has no figures of its battery: 0 % and 0 V is no reading")
    return READINGS[kind].model_validate(known)
