"""What power costs now and later: the tariff's windows, what is paid on top, and what is said on the bus. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hashbus.messages import PowerPrice, PriceWindow
from hashbus_market.tariffs.settings import AnyTariff, FetchedTariff, FixedTariff, TimeOfUseTariff
from hashbus_market.tariffs.windows import KNOWN_AHEAD, from_now, overlaid, paid, price_at, time_of_use

SAID_AGAIN = timedelta(minutes=30)
"""A price that does not change is said again this often, well within the shelf life of two hours."""

MOST_PER_KWH = 1e6
"""No currency has a kilowatt-hour that costs more."""


@dataclass(frozen=True, slots=True)
class Book:
    """The prices that are known of one tariff, all in; `taken_at` is when its source last answered."""

    tariff: AnyTariff
    windows: Sequence[PriceWindow] = field(default=())
    taken_at: datetime | None = None
    said: PowerPrice | None = None

    @property
    def name(self) -> str:
        """Return how the tariff is called."""
        return self.tariff.name or str(getattr(self.tariff, "kind", "tariff"))


def learnt(book: Book, energy: Iterable[PriceWindow], now: datetime) -> Book:
    """Return the book with what a source has just said; hours that it does not name any more stay known."""
    all_in = [one.model_copy(update={"price_per_kwh": paid(one.price_per_kwh, book.tariff)}) for one in energy]
    new = [one for one in all_in if abs(one.price_per_kwh) <= MOST_PER_KWH]
    ends_at = now + KNOWN_AHEAD
    windows = [one for one in from_now(overlaid(book.windows, new), now) if one.starts_at < ends_at]
    return replace(book, windows=tuple(windows), taken_at=now)


def recalled(book: Book, heard: PowerPrice) -> Book:
    """Take back what an earlier run had said of the same tariff: its hours are still right."""
    if book.windows or heard.tariff != book.name or heard.currency != book.tariff.currency:
        return book
    return replace(book, windows=heard.windows, taken_at=heard.taken_at)


def opened(book: Book, now: datetime) -> Book:
    """Return the book with the hours that follow from the settings alone."""
    tariff = book.tariff
    if isinstance(tariff, FixedTariff):
        begin = now.replace(minute=0, second=0, microsecond=0)
        whole = PriceWindow(starts_at=begin, ends_at=begin + KNOWN_AHEAD, price_per_kwh=tariff.price_per_kwh)
        return learnt(replace(book, windows=()), [whole], now)
    if isinstance(tariff, TimeOfUseTariff):
        return learnt(replace(book, windows=()), time_of_use(tariff, now), now)
    return book


def spoken(book: Book, site: str, now: datetime) -> tuple[Book, PowerPrice | None]:
    """Return what is to be said now: None when it was said already, or when nobody knows the price."""
    price = price_at(book.windows, now)
    is_known = price is not None
    if price is None and isinstance(book.tariff, FetchedTariff):
        price = book.tariff.otherwise_per_kwh
    if price is None:
        return book, None
    message = PowerPrice(
        site=site,
        at=now,
        currency=book.tariff.currency,
        price_per_kwh=price,
        export_per_kwh=book.tariff.export_per_kwh,
        windows=tuple(from_now(book.windows, now)),
        tariff=book.name,
        sources_used=1 if is_known else 0,
        sources_total=1,
        completeness_pct=100 if is_known else 0,
        taken_at=book.taken_at if is_known and book.taken_at else now,
    )
    if not _is_news(book.said, message):
        return book, None
    return replace(book, said=message), message


def _is_news(before: PowerPrice | None, after: PowerPrice) -> bool:
    if before is None or after.at - before.at >= SAID_AGAIN:
        return True
    same = ("price_per_kwh", "currency", "export_per_kwh", "tariff", "sources_used")
    if any(getattr(before, name) != getattr(after, name) for name in same):
        return True
    # Hours that pass or that a fixed price goes on for are no news; hours with other prices are.
    return [one.price_per_kwh for one in after.windows] != [one.price_per_kwh for one in before.windows]
