"""The values of a calculation: given by the person, of the data sheet, live from the bus, or usual; each says which."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from hashbus.messages import Message, Moment, Word
from hashbus.models import RatedModel, look_up, similar
from hashbus.profit.asked import CannotCalculate, LiveMarket, ProfitAsked

DOLLAR = "USD"
SUBSIDY_OF_2024_BTC = 3.125
"""From block 840,000 (April 2024) to 1,050,000 (about 2028), for a calculation without a network."""

LEAST_J_PER_TH, MOST_J_PER_TH = 0.1, 1e7
"""Between a machine that nobody can build yet and a computer that mines for the fun of it."""

GIVEN, LIVE, SHEET, USUAL = "given", "live", "data sheet", "usual"


class ValueUsed(BaseModel):
    """One value that a calculation took."""

    model_config = ConfigDict(frozen=True)

    name: Word
    value: float
    origin: Word = Field(description="given, live, data sheet, or usual")
    taken_at: Moment | None = Field(None, description="When a live value was taken")


@dataclass
class Values:
    """Finds one value after the other, and keeps where each came from."""

    asked: ProfitAsked
    live: LiveMarket
    now: datetime
    used: list[ValueUsed] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def machine(self) -> tuple[str | None, float, float]:
        """Return model, TH/s and W of one machine. CannotCalculate when neither the person nor a data sheet says."""
        sheet = self._sheet()
        name = f"{sheet.make} {sheet.model}" if sheet else None
        hashrate_ths = self._of_machine(
            "hashrate_ths", self.asked.hashrate_ths, sheet.rated_hashrate_ths if sheet else None
        )
        power_w = self._of_machine("power_w", self.asked.power_w, sheet.rated_power_w if sheet else None)
        if not LEAST_J_PER_TH <= power_w / hashrate_ths <= MOST_J_PER_TH:
            problem = (
                f"{power_w:g} W for {hashrate_ths:g} TH/s is {power_w / hashrate_ths:g} J/TH; today's best is about 10"
            )
            raise CannotCalculate("power_w", problem)
        return name, hashrate_ths, power_w

    def _sheet(self) -> RatedModel | None:
        if self.asked.model is None:
            return None
        sheet = look_up(self.asked.model)
        if sheet is None and (self.asked.hashrate_ths is None or self.asked.power_w is None):
            close = ", ".join(similar(self.asked.model)) or "s19pro, M30S++, Bitaxe Gamma"
            hint = f"did you mean {close}? Or give hashrate_ths and power_w"
            raise CannotCalculate("model", f"{self.asked.model!r} is in no data sheet; {hint}")
        return sheet

    def _of_machine(self, name: str, given: float | None, rated: float | None) -> float:
        value = given if given is not None else rated
        if value is None:
            raise CannotCalculate(name, "is missing: give a model that has it in its data sheet, or the figure")
        return self._note(name, value, GIVEN if given is not None else SHEET)

    def price_usd(self) -> float:
        """Return the price of bitcoin."""
        heard = self.live.bitcoin
        return self._market("price_usd", self.asked.price_usd, heard, heard.price_usd if heard else None)

    def difficulty(self) -> float:
        """Return the difficulty."""
        heard = self.live.network
        return self._market("difficulty", self.asked.difficulty, heard, heard.difficulty if heard else None)

    def reward_btc(self) -> tuple[float, float]:
        """Return the subsidy and the fees of a block; a network nobody heard has today's subsidy and no fees."""
        heard = self.live.network
        subsidy = self._optional(
            "subsidy_btc", self.asked.subsidy_btc, heard, heard.subsidy_btc if heard else None, SUBSIDY_OF_2024_BTC
        )
        known = heard.fees_per_block_btc if heard else None
        fees = self._optional("fees_per_block_btc", self.asked.fees_per_block_btc, heard, known, 0.0)
        return subsidy, fees

    def power(self) -> tuple[str, float]:
        """Return the currency and the price of a kilowatt-hour in it."""
        heard, given = self.live.power, self.asked.price_per_kwh
        currency = self.asked.currency or (heard.currency if heard and given is None else DOLLAR)
        if given is None and heard is not None and currency != heard.currency:
            problem = f"the tariff is in {heard.currency}; give the price of a kWh in {currency}, or leave the currency"
            raise CannotCalculate("price_per_kwh", problem)
        return currency, self._market("price_per_kwh", given, heard, heard.price_per_kwh if heard else None)

    def per_usd(self, currency: str) -> float:
        """Return what a dollar costs in the currency."""
        if currency == DOLLAR:
            return 1.0
        rates = self.live.rates
        known = rates.per_usd.get(currency) if rates else None
        if self.asked.currency_per_usd is None and not known:
            raise CannotCalculate(
                "currency_per_usd", f"nobody knows what a dollar costs in {currency}; give it, such as 0.92 for EUR"
            )
        return self._market("currency_per_usd", self.asked.currency_per_usd, rates, known)

    def _market(self, name: str, given: float | None, heard: Message | None, known: float | None) -> float:
        if given is None and known is None:
            raise CannotCalculate(name, "is missing: give it, or ask where a site with a market service runs")
        return self._optional(name, given, heard, known, 0.0)

    def _optional(
        self, name: str, given: float | None, heard: Message | None, known: float | None, usual: float
    ) -> float:
        if given is not None:
            return self._note(name, given, GIVEN)
        if known is None or heard is None:
            return self._note(name, usual, USUAL)
        if heard.is_stale(self.now):
            self.notes.append(f"{name} is {_age(heard.age_s(self.now))} old: its source is silent")
        return self._note(name, known, LIVE, heard.at)

    def _note(self, name: str, value: float, origin: str, taken_at: datetime | None = None) -> float:
        self.used.append(ValueUsed(name=name, value=value, origin=origin, taken_at=taken_at))
        return value


def _age(seconds: float) -> str:
    minutes = seconds / 60
    if minutes < 120:
        return f"{minutes:.0f} min"
    hours = minutes / 60
    return f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"
