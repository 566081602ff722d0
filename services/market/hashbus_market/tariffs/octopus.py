"""Octopus Agile: pence a kilowatt-hour in half hours, with VAT; tomorrow's are there from 16:00 on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hashbus.messages import PriceWindow
from hashbus_market.asking import Ask
from hashbus_market.errors import SourceGarbled
from hashbus_market.reading import at, number

HALF_HOUR = timedelta(minutes=30)


async def windows(ask: Ask, now: datetime, *, product: str, region: str) -> list[PriceWindow]:
    """Return the known half hours from now on. A day and a half are 72: far below a page."""
    path = f"/v1/products/{product}/electricity-tariffs/E-1R-{product}-{region}/standard-unit-rates/"
    start, end = now - HALF_HOUR, now + timedelta(hours=48)
    answer = await ask.get(path, period_from=_iso(start), period_to=_iso(end), page_size="200")
    return parse(answer.json())


def parse(body: Any) -> list[PriceWindow]:
    """Read the rates; the last of a tariff that ends with none has no end."""
    rates = at(body, "results")
    if not isinstance(rates, list):
        raise SourceGarbled("results is no list")
    return [_window(rate) for rate in rates]


def _window(rate: Any) -> PriceWindow:
    start = _moment(at(rate, "valid_from"))
    ends = at(rate, "valid_to")
    return PriceWindow(
        starts_at=start,
        ends_at=start + HALF_HOUR if ends is None else _moment(ends),
        price_per_kwh=number(rate, "value_inc_vat") / 100,
    )


def _moment(text: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise SourceGarbled(f"{str(text)[:40]!r} is not a moment") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _iso(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
