"""A chart as the page draws it: seconds on the x axis, columns of numbers, gaps as null. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field

Column = list[float | str | None]


class ChartField(BaseModel):
    """One line of a chart. `min` and `max` are those within each step; of words there is only `last`."""

    unit: str = ""
    mean: Column | None = None
    min: Column | None = None
    max: Column | None = None
    last: Column | None = None
    sum: Column | None = None
    devices: Column | None = Field(None, description="Of a sum: of how many devices it is made")


class Chart(BaseModel):
    """Points of one device, or of the site, at equal steps."""

    measurement: str
    device: str | None = None
    start: int = Field(description="Seconds since 1970")
    stop: int
    step_s: int = Field(description="0: the points as they were written")
    at: list[int]
    fields: dict[str, ChartField]
    devices_known: int | None = None
    age_s: float = Field(0, description="Since it was read from the record")
    is_stale: bool = Field(False, description="The recorder is away: this is what was read before")
    why: str | None = None


def chart_of(body: bytes) -> Chart:
    """Read an answer of the recorder; ValueError, KeyError or ValidationError when it is none."""
    said = json.loads(body)
    fields = {name: _field(one) for name, one in said["fields"].items()}
    return Chart.model_construct(
        measurement=said["measurement"],
        device=said.get("device"),
        start=_seconds(said["start"]),
        stop=_seconds(said["stop"]),
        step_s=int(said["step_s"]),
        at=[_seconds(one) for one in said["at"]],
        fields=fields,
        devices_known=said.get("devices_known"),
    )


def _field(said: dict[str, Any]) -> ChartField:
    columns = {name: said.get(name) for name in ("mean", "min", "max", "sum", "devices")}
    last = said.get("values", said.get("last"))
    is_words = columns["mean"] is None or all(one is None for one in columns["mean"])
    keeps_last = "values" in said or (is_words and columns["sum"] is None)
    # These are the recorder's own columns of numbers; checking each once more would cost more than reading them.
    return ChartField.model_construct(unit=said.get("unit", ""), **columns, last=last if keeps_last else None)


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp())


def first_known(chart: Chart) -> str | None:
    """Return when the record begins, as ISO 8601; None when there is nothing."""
    for place, moment in enumerate(chart.at):
        for field in chart.fields.values():
            for column in (field.mean, field.last, field.sum):
                if column is not None and column[place] is not None:
                    return datetime.fromtimestamp(moment, UTC).isoformat()
    return None
