"""What mining earns: the formulas against figures worked out by hand, and the laws they must keep."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus import economics
from hashbus.economics import DisplacedHeat, HeatSource, Prices, earnings

S3_DIFFICULTY = 152.27e12
S3_PRICE_USD = 92_477.0


@pytest.mark.parametrize(
    ("height", "btc"),
    [
        (0, 50),
        (209_999, 50),
        (210_000, 25),
        (839_999, 6.25),
        (840_000, 3.125),
        (1_049_999, 3.125),
        (1_050_000, 1.5625),
        (6_929_999, 0.00000001),  # the last block with a subsidy
        (6_930_000, 0),
        (20_000_000, 0),
    ],
)
def test_the_subsidy_halves_every_210_000_blocks_in_whole_satoshis(height: int, btc: float) -> None:
    assert economics.subsidy_btc(height) == pytest.approx(btc, abs=1e-12)


def test_blocks_to_the_halving_count_down_to_it() -> None:
    assert economics.blocks_to_halving(1_049_999) == 1
    assert economics.blocks_to_halving(1_050_000) == 210_000


def test_the_networks_hashrate_follows_from_its_difficulty() -> None:
    assert economics.network_hashrate_ehs(S3_DIFFICULTY) == pytest.approx(1089.99, abs=0.01)


def test_the_worked_example_of_the_requirements_is_a_loss() -> None:
    mined_btc = economics.mined_btc_per_day(110, S3_DIFFICULTY, 3.125)
    assert mined_btc == pytest.approx(4.541e-5, rel=1e-4)
    hashprice = economics.hashprice_usd_per_ph_day(S3_DIFFICULTY, 3.125, S3_PRICE_USD)
    assert hashprice == pytest.approx(38.18, abs=0.01)
    day = earnings(
        3250, 110, Prices(hashprice_usd_per_ph_day=hashprice, price_usd=S3_PRICE_USD, per_usd=1.0, per_kwh=0.10)
    )
    assert day.revenue_per_day == pytest.approx(4.20, abs=0.005)
    assert day.power_cost_per_day == pytest.approx(7.80)
    assert day.margin_per_day == pytest.approx(-3.60, abs=0.005)


def test_both_forms_of_the_revenue_formula_agree() -> None:
    share = 110 / (economics.network_hashrate_ehs(S3_DIFFICULTY) * 1e6)
    assert share * 144 * 3.125 == pytest.approx(economics.mined_btc_per_day(110, S3_DIFFICULTY, 3.125))


def test_at_the_break_even_prices_nothing_is_left() -> None:
    prices = Prices(hashprice_usd_per_ph_day=40, price_usd=80_000, per_usd=0.9, per_kwh=0.08)
    day = earnings(3500, 200, prices)
    assert day.break_even_per_kwh is not None
    assert day.break_even_usd is not None
    dear = Prices(hashprice_usd_per_ph_day=40, price_usd=80_000, per_usd=0.9, per_kwh=day.break_even_per_kwh)
    assert earnings(3500, 200, dear).margin_per_day == pytest.approx(0, abs=1e-9)
    cheap = 40 * day.break_even_usd / 80_000
    low = Prices(hashprice_usd_per_ph_day=cheap, price_usd=day.break_even_usd, per_usd=0.9, per_kwh=0.08)
    assert earnings(3500, 200, low).margin_per_day == pytest.approx(0, abs=1e-9)


def test_the_pools_fee_comes_off_the_revenue() -> None:
    assert economics.revenue_usd_per_day(1000, 50, pool_fee_pct=2) == pytest.approx(49)


@pytest.mark.parametrize(
    ("heat", "per_kwh", "worth"),
    [
        (DisplacedHeat(HeatSource.GAS, fuel_per_kwh=0.12, efficiency_pct=90), 0.30, 0.1333),
        (DisplacedHeat(HeatSource.OIL, fuel_per_kwh=0.11, efficiency_pct=85), 0.30, 0.1294),
        (DisplacedHeat(HeatSource.DISTRICT, fuel_per_kwh=0.14), 0.30, 0.14),
        (DisplacedHeat(HeatSource.RESISTIVE), 0.30, 0.30),
        (DisplacedHeat(HeatSource.HEAT_PUMP, cop=3), 0.30, 0.10),
        (DisplacedHeat(HeatSource.HEAT_PUMP, cop=3, used_pct=50), 0.30, 0.05),
        (DisplacedHeat(HeatSource.GAS), 0.30, None),
        (DisplacedHeat(HeatSource.HEAT_PUMP, cop=3), None, None),
    ],
)
def test_heat_is_worth_what_the_other_heater_would_have_cost(
    heat: DisplacedHeat, per_kwh: float | None, worth: float | None
) -> None:
    expected = worth if worth is None else pytest.approx(worth, abs=1e-4)
    assert heat.value_per_kwh(per_kwh) == expected


def test_cope_is_the_cop_of_the_heat_pump_that_heats_as_cheaply() -> None:
    # Of each kWh at 0.30, mining pays back 0.20: heat costs 0.10 a kWh, as with a heat pump of COP 3.
    assert economics.cope(0.30, 0.20) == pytest.approx(3)
    assert economics.cope(0.30, 0.0) == pytest.approx(1)


@pytest.mark.parametrize(("price", "revenue"), [(0.10, 0.10), (0.10, 0.12), (0.0, 0.05), (-0.02, 0.05)])
def test_no_heat_pump_matches_free_heat(price: float, revenue: float) -> None:
    assert economics.cope(price, revenue) is None


def test_depreciation_is_even_over_its_months() -> None:
    assert economics.depreciation_per_day(3652.5, 120) == pytest.approx(1.0)


def test_what_nobody_knows_stays_unknown_and_is_never_zero() -> None:
    nothing = earnings(3000, 100, Prices(hashprice_usd_per_ph_day=None, price_usd=None, per_kwh=0.1))
    assert (nothing.revenue_per_day, nothing.margin_per_day, nothing.break_even_usd) == (None, None, None)
    assert nothing.power_cost_per_day == pytest.approx(7.2)
    no_rate = earnings(3000, 100, Prices(hashprice_usd_per_ph_day=40, price_usd=9e4, currency="EUR", per_kwh=0.1))
    assert no_rate.revenue_usd_per_day == pytest.approx(4)
    assert (no_rate.revenue_per_day, no_rate.net_per_day) == (None, None)


def test_a_miner_that_is_off_breaks_even_at_no_price() -> None:
    day = earnings(0, 0, Prices(hashprice_usd_per_ph_day=40, price_usd=9e4, per_usd=1.0, per_kwh=0.1))
    assert day.margin_per_day == 0
    assert (day.break_even_per_kwh, day.break_even_usd, day.earned_sats_per_kwh) == (None, None, None)


@given(
    st.floats(1, 1e6), st.floats(0.01, 1e5), st.floats(0.1, 1e3), st.floats(-1, 2), st.floats(0, 100), st.floats(0.1, 9)
)
def test_a_result_is_the_sum_of_its_parts(
    power_w: float, hashrate_ths: float, hashprice: float, per_kwh: float, fee: float, per_usd: float
) -> None:
    heat = DisplacedHeat(HeatSource.GAS, fuel_per_kwh=0.1)
    prices = Prices(
        hashprice_usd_per_ph_day=hashprice, price_usd=9e4, per_usd=per_usd, per_kwh=per_kwh, pool_fee_pct=fee
    )
    day = earnings(power_w, hashrate_ths, prices, heat=heat, depreciation=1.5)
    parts = (day.revenue_per_day, day.power_cost_per_day, day.heat_value_per_day, day.net_per_day)
    revenue, cost, value, net = (part if part is not None else float("nan") for part in parts)
    assert net == pytest.approx(revenue - cost + value - 1.5, rel=1e-9, abs=1e-6)
    assert revenue >= 0
