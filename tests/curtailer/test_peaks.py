"""A forecast of peaks: what a file may look like, what a mistake in it is told as, and what it asks for."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hashbus.health import Health
from hashbus_curtailer.triggers.inputs import PeaksInput
from hashbus_curtailer.triggers.peaks import BadForecast, Forecast, PeaksSettings, asked, parsed
from hashbus_curtailer.triggers.settings import Triggers
from hashbus_curtailer.triggers.step import State

NOON = datetime(2026, 7, 15, 12, 0, tzinfo=UTC)
CSV = """\
starts_at,ends_at,probability_pct,region
2026-07-15T17:00:00-05:00,2026-07-15T18:00:00-05:00,80,ERCOT
2026-07-15T16:00:00-05:00,2026-07-15T17:00:00-05:00,55,ERCOT
2026-07-15T18:00:00-05:00,2026-07-15T19:00:00-05:00,10,ERCOT
2026-07-16T16:00:00-05:00,2026-07-16T17:00:00-05:00,60,ERCOT
"""


def settings(**more: Any) -> PeaksSettings:
    return PeaksSettings.model_validate({"file": "peaks.csv", "level_pct": 0, **more})


def forecast(written_at: datetime = NOON) -> Forecast:
    return Forecast(parsed(CSV, ".csv"), written_at)


def test_probable_hours_that_touch_are_one_request() -> None:
    ask = asked(forecast(), settings(), NOON)
    assert ask
    assert ask.starts_at == datetime(2026, 7, 15, 21, 0, tzinfo=UTC)
    assert ask.ends_at == datetime(2026, 7, 15, 23, 0, tzinfo=UTC)
    assert ask.id == "peak-20260715T2100"
    assert "80 % probable" in ask.why


def test_a_higher_bar_leaves_the_surest_hour_alone() -> None:
    ask = asked(forecast(), settings(min_probability_pct=70, lead_s=600, tail_s=300), NOON)
    assert ask
    assert ask.starts_at == datetime(2026, 7, 15, 21, 50, tzinfo=UTC)
    assert ask.ends_at == datetime(2026, 7, 15, 23, 5, tzinfo=UTC)


def test_after_a_peak_the_next_of_the_coming_day_is_shown() -> None:
    ask = asked(forecast(), settings(), NOON + timedelta(hours=12))
    assert ask
    assert ask.id == "peak-20260716T2100"


def test_an_old_forecast_says_nothing() -> None:
    assert asked(forecast(NOON - timedelta(hours=37)), settings(), NOON) is None
    assert asked(None, settings(), NOON) is None


def test_json_says_the_same() -> None:
    text = '[{"starts_at": "2026-07-15T21:00:00Z", "ends_at": "2026-07-15T22:00:00Z", "probability_pct": 55}]'
    assert parsed(text, ".json") == parsed(CSV, ".csv")[:1]


@pytest.mark.parametrize(
    ("text", "suffix", "problem"),
    [
        ("hour,p\n", ".csv", "line 1: no column ends_at, probability_pct, starts_at"),
        ("starts_at,ends_at,probability_pct\n2026-07-15T16:00:00,x,1\n", ".csv", "line 2: starts_at: .*timezone.*got"),
        (CSV + "2026-07-15T16:00:00Z,2026-07-15T15:00:00Z,1\n", ".csv", "line 6: .*ends_at must be after starts_at"),
        (CSV.replace("80", "180"), ".csv", r"line 2: probability_pct: .*100.*got '180'"),
        ("{}", ".json", "is dict, not a list"),
        ("[", ".json", "is not JSON"),
    ],
)
def test_a_mistake_names_its_line_the_field_and_the_value(text: str, suffix: str, problem: str) -> None:
    with pytest.raises(BadForecast, match=problem):
        parsed(text, suffix)


def test_a_file_is_read_again_when_it_changes_and_a_broken_one_leaves_the_last_in_force(tmp_path: Path) -> None:
    file, health = tmp_path / "peaks.csv", Health("curtailer", "1", NOON)
    looked = PeaksInput(settings(file=file), health)
    state = State("farm", Triggers(), ZoneInfo("UTC"))
    assert looked.into(state).forecast is None
    assert "No such file" in health.problems[0]
    file.write_text(CSV)
    found = looked.into(state).forecast
    assert found
    assert len(found.peaks) == 4
    assert health.problems == ()
    file.write_text("nonsense")
    os.utime(file, (1, 1))
    assert looked.into(state).forecast == found
    assert "line 1: no column" in health.problems[0]
    # The mistake stays told until the file is another.
    looked.into(state)
    assert health.problems
