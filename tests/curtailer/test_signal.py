"""Signals on topics of somebody else: what they say, who goes before whom, and what silence means."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from hashbus.messages import CurtailmentRequest
from hashbus_curtailer.triggers import signal
from hashbus_curtailer.triggers.ask import Ask, request_of
from hashbus_curtailer.triggers.signal import Said, Signal, SignalSettings

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def settings(*sources: dict[str, Any], **more: Any) -> SignalSettings:
    usual = {"topic": "grid/dispatch", "reads": "target_w", "stale_after_s": 60}
    named = [{**usual, "name": f"s{number}", **source} for number, source in enumerate(sources, start=1)]
    return SignalSettings.model_validate({"sources": named, **more})


def said(content: Any, at: datetime | None = NOON) -> Said:
    return Said(content.encode() if isinstance(content, str) else json.dumps(content).encode(), at)


class Story:
    """A signal over time, with the request that came of it before."""

    def __init__(self, chosen: SignalSettings) -> None:
        self.settings = chosen
        self.signal = Signal()
        self.before: CurtailmentRequest | None = None

    def hears(self, name: str, content: Any, at_s: float) -> None:
        [source] = [one for one in self.settings.sources if one.name == name]
        self.signal = signal.heard(self.signal, source, said(content, NOON + timedelta(seconds=at_s)))

    def asks(self, at_s: float) -> Ask | None:
        now = NOON + timedelta(seconds=at_s)
        self.signal = signal.counted(self.signal, self.settings, self.before, now)
        ask = signal.asked(self.signal, self.settings, self.before, now)
        self.before = request_of(ask, "farm", signal.SOURCE, now) if ask else None
        return ask


def much(ask: Ask | None) -> tuple[float | None, float | None, float | None] | None:
    return ask and (ask.much.target_w, ask.much.level_pct, ask.much.limit_w)


@pytest.mark.parametrize(
    ("source", "content", "asks"),
    [
        ({}, "5000", (5000, None, None)),
        (
            {"path": "dispatch.sites[1].kw", "scale": 1000},
            {"dispatch": {"sites": [{}, {"kw": 250}]}},
            (250e3, None, None),
        ),
        ({}, "0", None),
        ({"reads": "level_pct"}, "40", (None, 40, None)),
        ({"reads": "level_pct"}, "100", None),
        ({"reads": "limit_w", "path": "[0]"}, [0], (None, None, 0)),
        ({"reads": "is_on", "path": "state"}, {"state": "ON"}, (None, 0, None)),
        ({"reads": "is_on"}, "false", None),
        ({"reads": "price_per_kwh", "strike": {"strike_per_kwh": 0.2}}, "0.31", (None, 0, None)),
        ({"reads": "price_per_kwh", "strike": {"strike_per_kwh": 0.2}}, "0.19", None),
    ],
)
def test_a_number_asks_for_what_it_says(source: dict[str, Any], content: Any, asks: Any) -> None:
    story = Story(settings(source))
    story.hears("s1", content, 0)
    assert much(story.asks(1)) == asks


@pytest.mark.parametrize(
    ("source", "content", "problem"),
    [
        ({}, "much", "grid/dispatch: the payload is 'much', which is no number"),
        ({}, "-5", "target_w is -5, not between 0 and 5e+09"),
        ({}, "NaN", "is nan, which is no number"),
        ({"path": "a.b"}, {"a": 1}, "there is no a.b in {'a': 1}"),
        ({"reads": "level_pct"}, "140", "level_pct is 140, not between 0 and 100"),
        ({"until_path": "until"}, {"until": "2026-03-01T14:00:00"}, "a time without an offset"),
    ],
)
def test_what_cannot_be_read_is_said_and_what_was_said_before_goes_on(
    source: dict[str, Any], content: Any, problem: str
) -> None:
    story = Story(settings(source))
    story.hears("s1", content, 0)
    assert problem in story.signal.problems["s1"]
    assert story.asks(1) is None


def test_a_broken_word_does_not_end_what_runs() -> None:
    story = Story(settings({}))
    story.hears("s1", "5000", 0)
    story.hears("s1", "???", 20)
    assert much(story.asks(30)) == (5000, None, None)
    assert story.asks(61) is None


def test_the_first_fresh_source_counts() -> None:
    story = Story(settings({}, {"topic": "backup"}))
    story.hears("s2", "2000", 0)
    assert much(story.asks(1)) == (2000, None, None)
    story.hears("s1", "0", 10)
    assert story.asks(11) is None
    story.hears("s1", "7000", 20)
    story.hears("s2", "1000", 75)
    assert much(story.asks(79)) == (7000, None, None)
    assert much(story.asks(81)) == (1000, None, None)


def test_a_request_keeps_its_name_while_its_figure_changes() -> None:
    story = Story(settings({}))
    story.hears("s1", "5000", 0)
    first = story.asks(1)
    story.hears("s1", "6000", 30)
    second = story.asks(31)
    assert first
    assert second
    assert (first.id, first.starts_at) == (second.id, second.starts_at)
    assert second.much.target_w == 6000


class TestSilence:
    """What it means is a choice, and each choice ends by itself or not."""

    def test_release_asks_for_nothing(self) -> None:
        story = Story(settings({}))
        story.hears("s1", "5000", 0)
        assert story.asks(60)
        assert story.asks(61) is None

    def test_hold_goes_on_for_a_while(self) -> None:
        story = Story(settings({}, when_silent="hold", hold_s=600))
        story.hears("s1", "5000", 0)
        before = story.asks(59)
        held = story.asks(61)
        assert before
        assert held
        assert (held.id, held.much.target_w) == (before.id, 5000)
        assert held.ends_at == NOON + timedelta(seconds=600)
        assert story.asks(601) is None

    def test_curtail_is_the_fail_safe_of_a_grid_that_must_be_obeyed(self) -> None:
        story = Story(settings({}, when_silent="curtail", much={"level_pct": 10}))
        story.hears("s1", "0", 0)
        assert story.asks(60) is None
        assert much(story.asks(61)) == (None, 10, None)
        assert story.asks(5000)
        story.hears("s1", "0", 5001)
        assert story.asks(5002) is None

    def test_a_signal_that_was_never_heard_is_silent_after_its_time(self) -> None:
        story = Story(settings({}, when_silent="curtail"))
        assert story.asks(0) is None
        assert story.asks(61)

    def test_after_a_start_what_runs_goes_on_until_the_sources_had_their_time(self) -> None:
        story = Story(settings({}))
        story.hears("s1", "5000", 0)
        story.asks(1)
        anew = Story(story.settings)
        anew.before = story.before
        assert much(anew.asks(10)) == (5000, None, None)
        assert anew.asks(71) is None


def test_a_retained_value_counts_only_when_it_says_when_it_was_made() -> None:
    story = Story(settings({}))
    [source] = story.settings.sources
    story.signal = signal.heard(story.signal, source, said("5000", None))
    assert story.asks(1) is None
    timed = Story(settings({"path": "kw", "time_path": "at"}))
    [source] = timed.settings.sources
    timed.signal = signal.heard(timed.signal, source, said({"kw": 7, "at": NOON.timestamp() * 1000}, None))
    assert much(timed.asks(1)) == (7, None, None)
    assert timed.asks(61) is None


def test_what_says_its_end_ends_then() -> None:
    story = Story(settings({"path": "w", "until_path": "until", "stale_after_s": 3600}))
    story.hears("s1", {"w": 5, "until": "2026-03-01T13:00:30+01:00"}, 0)
    ask = story.asks(29)
    assert ask
    assert ask.ends_at == NOON + timedelta(seconds=30)
    assert story.asks(30) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"path": "a..b"},
        {"topic": "grid/#"},
        {"reads": "price_per_kwh"},
        {"strike": {"strike_per_kwh": 1}},
        {"reads": "power"},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(wrong)


def test_two_sources_need_two_names() -> None:
    with pytest.raises(ValidationError, match="names of their own"):
        settings({"name": "a"}, {"name": "a"})
