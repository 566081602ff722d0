"""Recurring hours: on the clock of the site, over midnight, over the change of summer time."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from hashbus_curtailer.triggers import schedule
from hashbus_curtailer.triggers.schedule import Window, asked

CHICAGO = ZoneInfo("America/Chicago")


def window(**more: Any) -> Window:
    fields = {"name": "peak", "begins": "16:00", "ends": "20:00", "level_pct": 0}
    return Window.model_validate({**fields, **more})


def local(text: str, zone: ZoneInfo = CHICAGO) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("now", "begins", "ends"),
    [
        # a Wednesday in summer
        ("2026-07-15 17:00", "2026-07-15 16:00", "2026-07-15 20:00"),
        ("2026-07-15 12:00", "2026-07-15 16:00", "2026-07-15 20:00"),
        # after its end the next one of the coming day
        ("2026-07-15 21:00", "2026-07-16 16:00", "2026-07-16 20:00"),
        # on a Friday evening nothing of the coming day: it is a Saturday
        ("2026-07-17 21:00", None, None),
        # and on a Sunday evening Monday's
        ("2026-07-19 21:00", "2026-07-20 16:00", "2026-07-20 20:00"),
    ],
)
def test_weekdays_from_four_to_eight(now: str, begins: str | None, ends: str | None) -> None:
    ask = asked((window(days=["mon", "tue", "wed", "thu", "fri"]),), CHICAGO, local(now))
    assert (ask and (ask.starts_at, ask.ends_at)) == (begins and ends and (local(begins), local(ends)))


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    night = window(begins="22:00", ends="06:00", days=["fri"])
    ask = asked((night,), CHICAGO, local("2026-07-18 03:00"))
    assert ask
    assert (ask.starts_at, ask.ends_at) == (local("2026-07-17 22:00"), local("2026-07-18 06:00"))
    assert asked((night,), CHICAGO, local("2026-07-19 03:00")) is None


@pytest.mark.parametrize(("day", "hours"), [("2026-03-08", 3), ("2026-03-09", 4), ("2026-11-01", 5)])
def test_hours_are_those_of_the_clock_on_the_wall_when_summer_time_changes(day: str, hours: int) -> None:
    ask = asked((window(begins="00:30", ends="04:30"),), CHICAGO, local(f"{day} 00:45"))
    assert ask
    assert ask.ends_at - ask.starts_at == timedelta(hours=hours)


def test_months_and_dates_that_do_not_count_are_left_out() -> None:
    summer = window(months=[6, 7, 8, 9], except_on=[date(2026, 7, 3)])
    assert asked((summer,), CHICAGO, local("2026-07-02 17:00"))
    next_one = asked((summer,), CHICAGO, local("2026-07-03 17:00"))
    assert next_one
    assert next_one.starts_at == local("2026-07-04 16:00")
    assert asked((summer,), CHICAGO, local("2026-10-02 17:00")) is None


def test_of_two_windows_at_a_time_the_first_of_the_list_counts() -> None:
    short, long = window(name="short", begins="17:00", ends="18:00", level_pct=50), window(name="long")
    now = local("2026-07-15 17:30")
    ask = asked((short, long), CHICAGO, now)
    assert ask
    assert ask.id == "short-20260715"
    after = asked((short, long), CHICAGO, now + timedelta(hours=1))
    assert after
    assert after.id == "long-20260715"


def test_the_request_is_the_same_all_the_time() -> None:
    asks = {asked((window(),), CHICAGO, local("2026-07-15 16:00") + timedelta(minutes=m)) for m in range(0, 240, 7)}
    assert len(asks) == 1


def test_hours_without_quotes_are_hours() -> None:
    # YAML 1.1 reads 16:00 as 960.
    assert window(begins=960, ends=1200) == window()
    assert window(begins="20:00", ends="24:00").ends.hour == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"begins": "25:00"},
        {"days": ["someday"]},
        {"months": [13]},
        {"level_pct": None},
        {"target_w": 5000},
        {"strategy": "cheapest"},
    ],
)
def test_what_is_wrong_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        window(**wrong)


def test_moments_are_in_utc() -> None:
    ask = asked((window(),), CHICAGO, local("2026-07-15 17:00"))
    assert ask
    assert ask.starts_at == datetime(2026, 7, 15, 21, 0, tzinfo=UTC)
    assert schedule.SOURCE == "schedule"
