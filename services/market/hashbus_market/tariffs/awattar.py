"""aWATTar: GET /v1/marketdata, EUR a megawatt-hour in hours, without taxes; tomorrow's are there from 14:00 on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hashbus.messages import PriceWindow
from hashbus_market.asking import Ask
from hashbus_market.errors import SourceGarbled, moment_of_ms
from hashbus_market.reading import at, number


async def windows(ask: Ask, now: datetime) -> list[PriceWindow]:
    """Return the known hours from now on."""
    start, end = now - timedelta(hours=1), now + timedelta(hours=48)
    answer = await ask.get("/v1/marketdata", start=_ms(start), end=_ms(end))
    return parse(answer.json())


def parse(body: Any) -> list[PriceWindow]:
    """Read the hours; an empty list is an answer too, of a market that has not spoken."""
    entries = at(body, "data")
    if not isinstance(entries, list):
        raise SourceGarbled("data is no list")
    return [_window(entry) for entry in entries]


def _window(entry: Any) -> PriceWindow:
    unit = str(at(entry, "unit"))
    if unit.lower() != "eur/mwh":
        raise SourceGarbled(f"its unit is {unit[:20]!r}, not Eur/MWh")
    return PriceWindow(
        starts_at=moment_of_ms(number(entry, "start_timestamp")),
        ends_at=moment_of_ms(number(entry, "end_timestamp")),
        price_per_kwh=number(entry, "marketprice") / 1000,
    )


def _ms(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1000))
