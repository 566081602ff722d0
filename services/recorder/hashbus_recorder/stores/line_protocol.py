"""Points as InfluxDB's line protocol, the form that InfluxDB 1 to 3 and VictoriaMetrics take.

Source: InfluxData, "Line protocol" (syntax, escapes). Numbers are always written as floats: a field that was once whole
and later is not would otherwise be refused for ever as a conflict of types.
"""

from __future__ import annotations

from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashbus_recorder.repository import Point

_IN_NAME = str.maketrans({",": r"\,", " ": r"\ ", "=": r"\=", "\n": " ", "\r": " "})
_IN_WORD = str.maketrans({"\\": r"\\", '"': r"\"", "\n": " ", "\r": " "})


def line(point: Point) -> str:
    """Write one point, its time in milliseconds. ValueError when it has no field or a number is not finite."""
    fields = []
    for name, value in point.fields.items():
        if isinstance(value, str):
            fields.append(f'{_escaped(name)}="{value.translate(_IN_WORD)}"')
            continue
        number = float(value)
        if not isfinite(number):
            raise ValueError(f"{name} is {number}: only finite numbers can be kept")
        fields.append(f"{_escaped(name)}={number!r}")
    if not fields:
        raise ValueError("it has no field")
    return f"{_head(point.measurement, point.device, *point.tags.items())} {','.join(fields)} {point.at_ms}"


@lru_cache(maxsize=65_536)
def _head(measurement: str, device: str, *tags: tuple[str, str]) -> str:
    """Write what all points of a device begin with; tags in the order of their names, as InfluxDB sorts them."""
    pairs = sorted({**dict(tags), "device": device}.items())
    return ",".join([_escaped(measurement), *(f"{_escaped(name)}={_escaped(value)}" for name, value in pairs if value)])


@lru_cache(maxsize=4_096)
def _escaped(name: str) -> str:
    # A backslash before a comma would escape the escape. Ids have none; a path that has one means the same with `/`.
    return name.replace("\\", "/").translate(_IN_NAME)
