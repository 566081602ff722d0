"""How watts become a frequency and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus_poller.drivers.bitaxe.steps import Options, by_data_sheet, measured, step_within, steps

GAMMA = Options((400.0, 490.0, 525.0, 550.0, 600.0, 625.0), 525.0, 1150.0)


def test_power_scales_with_frequency_above_the_part_that_does_not_change() -> None:
    curve = measured(18.25, 525.0, 1150.0, nominal_v=5)
    assert curve is not None
    assert curve.level_w(525.0) == 18.5, "rounded up to half a watt"
    assert curve.level_w(262.5) == 10.5, "2.5 W stay, the rest halves"


def test_without_a_measurement_the_data_sheet_counts_with_the_square_of_the_voltage() -> None:
    at_rated = by_data_sheet(19.0, GAMMA, core_mv=1150.0, nominal_v=5)
    at_less = by_data_sheet(19.0, GAMMA, core_mv=1035.0, nominal_v=5)
    assert at_rated is not None
    assert at_less is not None
    assert at_rated.level_w(525.0) == 19.0
    assert at_less.w_per_mhz == pytest.approx(at_rated.w_per_mhz * 0.81)


def test_a_board_that_draws_next_to_nothing_is_no_measure() -> None:
    assert measured(2.2, 525.0, 1150.0, nominal_v=5) is None


def test_no_step_is_above_what_the_board_is_made_for() -> None:
    curve = measured(18.25, 525.0, 1150.0, nominal_v=5)
    assert curve is not None
    assert [step.frequency_mhz for step in steps(GAMMA, curve, 19.5)] == [400.0, 490.0, 525.0, 550.0]


def test_of_two_frequencies_that_draw_the_same_the_faster_stays() -> None:
    curve = measured(6.0, 500.0, 1150.0, nominal_v=5)
    assert curve is not None
    crowded = steps(Options((485.0, 490.0, 500.0), 500.0, 1150.0), curve, None)
    assert [(step.frequency_mhz, step.power_w) for step in crowded] == [(500.0, 6.0)]


@given(
    power_w=st.floats(3, 200),
    mhz=st.floats(50, 1200),
    options=st.lists(st.floats(50, 1200), min_size=1, max_size=12),
    cap_w=st.floats(0, 300),
)
def test_a_cap_is_a_cap(power_w: float, mhz: float, options: list[float], cap_w: float) -> None:
    curve = measured(power_w, mhz, 1150.0, nominal_v=5)
    assert curve is not None
    taken = steps(Options(tuple(options), mhz, 1150.0), curve, None)
    step = step_within(taken, cap_w)
    if step is None:
        assert all(one.power_w > cap_w for one in taken)
    else:
        assert step.power_w <= cap_w
        assert curve.level_w(step.frequency_mhz) == step.power_w, "what is set reads back as what was asked"
