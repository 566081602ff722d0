"""Prices as a file or an address gives them: CSV or JSON, each row a stretch of time and a price. Pure.

CSV has a heading with `starts_at`, `price_per_kwh` (or `price_per_mwh`) and, where stretches do not follow each other,
`ends_at`. JSON is a list of objects with the same keys, or `{"prices": [...]}`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hashbus.messages import PriceWindow
from hashbus_market.errors import SourceGarbled
from hashbus_market.reading import number

USUAL = timedelta(hours=1)
LARGEST_ROWS = 20_000


def windows_of(text: str, time_zone: str) -> list[PriceWindow]:
    """Read CSV or JSON; SourceGarbled names the row and what is wrong with it."""
    rows = _json_rows(text) if text.lstrip()[:1] in ("[", "{") else _csv_rows(text)
    if not rows:
        raise SourceGarbled("there is no price in it")
    if len(rows) > LARGEST_ROWS:
        raise SourceGarbled(f"{len(rows)} rows are too many; at most {LARGEST_ROWS}")
    starts = [_moment(row, "starts_at", index, time_zone) for index, row in enumerate(rows, start=1)]
    order = sorted(range(len(rows)), key=lambda index: starts[index])
    found = []
    for place, index in enumerate(order):
        following = starts[order[place + 1]] if place + 1 < len(order) else None
        found.append(_window(rows[index], index + 1, starts[index], following, time_zone))
    return found


def _window(
    row: Mapping[str, Any], number_of_row: int, start: datetime, following: datetime | None, time_zone: str
) -> PriceWindow:
    if row.get("ends_at"):
        end = _moment(row, "ends_at", number_of_row, time_zone)
    else:
        end = start + min((following - start) if following else USUAL, USUAL)
    if end <= start:
        raise SourceGarbled(f"row {number_of_row}: it ends at {end.isoformat()}, before it begins")
    try:
        price = number(row, "price_per_kwh") if row.get("price_per_kwh") is not None else _per_mwh(row)
    except SourceGarbled as error:
        raise SourceGarbled(f"row {number_of_row}: {error}") from None
    return PriceWindow(starts_at=start, ends_at=end, price_per_kwh=price)


def _per_mwh(row: Mapping[str, Any]) -> float:
    if row.get("price_per_mwh") is None:
        raise SourceGarbled("price_per_kwh is missing")
    return number(row, "price_per_mwh") / 1000


def _moment(row: Mapping[str, Any], name: str, number_of_row: int, time_zone: str) -> datetime:
    text = str(row.get(name) or "")
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise SourceGarbled(
            f"row {number_of_row}: {name} is {text[:40]!r}, not a moment such as 2026-03-01T12:00:00+01:00"
        ) from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(time_zone))
    return aware.astimezone(UTC)


def _csv_rows(text: str) -> Sequence[Mapping[str, Any]]:
    try:
        table = csv.DictReader(io.StringIO(text), strict=True)
        rows = list(table)
    except csv.Error as error:
        raise SourceGarbled(f"it is no CSV: {error}") from None
    headings = [name.strip() for name in table.fieldnames or ()]
    if "starts_at" not in headings:
        raise SourceGarbled(f"its heading must name starts_at and price_per_kwh; it is {','.join(headings)[:80]!r}")
    return [{(name or "").strip(): value or None for name, value in row.items() if name} for row in rows]


def _json_rows(text: str) -> Sequence[Mapping[str, Any]]:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise SourceGarbled("it is no JSON") from None
    rows = body.get("prices") if isinstance(body, dict) else body
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SourceGarbled('it must be a list of objects, or {"prices": [...]}')
    return rows
