"""Questions about the past: what is understood, and what is said to what is not."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus_recorder.chart import sparkline
from hashbus_recorder.questions import MOST_POINTS, Asked, parse
from hashbus_recorder.repository import BadQuestion
from hashbus_recorder.steps import NICE_STEPS_S, bucket_runs, chart_step_s

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def asked(finest_s: int = 30, **parameters: str) -> Asked:
    return parse(parameters, NOW, finest_s=finest_s)


def test_without_a_word_it_is_the_last_three_days_in_about_a_thousand_points() -> None:
    found = asked(device="attic").question

    assert (found.start, found.stop) == (NOW - timedelta(days=3), NOW)
    assert (found.measurement, found.step_s, found.fields) == ("miner", 300, ())


@pytest.mark.parametrize(
    ("days", "step_s"), [("0.04", 30), ("0.25", 30), ("1", 120), ("3", 300), ("7", 900), ("30", 3600), ("365", 43_200)]
)
def test_a_wider_window_takes_a_wider_step(days: str, step_s: int) -> None:
    assert asked(days=days).question.step_s == step_s


@given(st.integers(1, 400 * 86_400), st.integers(0, 10**6), st.integers(2, 2000))
def test_a_chart_never_has_more_points_than_asked(length_s: int, offset_s: int, max_points: int) -> None:
    start = NOW + timedelta(seconds=offset_s)
    step_s = chart_step_s(start, start + timedelta(seconds=length_s), max_points)
    first = int(start.timestamp()) // step_s
    last = -(-(int(start.timestamp()) + length_s) // step_s)

    assert last - first <= max_points or step_s == NICE_STEPS_S[-1]


@given(st.lists(st.integers(0, 10_000), unique=True).map(sorted), st.integers(1, 3000))
def test_buckets_hold_every_moment_once(times: list[int], step: int) -> None:
    runs = list(bucket_runs(times, step))

    assert [time for _, first, after in runs for time in times[first:after]] == times
    assert all(bucket <= time < bucket + step for bucket, first, after in runs for time in times[first:after])


def test_moments_and_widths_may_be_given() -> None:
    found = asked(**{"from": "2026-03-01T00:00:00+01:00", "to": "2026-03-01T12:00:00Z"}, step="15m", fields="a, b,a")

    assert found.question.start == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert (found.question.step_s, found.question.fields) == (900, ("a", "b"))
    assert asked(step="raw").is_raw


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"days": "-1"}, "days: '-1' is not a number of days above 0"),
        ({"days": "nan"}, "days: 'nan' is not"),
        ({"days": "99999"}, "at most 3660"),
        ({"days": "three"}, "such as 3 or 0.25"),
        ({"from": "yesterday"}, "from: 'yesterday' is not a moment such as 2026-"),
        ({"from": "2026-04-01T00:00:00Z"}, "from: .* is not before"),
        ({"from": "2009-01-01", "to": "2026-01-01"}, "more than 3660 days before"),
        ({"from": "0001-01-01"}, "between the years"),
        ({"from": "2026-03-01", "days": "3"}, "days: cannot stand beside"),
        ({"step": "0"}, "step: '0' is no step; write auto, raw"),
        ({"step": "5 minutes"}, "such as 5m"),
        ({"step": "1s"}, f"step: 1s makes 259200 points; at most {MOST_POINTS}"),
        ({"max_points": "many"}, "max_points: 'many' is not a whole number from 1 to"),
        ({"max_points": "٣"}, "max_points"),
        ({"measurement": "miner; DROP"}, "measurement: 'miner; DROP' is not right"),
        ({"device": "../etc"}, "device: '../etc' is not right"),
        ({"fields": "power_w,x'"}, 'fields: "x\'" is not right'),
        ({"fields": ",".join(f"f{number}" for number in range(60))}, "fields: 60 are too many; at most 50"),
        ({"feilds": "power_w"}, "feilds: is not known; known are measurement, device, fields"),
    ],
)
def test_a_mistake_is_named_with_what_would_be_right(parameters: dict[str, str], says: str) -> None:
    with pytest.raises(BadQuestion, match=says):
        asked(**parameters)


@given(st.dictionaries(st.sampled_from(["days", "from", "to", "step", "fields", "device", "max_points"]), st.text()))
def test_nothing_that_can_be_typed_breaks_the_reader(parameters: dict[str, str]) -> None:
    with suppress(BadQuestion):
        asked(**parameters)


def test_a_sparkline_shows_the_course_and_the_gaps() -> None:
    assert sparkline([0, 1, None, 7]) == "▁▂ █"
    assert sparkline([5, 5]) == "▄▄"
    assert sparkline([None, None]) == "  "
