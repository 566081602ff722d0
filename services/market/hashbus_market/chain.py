"""The round for the network: difficulty, height, fees, and what a dollar costs elsewhere (S3.3, D4)."""

from __future__ import annotations

from collections.abc import Mapping

from hashbus.clock import Clock
from hashbus.messages import CurrencyRates, NetworkState
from hashbus_market import metrics
from hashbus_market.errors import SourceError
from hashbus_market.network import HeardChain, combined_network
from hashbus_market.rounds import Lines, Question, heard_from_all
from hashbus_market.settings import MarketSection
from hashbus_market.sources import CHAINS
from hashbus_market.sources.chain import ChainFacts

OWNER = "owner"
LARGEST_RATE_CHANGE = 0.25
"""No currency of those that sources tell falls by a quarter in a day; who says so is not believed."""


class NetworkRound:
    """Asks for the network, and remembers its last good state and the last good rates."""

    def __init__(self, settings: MarketSection, lines: Lines, clock: Clock, site: str) -> None:
        """Nothing is asked yet."""
        self._settings = settings
        self._lines = lines
        self._clock = clock
        self._site = site
        self.last: NetworkState | None = None
        self.last_rates: CurrencyRates | None = None

    async def go(self) -> tuple[NetworkState | None, CurrencyRates | None, str | None]:
        """Return the network or None and why, and the currencies as far as anybody knows them."""
        questions: dict[str, Question[ChainFacts]] = {
            name: self._lines.question(name, CHAINS[name].url, CHAINS[name].facts) for name in self._settings.networks
        }
        with metrics.ROUND_SECONDS.labels("network").time():
            # A difficulty holds for two weeks: there is time to hear everybody.
            answers = await heard_from_all(questions, clock=self._clock, grace_s=None)
        found = combined_network(_heard(answers), self.last, self._clock.now(), self._site)
        rates = self._rates(answers)
        metrics.COMPLETENESS.labels("network").set(found.state.completeness_pct if found.state else 0)
        if found.state is None:
            told = "; ".join(f"{name}: {why}" for name, why in found.why_not.items())
            return None, rates, f"no source gives the difficulty: {told}"[:900]
        self.last = found.state
        return found.state, rates, None

    def _rates(self, answers: Mapping[str, ChainFacts | SourceError]) -> CurrencyRates | None:
        told, origin = next(
            ((one.per_usd, name) for name, one in answers.items() if isinstance(one, ChainFacts) and one.per_usd),
            ({}, None),
        )
        known = {code: rate for code, rate in told.items() if self._is_plausible(code, rate)}
        per_usd = {**known, **self._settings.per_usd}
        if not per_usd or (origin is None and not self._settings.per_usd):
            return None
        now = self._clock.now()
        origins = [*([origin] if known and origin else []), *([OWNER] if self._settings.per_usd else [])]
        self.last_rates = CurrencyRates(
            site=self._site,
            at=now,
            per_usd=per_usd,
            origin=", ".join(origins),
            completeness_pct=100,
            taken_at=now,
        )
        return self.last_rates

    def _is_plausible(self, code: str, rate: float) -> bool:
        before = self.last_rates.per_usd.get(code) if self.last_rates else None
        if before and not self.last_rates_are_old():
            return abs(rate / before - 1) <= LARGEST_RATE_CHANGE
        return 1e-6 < rate < 1e8

    def last_rates_are_old(self) -> bool:
        """Say whether the last rates tell nothing of today's any more."""
        return self.last_rates is None or self.last_rates.is_stale(self._clock.now())


def _heard(answers: Mapping[str, ChainFacts | SourceError]) -> list[HeardChain]:
    return [
        HeardChain(name, problem=str(answer)) if isinstance(answer, SourceError) else HeardChain(name, answer)
        for name, answer in answers.items()
    ]
