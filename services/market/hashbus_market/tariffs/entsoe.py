"""ENTSO-E transparency platform: day-ahead prices (document type A44) of a bidding zone, as XML.

A `Period` has a start, a resolution (PT15M, PT30M, PT60M) and points by position. In curves of type A03 a position that
is missing repeats the one before. Where the zone has several resolutions the finest counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

from hashbus.messages import PriceWindow
from hashbus_market.asking import Ask
from hashbus_market.errors import SourceGarbled

RESOLUTIONS = {"PT15M": timedelta(minutes=15), "PT30M": timedelta(minutes=30), "PT60M": timedelta(hours=1)}
MOST_POINTS = 400
"""A day of 25 hours has 100 quarters."""


async def windows(ask: Ask, now: datetime, *, zone: str, token: str) -> list[PriceWindow]:
    """Return the known prices of yesterday's last hours to tomorrow, energy alone."""
    begin = now.replace(hour=0, minute=0) - timedelta(hours=2)
    answer = await ask.get(
        "/api",
        securityToken=token,
        documentType="A44",
        in_Domain=zone,
        out_Domain=zone,
        periodStart=f"{begin:%Y%m%d%H%M}",
        periodEnd=f"{begin + timedelta(hours=52):%Y%m%d%H%M}",
    )
    return parse(answer.text())[1]


def parse(text: str) -> tuple[str | None, list[PriceWindow]]:
    """Read the document: its currency, and its prices a kilowatt-hour."""
    root = _root(text)
    if _name(root) == "Acknowledgement_MarketDocument":
        reason = next((one.text for one in root.iter() if _name(one) == "text" and one.text), "no reason given")
        raise SourceGarbled(f"it gives no prices: {reason.strip()[:200]}")
    if _name(root) != "Publication_MarketDocument":
        raise SourceGarbled(f"it is a {_name(root)[:60]}, not a Publication_MarketDocument")
    found: dict[datetime, PriceWindow] = {}
    currency = None
    for series in (one for one in root if _name(one) == "TimeSeries"):
        currency = _text(series, "currency_Unit.name", default=currency or "EUR")
        if _text(series, "price_Measure_Unit.name", default="MWH") != "MWH":
            raise SourceGarbled("its prices are not a megawatt-hour")
        for one in (window for period in series if _name(period) == "Period" for window in _windows(period)):
            known = found.get(one.starts_at)
            if known is None or one.ends_at <= known.ends_at:
                found[one.starts_at] = one
    if not found:
        raise SourceGarbled("there is no price in it")
    return currency, [found[start] for start in sorted(found)]


def _root(text: str) -> ElementTree.Element:
    # No document of the platform has a DTD: whoever sends one means harm (entities that unfold to gigabytes).
    if "<!DOCTYPE" in text.upper():
        raise SourceGarbled("it has a document type, which prices have not")
    try:
        return ElementTree.fromstring(text)  # noqa: S314 (no DTD, no entities: checked above)
    except (ElementTree.ParseError, ValueError):
        raise SourceGarbled("it is not XML") from None


def _windows(period: ElementTree.Element) -> Iterator[PriceWindow]:
    interval = next((one for one in period if _name(one) == "timeInterval"), None)
    if interval is None:
        raise SourceGarbled("a period has no timeInterval")
    start, end = (_moment(_text(interval, name)) for name in ("start", "end"))
    step = RESOLUTIONS.get(_text(period, "resolution"))
    if step is None:
        raise SourceGarbled(f"a resolution of {_text(period, 'resolution')[:20]!r} is not known")
    points = {_whole(_text(one, "position")): one for one in period if _name(one) == "Point"}
    count = (end - start) // step
    if not 1 <= count <= MOST_POINTS:
        raise SourceGarbled(f"a period of {count} points cannot be")
    price: float | None = None
    for position in range(1, count + 1):
        if position in points:
            price = _price(_text(points[position], "price.amount"))
        if price is not None:
            begin = start + (position - 1) * step
            yield PriceWindow(starts_at=begin, ends_at=begin + step, price_per_kwh=price / 1000)


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _text(element: ElementTree.Element, name: str, default: str | None = None) -> str:
    found = next((one.text for one in element if _name(one) == name), None)
    if found is None and default is None:
        raise SourceGarbled(f"{name} is missing")
    return (found or default or "").strip()


def _price(text: str) -> float:
    try:
        price = float(text)
    except ValueError:
        price = float("nan")
    if not -1e6 < price < 1e6:
        raise SourceGarbled(f"price.amount is {text[:20]!r}, no price")
    return price


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise SourceGarbled(f"a position is {text[:20]!r}, no number")
    return int(text)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SourceGarbled(f"{text[:40]!r} is not a moment") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
