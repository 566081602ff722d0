"""When a device is visited next."""

import pytest

from hashbus_poller.polling import Pace

EVERY_TEN_SECONDS = Pace(interval_s=10, spread_s=0, offline_after=3, offline_retry_s=60)


@pytest.mark.parametrize(
    ("due_s", "begun_s", "next_s"),
    [
        pytest.param(100, 100, 110, id="on time: an interval later"),
        pytest.param(100, 100.4, 110, id="a little late: the pace is kept"),
        pytest.param(100, 93, 103, id="called early for a setpoint: an interval after that"),
    ],
)
def test_the_next_visit_is_an_interval_after_this_one(due_s: float, begun_s: float, next_s: float) -> None:
    assert EVERY_TEN_SECONDS.next_due_s(due_s, begun_s) == next_s
