"""Says what power costs: looks the hours up where that is needed, and speaks when the hour changes."""

from __future__ import annotations

from datetime import datetime, timedelta

from hashbus.messages import PowerPrice
from hashbus.service import Running
from hashbus_market import metrics
from hashbus_market.errors import SourceError, answers_of_others
from hashbus_market.outages import Outages
from hashbus_market.rounds import Lines
from hashbus_market.settings import MarketSettings
from hashbus_market.tariffs.book import Book, learnt, opened, recalled, spoken
from hashbus_market.tariffs.lookup import Lookup
from hashbus_market.tariffs.settings import FetchedTariff
from hashbus_market.tariffs.windows import price_at

LOOK_S = 5.0
"""A price that changes with the hour is said within these seconds."""

AGAIN = timedelta(minutes=5)
"""After a look-up that failed."""


class PowerDesk:
    """Watches the tariff; without one it has nothing to say."""

    def __init__(self, running: Running[MarketSettings], outages: Outages, lines: Lines) -> None:
        """Nothing is looked up yet."""
        tariff = running.settings.market.tariff
        self._running = running
        self._outages = outages
        self._lookup = Lookup(lines.to_address)
        self._book = Book(tariff) if tariff is not None else None
        self._due: datetime | None = None

    def recall(self, heard: PowerPrice) -> None:
        """Take back the hours that an earlier run knew."""
        if self._book is not None:
            self._book = recalled(self._book, heard)

    async def watch(self) -> None:
        """Look up and speak, again and again."""
        while self._book is not None:
            await self.once()
            await self._running.clock.sleep(LOOK_S)

    async def once(self) -> None:
        """Look up what is due, and say the price if it is news."""
        if self._book is None:
            return
        now = self._running.clock.now()
        if isinstance(self._book.tariff, FetchedTariff) and (self._due is None or now >= self._due):
            self._due = now + await self._look_up(self._book, self._book.tariff, now)
        self._book, message = spoken(opened(self._book, now), self._running.settings.site, now)
        if message is not None:
            self._running.bus.publish(message)

    async def _look_up(self, book: Book, tariff: FetchedTariff, now: datetime) -> timedelta:
        """Ask the source; returns how long to wait before the next time."""
        try:
            with answers_of_others():
                found = await self._lookup.of(tariff, now)
        except SourceError as error:
            metrics.ASKED.labels(book.name, type(error).__name__.removeprefix("Source").lower()).inc()
            self._outages.note("power", self._problem(book, str(error), now))
            return min(AGAIN, timedelta(seconds=tariff.every_s))
        metrics.ASKED.labels(book.name, "ok").inc()
        self._book = learnt(book, found, now)
        is_known = price_at(self._book.windows, now) is not None
        self._outages.note("power", None if is_known else self._problem(book, "it does not name this hour", now))
        return timedelta(seconds=tariff.every_s)

    def _problem(self, book: Book, why: str, now: datetime) -> str:
        last = max((one.ends_at for one in book.windows), default=None)
        known = f"known until {last:%Y-%m-%d %H:%M} UTC" if last and last > now else "not known any more"
        return f"the price of power ({book.name}) is {known}: {why}"[:1000]
