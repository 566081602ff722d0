"""From a question to an answer: revenue, power, heat, what is left, and when it has paid itself back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hashbus import economics
from hashbus.economics import DAY_S, Earnings, Prices
from hashbus.messages import ProfitCalculation, Text, Word, describe
from hashbus.profit.asked import CannotCalculate, LiveMarket, ProfitAsked
from hashbus.profit.payback import LONGEST_DAYS, CashFlow, payback_days
from hashbus.profit.values import Values, ValueUsed
from hashbus.units import (
    Bitcoin,
    DollarsPerPetahashDay,
    JoulesPerTerahash,
    Money,
    SatoshisPerKwh,
    SignedMoneyPerDay,
    TerahashPerSecond,
    Watts,
)


class ProfitAnswer(BaseModel):
    """What came out: of a day unless it says otherwise, of all units together, in `currency`."""

    model_config = ConfigDict(frozen=True)

    model: Word | None
    currency: Word
    units: int
    hashrate_ths: TerahashPerSecond
    power_w: Watts
    efficiency_j_per_th: JoulesPerTerahash
    hashprice_usd_per_ph_day: DollarsPerPetahashDay
    earned_btc: Bitcoin = Field(description="After the pool's fee")
    earned_sats_per_kwh: SatoshisPerKwh
    revenue_per_day: SignedMoneyPerDay
    power_cost_per_day: SignedMoneyPerDay
    heat_value_per_day: SignedMoneyPerDay | None
    other_per_day: SignedMoneyPerDay
    net_per_day: SignedMoneyPerDay
    break_even_per_kwh: float = Field(description="Price of power at which revenue pays for power alone")
    break_even_usd: float = Field(description="Price of bitcoin at which revenue pays for power alone")
    cope: float | None = Field(description="COP of the heat pump that heats as cheaply; null: the heat is free")
    invested_amount: Money | None
    roi_days: float | None = Field(description="Null is never, or nothing was invested")
    break_even_months: float | None
    verdict: Text = Field(description="One sentence for people")
    notes: tuple[Text, ...] = ()
    used: tuple[ValueUsed, ...]

    def value(self, name: str) -> float:
        """Return a value that was taken."""
        return next((one.value for one in self.used if one.name == name), 1.0)


def profit(asked: ProfitAsked, live: LiveMarket, now: datetime) -> ProfitAnswer:
    """Calculate. CannotCalculate names the first value that nobody gave and nobody knows."""
    values = Values(asked, live, now)
    model, each_ths, each_w = values.machine()
    prices, difficulty = _prices(values, asked.pool_fee_pct)
    _check_share(each_ths * asked.units, difficulty)
    machines = _Machines(model or asked.model, each_ths * asked.units, each_w * asked.units)
    earned = economics.earnings(machines.power_w, machines.hashrate_ths, prices, heat=_heat(asked))
    flow = CashFlow(
        mined=earned.revenue_per_day or 0.0,
        other_income=earned.heat_value_per_day or 0.0,
        costs=(earned.power_cost_per_day or 0.0) + asked.other_per_day,
    )
    invested = None if asked.invested_each is None else asked.invested_each * asked.units
    days = payback_days(invested, flow, asked.difficulty_growth_pct) if invested else None
    try:
        return ProfitAnswer(
            units=asked.units,
            other_per_day=asked.other_per_day,
            net_per_day=flow.net,
            invested_amount=invested,
            roi_days=days,
            break_even_months=None if days is None else days / economics.DAYS_PER_MONTH,
            verdict=_verdict(asked, prices.currency, flow, invested, days),
            notes=(*values.notes, *_halving(live, now, days)),
            used=tuple(values.used),
            **_figures(machines, earned, prices),
        )
    except ValidationError as error:
        problem = f"{difficulty:g} gives figures of no network that there is: {describe(error)}"
        raise CannotCalculate("difficulty", problem) from None


@dataclass(frozen=True, slots=True)
class _Machines:
    """All units together."""

    model: str | None
    hashrate_ths: float
    power_w: float


def _prices(values: Values, pool_fee_pct: float) -> tuple[Prices, float]:
    """Return what a day is valued with, and the difficulty."""
    price_usd, difficulty, reward_btc = values.price_usd(), values.difficulty(), sum(values.reward_btc())
    currency, per_kwh = values.power()
    prices = Prices(
        hashprice_usd_per_ph_day=economics.hashprice_usd_per_ph_day(difficulty, reward_btc, price_usd),
        price_usd=price_usd,
        currency=currency,
        per_usd=values.per_usd(currency),
        per_kwh=per_kwh,
        pool_fee_pct=pool_fee_pct,
    )
    return prices, difficulty


def _check_share(hashrate_ths: float, difficulty: float) -> None:
    network_ths = economics.network_hashrate_ehs(difficulty) * 1e6
    if hashrate_ths > network_ths:
        problem = f"{hashrate_ths:g} TH/s is more than the whole network has at difficulty {difficulty:g}"
        raise CannotCalculate("hashrate_ths", problem)


def _heat(asked: ProfitAsked) -> economics.DisplacedHeat | None:
    if asked.heat is None:
        return None
    heat = asked.heat.displaced()
    if heat.value_per_kwh(0.0) is None:
        raise CannotCalculate("heat.fuel_per_kwh", f"is missing: what a kilowatt-hour of {heat.source.value} costs")
    return heat


def _figures(machines: _Machines, earned: Earnings, prices: Prices) -> dict[str, Any]:
    return {
        "model": machines.model,
        "hashrate_ths": machines.hashrate_ths,
        "power_w": machines.power_w,
        "efficiency_j_per_th": machines.power_w / machines.hashrate_ths,
        "currency": prices.currency,
        "hashprice_usd_per_ph_day": prices.hashprice_usd_per_ph_day,
        "earned_btc": (earned.revenue_usd_per_day or 0.0) / (prices.price_usd or 1.0),
        "earned_sats_per_kwh": earned.earned_sats_per_kwh,
        "revenue_per_day": earned.revenue_per_day,
        "power_cost_per_day": earned.power_cost_per_day,
        "heat_value_per_day": earned.heat_value_per_day,
        "break_even_per_kwh": earned.break_even_per_kwh,
        "break_even_usd": earned.break_even_usd,
        "cope": earned.cope,
    }


def _verdict(asked: ProfitAsked, currency: str, flow: CashFlow, invested: float | None, days: float | None) -> str:
    result = f"{abs(flow.net):,.2f} {currency} a day"
    if flow.net <= 0:
        return f"a loss of {result}: it never pays back" if flow.net < 0 else "nothing is left: it never pays back"
    if invested is None:
        return f"it earns {result}"
    if days is None and asked.difficulty_growth_pct == 0:
        return f"it earns {result}, so little that it never pays back {invested:,.2f} {currency}"
    if days is None:
        growth = f"with {asked.difficulty_growth_pct:g} % more difficulty a month"
        return f"it earns {result} now, but {growth} it never pays back in {LONGEST_DAYS // 365} years"
    return f"it earns {result} and has paid back {invested:,.2f} {currency} after {days:,.0f} days"


def _halving(live: LiveMarket, now: datetime, days: float | None) -> tuple[str, ...]:
    """Warn where the subsidy halves before the machine has paid itself back: the result does not hold until then."""
    network = live.network
    if network is None or network.height is None or days is None:
        return ()
    passed_s = network.age_s(now)
    left_days = (economics.blocks_to_halving(network.height) * economics.BLOCK_S - passed_s) / DAY_S
    if days <= left_days:
        return ()
    return (f"the subsidy halves in about {max(0.0, left_days):,.0f} days, before the machine has paid itself back",)


def as_message(answer: ProfitAnswer, *, site: str, source: str, now: datetime) -> ProfitCalculation:
    """Return a calculation as the message that keeps it; the recorder has them all (S3.9)."""
    put_in = ("price_usd", "difficulty", "subsidy_btc", "fees_per_block_btc", "price_per_kwh", "currency_per_usd")
    alike = set(ProfitCalculation.model_fields) & set(ProfitAnswer.model_fields)
    values: dict[str, Any] = {
        **{name: answer.value(name) for name in put_in},
        **economics.sensible({name: getattr(answer, name) for name in alike}),
    }
    return ProfitCalculation(site=site, at=now, source=source, **values)
