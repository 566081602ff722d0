"""People are told at the right moment: at once, in the morning, gathered, or only when nobody has looked."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import Alert, Severity
from hashbus_notifier.channel_settings import ChannelSettings, QuietHours
from hashbus_notifier.telling.plan import after_quiet, is_for, note_of, told_together

NIGHT = QuietHours(from_time=time(22, 0), until_time=time(7, 0))
BERLIN = ZoneInfo("Europe/Berlin")


def at(hour: int, minute: int = 0, day: int = 10) -> datetime:
    return datetime(2026, 1, day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


def alert(severity: Severity = Severity.WARNING, **more: object) -> Alert:
    fields = {"site": "home", "at": at(12), "key": "miner-offline-attic", "title": "attic is offline", "since": at(11)}
    return Alert(**{**fields, "severity": severity, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("moment", "severity", "told_at"),
    [
        (at(12), Severity.WARNING, at(12)),
        (at(23), Severity.WARNING, at(7, day=11)),
        (at(3), Severity.WARNING, at(7)),
        (at(3), Severity.CRITICAL, at(3)),
        (at(7), Severity.WARNING, at(7)),
        (at(22), Severity.INFO, at(7, day=11)),
    ],
)
def test_at_night_only_what_is_critical_wakes_anybody(moment: datetime, severity: Severity, told_at: datetime) -> None:
    assert after_quiet(moment, NIGHT, severity, BERLIN) == told_at


def test_that_a_critical_thing_is_over_wakes_nobody() -> None:
    assert after_quiet(at(3), NIGHT, Severity.CRITICAL, BERLIN, is_over=True) == at(7)


def test_the_hours_are_those_of_the_people_when_clocks_change() -> None:
    before_spring = datetime(2026, 3, 28, 23, 0, tzinfo=BERLIN)
    assert after_quiet(before_spring, NIGHT, Severity.INFO, BERLIN) == datetime(2026, 3, 29, 7, 0, tzinfo=BERLIN)


@given(st.integers(0, 2_000), st.sampled_from(Severity), st.times(), st.times())
def test_nobody_waits_longer_than_a_day_nor_is_told_early(
    minutes: int, severity: Severity, begins: time, ends: time
) -> None:
    begins, ends = begins.replace(microsecond=0, tzinfo=None), ends.replace(microsecond=0, tzinfo=None)
    if begins == ends:
        return
    moment = at(0) + timedelta(minutes=minutes)
    told_at = after_quiet(moment, QuietHours(from_time=begins, until_time=ends), severity, BERLIN)
    assert moment <= told_at <= moment + timedelta(days=1)


def test_a_channel_hears_what_it_wants_to() -> None:
    grave = ChannelSettings(from_severity=Severity.CRITICAL)
    assert not is_for(alert(Severity.WARNING), grave)
    assert is_for(alert(Severity.CRITICAL), grave)
    assert not is_for(alert(Severity.CRITICAL), ChannelSettings(kinds=("curtailment",)))
    assert is_for(alert(), ChannelSettings(kinds=("miner-",)))


def test_an_escalation_and_a_digest_wait_but_what_is_critical_is_not_gathered() -> None:
    def waits(severity: Severity, **more: float) -> float:
        note = note_of(alert(severity), "x", ChannelSettings(**more), at(12), BERLIN)  # type: ignore[arg-type]
        return (note.send_at - at(12)).total_seconds()

    assert waits(Severity.WARNING, after_s=600) == 600
    assert waits(Severity.WARNING, digest_s=900) == 900
    assert waits(Severity.CRITICAL, digest_s=900) == 0


def test_the_same_alert_heard_again_is_the_same_note_and_a_graver_one_is_another() -> None:
    channel = ChannelSettings()
    first = note_of(alert(), "x", channel, at(12), BERLIN)
    again = note_of(alert(at=at(13)), "x", channel, at(13), BERLIN)
    graver = note_of(alert(Severity.CRITICAL), "x", channel, at(13), BERLIN)
    over = note_of(alert(cleared_at=at(14)), "x", channel, at(14), BERLIN)
    assert first.mark == again.mark
    assert len({first.mark, graver.mark, over.mark}) == 3


def test_many_notes_are_one_message_that_says_how_many_it_leaves_out() -> None:
    text = told_together([f"{number} " + "x" * 400 for number in range(20)])
    assert len(text) < 4000
    assert "and 12 more" in text
