"""What a dashboard is made of: series of message fields, and panels of series.

A series names a message class and its field; measurement, unit and decimals follow from the class, so a panel cannot
ask for what nobody records in a unit that it does not have.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from hashbus.messages import Message
from hashbus.units import Unit, unit_of
from hashbus_recorder.points import measurement_of

INFLUX = {"type": "influxdb", "uid": "hashbus"}
PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}


class Over(StrEnum):
    """What a line stands for: each device, the sum over all of them, or the one thing there is of its kind."""

    EACH = "each"
    ALL = "all"
    SITE = "site"


@dataclass(frozen=True)
class Series:
    """One field of a message over time. `per_hour`: how fast a counter rises; `factor` turns it round."""

    kind: type[Message]
    field: str
    label: str = ""
    over: Over = Over.EACH
    how: str = "mean"
    per_hour: bool = False
    factor: float = 1

    @property
    def unit(self) -> Unit | None:
        """Return the unit of the field; None of a word, a yes or no, and a plain count."""
        return unit_of(self.field)

    @property
    def title(self) -> str:
        """Return what the legend says."""
        words = self.field.removesuffix(self.unit.suffix if self.unit else "").replace("_", " ")
        return self.label or words.capitalize()

    @property
    def level(self) -> str:
        """Return the dashboard's variable that chooses the devices: the first level of the topic."""
        return self.kind.topic.template.split("/", maxsplit=1)[0]

    def query(self) -> str:
        """Return the InfluxQL that Grafana sends, with its own variables in it."""
        value = f'{self.how}("{self.field}")'
        if self.per_hour:
            value = f"non_negative_derivative({value}, 1h)"
        times = "" if self.factor == 1 else f" * {self.factor:g}"
        measurement, when = f'"{measurement_of(self.kind)}"', "$timeFilter"
        here = '"site" =~ /^$site$/'
        bucket = "time($__interval)"
        if self.over is Over.ALL:
            each = f'SELECT {value} AS "v" FROM {measurement} WHERE {here} AND {when} GROUP BY {bucket}, "device"'
            return f'SELECT sum("v"){times} FROM ({each} fill(none)) WHERE {when} GROUP BY {bucket} fill(null)'
        if self.over is Over.EACH:
            chosen = f'{here} AND "device" =~ /^${self.level}$/ AND {when}'
            return f'SELECT {value}{times} FROM {measurement} WHERE {chosen} GROUP BY {bucket}, "device" fill(null)'
        return f"SELECT {value}{times} FROM {measurement} WHERE {here} AND {when} GROUP BY {bucket} fill(null)"

    def target(self, place: int, *, is_table: bool = False) -> dict[str, Any]:
        """Return the query as a panel holds it."""
        alias = f"$tag_device {self.label}".strip() if self.over is Over.EACH else self.title
        return {
            "refId": chr(ord("A") + place),
            "datasource": INFLUX,
            "rawQuery": True,
            "query": self.query(),
            "resultFormat": "table" if is_table else "time_series",
            "alias": alias,
        }


@dataclass(frozen=True)
class Count:
    """One figure that the services count of themselves, as Prometheus keeps it."""

    expression: str
    label: str
    unit: str = "none"

    def target(self, place: int) -> dict[str, Any]:
        """Return the query as a panel holds it."""
        return {
            "refId": chr(ord("A") + place),
            "datasource": PROMETHEUS,
            "expr": self.expression,
            "legendFormat": self.label,
            "range": True,
        }


@dataclass(frozen=True)
class Columns:
    """The newest value of several fields of a message, one row a device."""

    kind: type[Message]
    fields: tuple[str, ...]

    def query(self) -> str:
        """Return the InfluxQL that Grafana sends."""
        one = [Series(self.kind, name) for name in self.fields]
        values = ", ".join(f'last("{series.field}") AS "{series.title}"' for series in one)
        here = f'"site" =~ /^$site$/ AND "device" =~ /^${one[0].level}$/ AND $timeFilter'
        return f'SELECT {values} FROM "{measurement_of(self.kind)}" WHERE {here} GROUP BY "device"'

    def target(self, place: int) -> dict[str, Any]:
        """Return the query as a panel holds it."""
        query = {"rawQuery": True, "query": self.query(), "resultFormat": "table"}
        return {"refId": chr(ord("A") + place), "datasource": INFLUX, **query}


Shown = Series | Count | Columns


@dataclass(frozen=True)
class Panel:
    """One picture. Its unit is that of its first series; `right` are series with an axis of their own on the right."""

    title: str
    shows: tuple[Shown, ...]
    form: str = "timeseries"
    width: int = 12
    height: int = 8
    text: str = ""
    is_stacked: bool = False
    right: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Dashboard:
    """One page. `choices`: by the name of a variable the message whose devices it lists."""

    uid: str
    title: str
    text: str
    panels: tuple[Panel, ...]
    choices: tuple[type[Message], ...] = ()
