"""Peaks of the grid's demand that somebody forecasts, such as the four coincident peaks of ERCOT; pure.

A file tells hours and how probable it is that each is the peak: CSV with a head, or JSON, a list of objects with the
same names: `starts_at`, `ends_at` (ISO 8601 with an offset) and `probability_pct`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hashbus.messages import Moment
from hashbus.messages.base import describe
from hashbus.units import Percent, Seconds
from hashbus_curtailer.triggers.ask import AHEAD, Ask, HowMuch

SOURCE = "peaks"
MOST_PEAKS = 10_000


class BadForecast(ValueError):
    """A file that is no forecast; says the line, the field, the value and what would be right."""


class PeaksSettings(HowMuch):
    """Where the forecast is, and how probable a peak must be."""

    file: Path = Field(
        description="CSV or JSON with starts_at, ends_at and probability_pct; read again when it changes"
    )
    min_probability_pct: Percent = Field(50, description="From here on power is given up")
    max_age_h: Annotated[float, Field(gt=0, le=8760)] = Field(36, description="A file that is older says nothing")
    lead_s: Seconds = Field(0, description="Begin so long before")
    tail_s: Seconds = Field(0, description="End so long after")


class Peak(BaseModel):
    """One stretch of time, and how probable it is that the peak falls into it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    starts_at: Moment
    ends_at: Moment
    probability_pct: Percent

    @model_validator(mode="after")
    def _is_in_order(self) -> Peak:
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        return self


@dataclass(frozen=True)
class Forecast:
    """The peaks of a file, and when it was written."""

    peaks: tuple[Peak, ...]
    written_at: datetime


def parsed(text: str, suffix: str) -> tuple[Peak, ...]:
    """Return the peaks in a file, in order of time; BadForecast when one cannot be read."""
    rows = _of_json(text) if suffix.lower() == ".json" else _of_csv(text)
    peaks = []
    for where, row in rows:
        try:
            peaks.append(Peak.model_validate(row))
        except ValidationError as error:
            raise BadForecast(f"{where}: {describe(error)}") from None
        if len(peaks) > MOST_PEAKS:
            raise BadForecast(f"there are more than {MOST_PEAKS} peaks")
    return tuple(sorted(peaks, key=lambda peak: peak.starts_at))


def _of_csv(text: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")), skipinitialspace=True)
    missing = {"starts_at", "ends_at", "probability_pct"} - {*(reader.fieldnames or ())}
    if missing:
        raise BadForecast(
            f"line 1: no column {', '.join(sorted(missing))}; the head is starts_at,ends_at,probability_pct"
        )
    return ((f"line {reader.line_num}", row) for row in reader)


def _of_json(text: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    try:
        rows = json.loads(text)
    except ValueError as error:
        raise BadForecast(f"is not JSON: {error}") from None
    if not isinstance(rows, list):
        raise BadForecast(f"is {type(rows).__name__}, not a list of objects")
    return ((f"entry {number}", row) for number, row in enumerate(rows, start=1))


def asked(forecast: Forecast | None, settings: PeaksSettings, now: datetime) -> Ask | None:
    """Return the probable peak we are in, or the next of the coming day; probable ones that touch are one."""
    if forecast is None or now - forecast.written_at > timedelta(hours=settings.max_age_h):
        return None
    for starts_at, ends_at, probability_pct in _stretches(forecast.peaks, settings):
        if now < ends_at and starts_at - now <= AHEAD:
            why = f"a peak of the grid is forecast, {probability_pct:g} % probable"
            return Ask(f"peak-{starts_at:%Y%m%dT%H%M}", starts_at, ends_at, settings, why)
    return None


def _stretches(peaks: Iterable[Peak], settings: PeaksSettings) -> list[tuple[datetime, datetime, float]]:
    lead, tail = timedelta(seconds=settings.lead_s), timedelta(seconds=settings.tail_s)
    found: list[tuple[datetime, datetime, float]] = []
    for peak in peaks:
        if peak.probability_pct < settings.min_probability_pct:
            continue
        starts_at, ends_at, probability_pct = peak.starts_at - lead, peak.ends_at + tail, peak.probability_pct
        if found and starts_at <= found[-1][1]:
            starts_at, last, before_pct = found.pop()
            ends_at, probability_pct = max(ends_at, last), max(probability_pct, before_pct)
        found.append((starts_at, ends_at, probability_pct))
    return found
