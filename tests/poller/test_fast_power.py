"""Fast modulation: a part of a standing limit, within a second and without a restart; never more than may be drawn."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import Capability, MinerIdentity, MinerReading, MinerState, PowerSetpoint
from hashbus_poller.modulation import in_force_pct, is_left_over, is_pending, wanted_percent
from hashbus_poller.setpoints import Act, Wanted, asked, lapsed

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CAN = MinerIdentity(capabilities=(Capability.POWER_LIMIT, Capability.POWER_PERCENT, Capability.SLEEP))
CANNOT = MinerIdentity(capabilities=(Capability.POWER_LIMIT, Capability.SLEEP))


def wanted(power_w: float, limit_w: float | None = 3600) -> Wanted:
    until = NOW + timedelta(minutes=5)
    told = {"power_w": power_w, "limit_w": limit_w, "valid_until": until, "reason": "test"}
    return Wanted(PowerSetpoint.model_validate({"site": "home", "at": NOW, "miner": "attic", **told}), ends_s=300)


def shows(limit_w: float | None = 3600, **more: Any) -> MinerReading:
    return MinerReading.model_validate({"state": MinerState.MINING, "power_limit_w": limit_w, **more})


@pytest.mark.parametrize(
    ("setpoint", "reading", "who", "percent"),
    [
        (wanted(1800), shows(), CAN, 50),
        (wanted(3600), shows(), CAN, 100),
        (wanted(1800, None), shows(), CAN, None),  # nobody wants it so
        (wanted(1800), shows(), CANNOT, None),
        (wanted(1800), shows(3000), CAN, None),  # it does not stand at that limit
        (wanted(1800), shows(None), CAN, None),
        (wanted(1800), shows(state=MinerState.TUNING), CAN, None),
        (wanted(0), shows(), CAN, None),  # sleep is sleep
        (wanted(3700), shows(), CAN, None),  # above its limit there is nothing to modulate
    ],
)
def test_when_a_percentage_is_wanted(
    setpoint: Wanted, reading: MinerReading, who: MinerIdentity, percent: int | None
) -> None:
    assert wanted_percent(setpoint, reading, who) == percent


@given(st.floats(1, 5000), st.floats(100, 5000))
def test_never_more_is_drawn_than_may_be(power_w: float, limit_w: float) -> None:
    percent = wanted_percent(wanted(power_w, limit_w), shows(limit_w), CAN)
    if percent is not None and percent > 1:
        assert limit_w * percent / 100 <= power_w + 1e-6


def test_what_was_asked_a_moment_ago_is_not_asked_again_unless_something_else_is_wanted() -> None:
    before = asked(wanted(1800), Act.PERCENT, 1800, shows(), now_s=100)
    assert is_pending(before, 110)
    assert not is_pending(before, 116)
    assert not is_pending(asked(wanted(1800), Act.LIMIT, 1800, shows(), now_s=100), 110)
    assert not is_pending(asked(wanted(1500), Act.PERCENT, 1800, shows(), now_s=100), 110)


def test_it_counts_as_no_raise() -> None:
    assert asked(wanted(3600), Act.PERCENT, 3600, shows(), now_s=100).raises_s == ()


def test_a_percentage_that_nobody_wants_any_more_is_left_over() -> None:
    assert is_left_over(shows(power_percent_pct=70), CAN)
    assert not is_left_over(shows(power_percent_pct=100), CAN)
    assert not is_left_over(shows(), CAN)
    assert not is_left_over(shows(power_percent_pct=70), CANNOT)
    assert in_force_pct(shows()) == 100


def test_after_the_lease_the_safe_power_is_a_limit_of_its_own() -> None:
    assert lapsed(wanted(1800), 2000).setpoint.limit_w is None
