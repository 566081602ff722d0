"""Points as InfluxDB's line protocol, the form that InfluxDB 1 to 3 and VictoriaMetrics take.

Source: InfluxData, "Line protocol" (syntax, escapes). Numbers are always floats there: a field that was once whole and
later is not would otherwise be refused for ever as a conflict of types.

A recorder spends most of its time here. Python takes 0.2 us to write a double and pydantic's JSON writer a third of
that, so the values of all points with the same fields are written as one JSON list; whatever a line writes otherwise
than JSON does goes the slow way, point by point.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from math import isfinite
from typing import TYPE_CHECKING

from pydantic_core import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hashbus_recorder.repository import FieldValue, Point

_IN_NAME = str.maketrans({",": r"\,", " ": r"\ ", "=": r"\=", "\n": " ", "\r": " "})
_IN_WORD = str.maketrans({"\\": r"\\", '"': r"\"", "\n": " ", "\r": " "})

# Something escaped, a not-a-number or an infinity, a yes or a no.
_NOT_AS_IN_A_LINE = ("\\", "N", "I", "true", "false")


def lines(points: Sequence[Point], *, for_metrics: bool = False) -> list[str]:
    """Write points, times in milliseconds. ValueError when a point has no field or a number is not finite.

    For a server that makes a metric of each field (`for_metrics`), words are left out and the measurement is a tag too:
    the name of a metric does not say where it ends and the field begins. A point of words alone is an empty line then.
    """
    alike: dict[tuple[str, ...], list[int]] = {}
    for place, point in enumerate(points):
        alike.setdefault(tuple(point.fields), []).append(place)
    texts = [""] * len(points)
    for names, places in alike.items():
        some = points if len(places) == len(points) else [points[place] for place in places]
        for place, text in zip(places, _lines_alike(some, names, for_metrics), strict=True):
            texts[place] = text
    return texts


def _lines_alike(points: Sequence[Point], names: tuple[str, ...], for_metrics: bool) -> list[str]:
    """Write points that have the same fields."""
    values = to_json(list(chain.from_iterable([point.fields.values() for point in points])), inf_nan_mode="constants")
    text = values.decode()[1:-1]
    cells = text.split(",")
    is_odd = any(mark in text for mark in _NOT_AS_IN_A_LINE)
    if is_odd or len(cells) != len(points) * len(names) or not _are_plain(names):
        return [_line(point, for_metrics) for point in points]
    columns = {name: cells[place :: len(names)] for place, name in enumerate(names)}
    if for_metrics and '"' in text:
        if any(len({cell[0] == '"' for cell in column}) > 1 for column in columns.values()):
            return [_line(point, for_metrics) for point in points]
        columns = {name: column for name, column in columns.items() if column[0][0] != '"'}
    if not columns:
        return [""] * len(points)
    form = f"%s {','.join(f'{name}=%s' for name in columns)} %s"
    heads = [_head(for_metrics, point.measurement, point.device, *point.tags.items()) for point in points]
    times = [point.at_ms for point in points]
    return list(map(form.__mod__, zip(heads, *columns.values(), times, strict=True)))


def _line(point: Point, for_metrics: bool) -> str:
    if not point.fields:
        raise ValueError("it has no field")
    fields = _without_words(point.fields) if for_metrics else point.fields
    if not fields:
        return ""
    head = _head(for_metrics, point.measurement, point.device, *point.tags.items())
    return f"{head} {','.join(f'{_escaped(name)}={_value(value)}' for name, value in fields.items())} {point.at_ms}"


@lru_cache(maxsize=65_536)
def _head(for_metrics: bool, measurement: str, device: str, *tags: tuple[str, str]) -> str:
    """Write a measurement and its tags, these in the order of their names, as InfluxDB sorts them."""
    label = {"measurement": measurement} if for_metrics else {}
    pairs = sorted({**dict(tags), "device": device, **label}.items())
    return ",".join([_escaped(measurement), *(f"{_escaped(name)}={_escaped(value)}" for name, value in pairs if value)])


def _without_words(fields: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
    return {name: value for name, value in fields.items() if not isinstance(value, str)}


def _value(value: FieldValue) -> str:
    if isinstance(value, str):
        return f'"{value.translate(_IN_WORD)}"'
    number = float(value)
    if not isfinite(number):
        raise ValueError(f"{number} is no finite number")
    return repr(number)


@lru_cache(maxsize=4_096)
def _are_plain(names: tuple[str, ...]) -> bool:
    return bool(names) and all(name.isidentifier() for name in names)


@lru_cache(maxsize=4_096)
def _escaped(name: str) -> str:
    # A backslash before a comma would escape the escape. Ids have none; a path that has one means the same with `/`.
    return name.replace("\\", "/").translate(_IN_NAME)
