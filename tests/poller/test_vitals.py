"""Normal, warning, critical: reached at the threshold, left only clearly below it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import Health, MinerError, MinerReading, MinerState
from hashbus_poller.vitals import Thresholds, judge

LIMITS = Thresholds(chip_warning_c=85, chip_critical_c=95, hysteresis_c=3, liquid_warning_c=55, liquid_critical_c=65)


def test_a_chip_that_warms_and_cools_rings_once_each_way() -> None:
    moments = """
        70  normal
        85  warning
        84  warning
        82  warning
        81  normal
        84  normal
        95  critical
        93  critical
        91  warning
        81  normal
    """
    health = Health.UNKNOWN
    for moment in moments.strip().splitlines():
        chip_c, expected = moment.split()
        reading = MinerReading(state=MinerState.MINING, chip_max_c=float(chip_c))
        health = judge(reading, LIMITS, health)
        assert health == expected, moment


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (MinerReading(state=MinerState.MINING), Health.NORMAL),
        (MinerReading(state=MinerState.FAULT), Health.CRITICAL),
        (MinerReading(state=MinerState.MINING, liquid_c=60), Health.WARNING),
        (MinerReading(state=MinerState.MINING, liquid_c=66), Health.CRITICAL),
        (MinerReading(state=MinerState.MINING, errors=(MinerError(code="531"),)), Health.WARNING),
        (MinerReading(state=MinerState.MINING, fans_rpm=(4000, 9000)), Health.WARNING),
    ],
)
def test_the_worst_finding_counts(reading: MinerReading, expected: Health) -> None:
    assert judge(reading, LIMITS, Health.NORMAL) is expected


WARMEST = {
    "chip_max_c": (LIMITS.chip_warning_c, LIMITS.chip_critical_c),
    "board_max_c": (LIMITS.board_warning_c, LIMITS.board_critical_c),
    "liquid_c": (LIMITS.liquid_warning_c, LIMITS.liquid_critical_c),
    "psu_c": (LIMITS.psu_warning_c, LIMITS.psu_critical_c),
}


@pytest.mark.parametrize(("sensor", "warning_c", "critical_c"), [(name, *levels) for name, levels in WARMEST.items()])
def test_every_temperature_has_two_levels_and_leaves_each_only_clearly_below(
    sensor: str, warning_c: float, critical_c: float
) -> None:
    health = Health.UNKNOWN
    for value_c, expected in (
        (warning_c - 0.1, Health.NORMAL),
        (warning_c, Health.WARNING),
        (warning_c - LIMITS.hysteresis_c, Health.WARNING),
        (critical_c, Health.CRITICAL),
        (critical_c - LIMITS.hysteresis_c, Health.CRITICAL),
        (critical_c - LIMITS.hysteresis_c - 0.1, Health.WARNING),
        (warning_c - LIMITS.hysteresis_c - 0.1, Health.NORMAL),
    ):
        health = judge(MinerReading.model_validate({"state": MinerState.MINING, sensor: value_c}), LIMITS, health)
        assert health is expected, value_c


@given(st.floats(0, 120), st.floats(0, 3), st.sampled_from([Health.UNKNOWN, *Health]))
def test_a_wobble_within_the_hysteresis_never_lowers_a_level(value_c: float, wobble_c: float, before: Health) -> None:
    def at(chip_c: float, before: Health) -> Health:
        return judge(MinerReading(state=MinerState.MINING, chip_max_c=chip_c), LIMITS, before)

    reached = at(value_c, before)
    if value_c >= LIMITS.chip_critical_c:
        assert at(value_c - wobble_c, reached) is Health.CRITICAL
    elif value_c >= LIMITS.chip_warning_c:
        assert at(value_c - wobble_c, reached) is not Health.NORMAL
