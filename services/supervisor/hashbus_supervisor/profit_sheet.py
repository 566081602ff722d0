"""A calculation as lines for people: what came out, and what it was made from."""

from __future__ import annotations

from datetime import datetime

from hashbus.profit import ProfitAnswer, ValueUsed
from hashbus_supervisor.figures import age, clean, hashrate, watts

DAYS_PER_YEAR = 365.25
UNITS = {
    "hashrate_ths": "TH/s",
    "power_w": "W",
    "price_usd": "USD",
    "subsidy_btc": "BTC a block",
    "fees_per_block_btc": "BTC a block",
}


def sheet(answer: ProfitAnswer, now: datetime) -> list[str]:
    """Return a calculation as lines."""
    count = f"{answer.units} × " if answer.units > 1 else ""
    machine = f"{count}{clean(answer.model or 'own figures')}"
    figures = f"{hashrate(answer.hashrate_ths)}, {watts(answer.power_w)}, {answer.efficiency_j_per_th:.1f} J/TH"
    lines = [f"{machine}: {figures}", f"  {answer.verdict}", ""]
    lines += [f"  {name:<22}{_money(value, answer.currency)}" for name, value in _rows(answer) if value is not None]
    lines += ["", *_marks(answer), "", "  made from", *(f"    {_used(one, answer, now)}" for one in answer.used)]
    return [*lines, *(f"  note: {note}" for note in answer.notes)]


def _rows(answer: ProfitAnswer) -> list[tuple[str, float | None]]:
    return [
        ("revenue a day", answer.revenue_per_day),
        ("power a day", -answer.power_cost_per_day),
        ("heat saved a day", answer.heat_value_per_day),
        ("other costs a day", -answer.other_per_day if answer.other_per_day else None),
        ("net a day", answer.net_per_day),
        ("net a year", answer.net_per_day * DAYS_PER_YEAR),
    ]


def _marks(answer: ProfitAnswer) -> list[str]:
    never = "never" if answer.invested_amount else "-"
    roi = never if answer.roi_days is None else f"{answer.roi_days:,.0f} days"
    months = never if answer.break_even_months is None else f"{answer.break_even_months:,.1f} months"
    heat = "free" if answer.cope is None else f"as cheap as a heat pump of COP {answer.cope:.2f}"
    return [
        f"  {'paid back after':<22}{roi:>14}  ({months})" if answer.roi_days else f"  {'paid back after':<22}{roi:>14}",
        f"  {'earns':<22}{answer.earned_sats_per_kwh:>14,.0f} sat/kWh",
        f"  {'hashprice':<22}{answer.hashprice_usd_per_ph_day:>14,.2f} USD/PH/day",
        f"  {'breaks even at':<22}{answer.break_even_per_kwh:>14.4f} {answer.currency}/kWh",
        f"  {'or bitcoin at':<22}{answer.break_even_usd:>14,.0f} USD",
        f"  {'its heat is':<22}{heat}",
    ]


def _money(value: float, currency: str) -> str:
    return f"{value:>14,.2f} {currency}"


def _used(one: ValueUsed, answer: ProfitAnswer, now: datetime) -> str:
    value = f"{one.value / 1e12:,.2f} T" if one.name == "difficulty" and one.value > 1e12 else f"{one.value:,.10g}"
    unit = {**UNITS, "price_per_kwh": answer.currency, "currency_per_usd": f"{answer.currency}/USD"}.get(one.name, "")
    old = f", {age(max(0.0, (now - one.taken_at).total_seconds()))} old" if one.taken_at else ""
    return f"{one.name:<20}{value:>16} {unit:<12} {one.origin}{old}"
