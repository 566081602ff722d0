"""Normal, warning, critical: reached at the threshold, left only clearly below it."""

import pytest

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
