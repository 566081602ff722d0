"""The calculator: any model or own figures, live values or given ones; it never promises what it cannot."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hashbus.messages import BitcoinPrice, CurrencyRates, NetworkState, PowerPrice
from hashbus.models import all_models
from hashbus.profit import CannotCalculate, HeatAsked, LiveMarket, ProfitAnswer, ProfitAsked, as_message, profit
from hashbus.profit.payback import CashFlow, payback_days

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
S3: dict[str, Any] = {"price_per_kwh": 0.10, "price_usd": 92_477, "difficulty": 152.27e12, "subsidy_btc": 3.125}
ALL_OF_IT = {"completeness_pct": 100, "sources_used": 4, "sources_total": 4}


def asked(**given: Any) -> ProfitAnswer:
    return profit(ProfitAsked.model_validate(given), LiveMarket(), NOW)


def live(**more: Any) -> LiveMarket:
    at = {"site": "home", "at": NOW - timedelta(seconds=60), "taken_at": NOW}
    heard: dict[str, Any] = {
        "bitcoin": BitcoinPrice(price_usd=100_000, **ALL_OF_IT, **at),
        "network": NetworkState(
            difficulty=150e12,
            hashrate_ehs=1073.7,
            subsidy_btc=3.125,
            fees_per_block_btc=0.02,
            height=900_000,
            sources_used=2,
            sources_total=2,
            completeness_pct=100,
            **at,
        ),
        "power": PowerPrice(
            currency="EUR",
            price_per_kwh=0.25,
            tariff="agile",
            sources_used=1,
            sources_total=1,
            completeness_pct=100,
            **at,
        ),
        "rates": CurrencyRates(per_usd={"EUR": 0.9}, origin="owner", completeness_pct=100, **at),
    }
    return LiveMarket(**{**heard, **more})


def test_s19_pro_of_the_requirements_loses_money_and_never_pays_back() -> None:
    answer = asked(model="S19 Pro", invested_each=11_000, **S3)
    assert answer.model == "Antminer S19 Pro"
    assert (answer.hashrate_ths, answer.power_w) == (110, 3250)
    assert answer.revenue_per_day == pytest.approx(4.20, abs=0.005)
    assert answer.power_cost_per_day == pytest.approx(7.80)
    assert answer.net_per_day == pytest.approx(-3.60, abs=0.005)
    assert answer.roi_days is None
    assert answer.break_even_months is None
    assert "never" in answer.verdict


def test_the_same_machine_on_cheap_power_pays_back_in_the_days_that_a_division_gives() -> None:
    answer = asked(model="S19 Pro", invested_each=1_000, **{**S3, "price_per_kwh": 0.02})
    net = 4.1997 - 3.25 * 24 * 0.02
    assert answer.net_per_day == pytest.approx(net, abs=0.001)
    assert answer.roi_days == pytest.approx(1000 / net, rel=1e-3)
    assert answer.break_even_months == pytest.approx(1000 / net / 30.4375, rel=1e-3)
    assert f"{answer.roi_days:,.0f} days" in answer.verdict


def test_ten_machines_earn_ten_times_as_much_and_pay_back_as_fast() -> None:
    cheap = {**S3, "price_per_kwh": 0.02}
    one, ten = (asked(model="S19 Pro", invested_each=1_000, units=units, **cheap) for units in (1, 10))
    assert ten.net_per_day == pytest.approx(10 * one.net_per_day)
    assert ten.roi_days == pytest.approx(one.roi_days)


@pytest.mark.parametrize("spelling", ["s19pro", "Antminer S19 Pro (110TH)", "bitmain s19 PRO", "S19 Pro 110T"])
def test_a_model_is_found_however_it_is_spelled(spelling: str) -> None:
    assert asked(model=spelling, **S3).model == "Antminer S19 Pro"


def test_every_model_of_the_table_that_has_figures_can_be_calculated() -> None:
    rated = [one for one in all_models() if one.rated_hashrate_ths and one.rated_power_w]
    assert len(rated) > 100
    for one in rated:
        answer = asked(model=f"{one.make} {one.model}", **S3)
        assert answer.revenue_per_day > 0


def test_own_figures_win_over_the_data_sheet() -> None:
    answer = asked(model="S19 Pro", power_w=2400, hashrate_ths=90, **S3)
    assert (answer.hashrate_ths, answer.power_w) == (90, 2400)
    assert {one.name: one.origin for one in answer.used}["power_w"] == "given"


def test_what_is_not_given_is_taken_live_and_says_so() -> None:
    answer = profit(ProfitAsked(model="S21"), live(), NOW)
    assert answer.currency == "EUR"
    origins = {one.name: one.origin for one in answer.used}
    assert origins["price_usd"] == origins["price_per_kwh"] == origins["fees_per_block_btc"] == "live"
    assert origins["hashrate_ths"] == "data sheet"
    mined_btc = 200e12 * 86_400 * 3.145 / (150e12 * 2**32)
    assert answer.revenue_per_day == pytest.approx(mined_btc * 100_000 * 0.9)


def test_an_old_price_is_used_with_its_age_beside_it() -> None:
    bitcoin = live().bitcoin
    assert bitcoin
    old = bitcoin.model_copy(update={"at": NOW - timedelta(hours=3)})
    answer = profit(ProfitAsked(model="S21"), live(bitcoin=old), NOW)
    assert answer.notes == ("price_usd is 3 h old: its source is silent",)


def test_a_payback_beyond_the_halving_says_that_the_subsidy_halves_before() -> None:
    question = ProfitAsked(model="S21", price_per_kwh=0.05, currency="USD", invested_each=20_000)
    answer = profit(question, live(), NOW)
    assert answer.roi_days
    assert answer.roi_days > 1042
    assert answer.notes == ("the subsidy halves in about 1,042 days, before the machine has paid itself back",)


@pytest.mark.parametrize(
    ("given", "field", "hint"),
    [
        ({"model": "S19 Prp", **S3}, "model", "did you mean Antminer S19 Pro"),
        ({"hashrate_ths": 100, **S3}, "power_w", "is missing"),
        ({"model": "S21", "price_per_kwh": 0.1}, "price_usd", "is missing"),
        ({"model": "S21", "price_usd": 9e4, "difficulty": 1e14}, "price_per_kwh", "is missing"),
        ({"model": "S21", "currency": "EUR", **S3}, "currency_per_usd", "what a dollar costs in EUR"),
        ({"hashrate_ths": 1e6, "power_w": 1, **S3}, "power_w", "J/TH"),
        ({"hashrate_ths": 1e6, "power_w": 1e7, **S3, "difficulty": 1}, "hashrate_ths", "more than the whole network"),
        ({"model": "S21", "heat": {"displaces": "gas"}, **S3}, "heat.fuel_per_kwh", "is missing"),
    ],
)
def test_what_is_missing_or_absurd_is_named(given: dict[str, Any], field: str, hint: str) -> None:
    with pytest.raises(CannotCalculate, match=hint) as raised:
        asked(**given)
    assert raised.value.field == field


def test_a_tariff_in_euro_does_not_price_a_calculation_in_dollars() -> None:
    with pytest.raises(CannotCalculate, match="the tariff is in EUR"):
        profit(ProfitAsked(model="S21", currency="USD"), live(), NOW)


@pytest.mark.parametrize(
    "wrong", [{"power_w": -1}, {"hashrate_ths": 0}, {"units": 0}, {"price_usd": float("nan")}, {"currency": "euro"}]
)
def test_impossible_figures_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ProfitAsked(**wrong)


def test_used_heat_turns_a_loss_into_a_gain() -> None:
    heat = HeatAsked(displaces="gas", fuel_per_kwh=0.12, efficiency_pct=90)
    answer = asked(model="S19 Pro", heat=heat.model_dump(), **S3)
    assert answer.heat_value_per_day == pytest.approx(78 * 0.12 / 0.9)
    assert answer.net_per_day == pytest.approx(-3.60 + 10.40, abs=0.01)
    assert answer.cope == pytest.approx(7.8 / 3.6, abs=0.01)


def test_growing_difficulty_makes_the_payback_longer_or_never() -> None:
    flow = CashFlow(mined=10, other_income=0, costs=4)
    assert payback_days(600, flow) == pytest.approx(100)
    grown = payback_days(600, flow, 3)
    assert grown
    assert 100 < grown < 130
    assert payback_days(3000, flow, 3) is None
    assert payback_days(600, CashFlow(mined=3, other_income=0, costs=4), 3) is None


def test_shrinking_difficulty_can_rescue_a_small_loss() -> None:
    assert payback_days(600, CashFlow(mined=3.9, other_income=0, costs=4), -3) is not None


@given(
    st.floats(0.01, 4e3),
    st.floats(0.5, 2000),
    st.floats(-1, 5),
    st.floats(1, 1e6),
    st.floats(1e3, 1e7),
    st.floats(0, 9),
)
def test_a_return_is_never_negative(
    hashrate_ths: float, j_per_th: float, per_kwh: float, invested: float, price_usd: float, growth: float
) -> None:
    answer = asked(
        hashrate_ths=hashrate_ths,
        power_w=hashrate_ths * j_per_th,
        price_per_kwh=per_kwh,
        price_usd=price_usd,
        difficulty=1e14,
        invested_each=invested,
        difficulty_growth_pct=growth,
    )
    assert answer.roi_days is None or answer.roi_days > 0
    assert (answer.roi_days is None) == ("never" in answer.verdict)
    message = as_message(answer, site="home", source="cli", now=NOW)
    assert type(message).decode(message.encode(), message.address()) == message


def test_a_machine_that_never_breaks_even_at_any_price_can_still_be_kept() -> None:
    answer = asked(hashrate_ths=1e-4, power_w=900, price_per_kwh=5, price_usd=90_000, difficulty=1e14)
    assert answer.break_even_usd > 1e9
    assert as_message(answer, site="home", source="cli", now=NOW).break_even_usd is None


def test_oil_is_billed_by_the_litre_of_ten_kilowatt_hours() -> None:
    by_litre = HeatAsked(displaces="oil", oil_per_litre=1.1, efficiency_pct=80).displaced()
    assert by_litre.value_per_kwh(None) == pytest.approx(0.11 / 0.8)


@given(
    hashrate_ths=st.floats(1e-6, 1e6),
    j_per_th=st.floats(0.1, 1e7),
    units=st.integers(1, 10_000),
    per_kwh=st.floats(-1e6, 1e6),
    price_usd=st.floats(1e-6, 1e9),
    difficulty=st.floats(1, 1e20),
    per_usd=st.floats(1e-6, 1e7),
    invested=st.floats(1e-6, 1e9),
)
def test_whatever_is_asked_the_answer_can_be_kept_or_the_mistake_is_named(
    hashrate_ths: float,
    j_per_th: float,
    units: int,
    per_kwh: float,
    price_usd: float,
    difficulty: float,
    per_usd: float,
    invested: float,
) -> None:
    question = {
        "hashrate_ths": hashrate_ths,
        "power_w": min(1e7, hashrate_ths * j_per_th),
        "units": units,
        "price_per_kwh": per_kwh,
        "currency": "EUR",
        "currency_per_usd": per_usd,
        "price_usd": price_usd,
        "difficulty": difficulty,
        "invested_each": invested,
    }
    try:
        answer = asked(**question)
    except CannotCalculate:
        return
    message = as_message(answer, site="home", source="cli", now=NOW)
    assert type(message).decode(message.encode(), message.address()) == message
    assert answer.model_validate_json(answer.model_dump_json()) == answer
