"""The round for the bitcoin price: exchanges at once, and another opinion where they do not suffice (S3.2, S3.32)."""

from __future__ import annotations

from collections.abc import Mapping

from hashbus.clock import Clock
from hashbus.messages import BitcoinPrice
from hashbus_market import metrics
from hashbus_market.combine import Combined, Heard, combined
from hashbus_market.errors import SourceError
from hashbus_market.past import Sample
from hashbus_market.rounds import Lines, Question, heard_from_all
from hashbus_market.settings import MarketSection
from hashbus_market.sources import PRICES
from hashbus_market.sources.quote import Quote

ENOUGH = 2
"""So many sources must agree; with fewer the fallback is asked."""


class PriceRound:
    """Asks for the price, and remembers the last good one."""

    def __init__(self, settings: MarketSection, lines: Lines, clock: Clock, site: str) -> None:
        """Nothing is asked yet."""
        self._settings = settings
        self._lines = lines
        self._clock = clock
        self._site = site
        self.last: BitcoinPrice | None = None

    async def go(self) -> tuple[BitcoinPrice | None, str | None]:
        """Return the price, or None and why there is none; the last good one stays what it was."""
        with metrics.ROUND_SECONDS.labels("bitcoin").time():
            heard = await self._ask(self._settings.exchanges)
            found = combined(heard, self.last, self._clock.now())
            if found.used < ENOUGH and self._settings.fallback != "none":
                heard += await self._ask((self._settings.fallback,))
                found = combined(heard, self.last, self._clock.now())
        metrics.COMPLETENESS.labels("bitcoin").set(found.completeness_pct)
        if found.price_usd is None:
            return None, found.why_not
        self.last = self._message(found, found.price_usd)
        metrics.PRICE.set(self.last.price_usd)
        return self.last, None

    async def _ask(self, names: tuple[str, ...]) -> list[Heard]:
        questions = {name: self._lines.question(name, PRICES[name].url, PRICES[name].quote) for name in names}
        answers = await heard_from_all(questions, clock=self._clock, grace_s=self._settings.grace_s)
        return _heard(answers)

    async def past(self) -> dict[str, list[Sample]]:
        """Return the prices of before, as far as exchanges keep and tell them."""
        questions: dict[str, Question[list[Sample]]] = {
            name: self._lines.question(name, PRICES[name].url, past)
            for name in self._settings.exchanges
            if (past := PRICES[name].past) is not None
        }
        answers = await heard_from_all(questions, clock=self._clock, grace_s=None)
        return {name: answer for name, answer in answers.items() if not isinstance(answer, SourceError)}

    def _message(self, found: Combined, price_usd: float) -> BitcoinPrice:
        now = self._clock.now()
        return BitcoinPrice(
            site=self._site,
            at=now,
            price_usd=price_usd,
            mean_usd=found.mean_usd,
            volume_btc=found.volume_btc,
            sources_used=found.used,
            sources_total=len(found.sources),
            completeness_pct=found.completeness_pct,
            sources=found.sources,
            taken_at=found.taken_at or now,
        )


def _heard(answers: Mapping[str, Quote | SourceError]) -> list[Heard]:
    return [
        Heard(name, problem=str(answer))
        if isinstance(answer, SourceError)
        else Heard(name, answer, max_age_s=PRICES[name].max_age_s)
        for name, answer in answers.items()
    ]
