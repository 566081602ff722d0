"""All triggers together: what is said on the bus, once, and what a restart and a change of the settings mean."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hashbus.messages import CurtailmentRequest, Message, PowerPrice
from hashbus.step import TICK
from hashbus_curtailer.triggers.openadr import parsed
from hashbus_curtailer.triggers.settings import Triggers
from hashbus_curtailer.triggers.step import State, step
from tests.curtailer.vtn import event

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PEAK = {"name": "peak", "begins": "16:00", "ends": "20:00", "target_w": 5000}
STRIKE = {"strike_per_kwh": 0.2, "interval_s": 60, "level_pct": 0}
OPENADR = {"vtn_url": "https://vtn.example", "client_id": "x", "client_secret": "y"}


class Story:
    """The triggers of a site over time."""

    def __init__(self, **settings: Any) -> None:
        self.state = State("farm", Triggers.model_validate(settings), ZoneInfo("UTC"))
        self.said: list[CurtailmentRequest] = []

    def hears(self, message: Message, at_s: float = 0) -> None:
        self._take(message, at_s)

    def ticks(self, *at_s: float) -> list[CurtailmentRequest]:
        """Return what is said at these moments."""
        before = len(self.said)
        for second in at_s:
            self._take(TICK, second)
        return self.said[before:]

    def _take(self, message: Any, at_s: float) -> None:
        self.state, said = step(self.state, message, NOON + timedelta(seconds=at_s))
        self.said += _requests(said)


def _requests(said: Iterable[Message]) -> list[CurtailmentRequest]:
    return [one for one in said if isinstance(one, CurtailmentRequest)]


def price(amount: float, at_s: float) -> PowerPrice:
    at = NOON + timedelta(seconds=at_s)
    fields = {"sources_used": 1, "sources_total": 1, "completeness_pct": 100, "tariff": "spot", "currency": "USD"}
    return PowerPrice.model_validate({**fields, "site": "farm", "at": at, "taken_at": at, "price_per_kwh": amount})


def test_what_is_asked_is_said_once() -> None:
    story = Story(schedule=[PEAK])
    assert story.ticks(0, 1) == []
    [request] = story.ticks(2, 3, 60, 3600)
    assert (request.source, request.id, request.target_w) == ("schedule", "peak-20260301", 5000)
    hours = 3600
    assert story.ticks(4 * hours, 5 * hours) == []
    [tomorrow] = story.ticks(8 * hours)
    assert tomorrow.id == "peak-20260302"


def test_after_a_restart_nothing_is_said_that_was_said() -> None:
    first = Story(schedule=[PEAK])
    [request] = first.ticks(0, 2)
    again = Story(schedule=[PEAK])
    again.ticks(100)
    again.hears(request, 101)
    assert again.ticks(103, 104) == []


def test_a_trigger_that_was_taken_out_of_the_settings_takes_its_request_back() -> None:
    first = Story(schedule=[PEAK])
    [request] = first.ticks(0, 2)
    without = Story()
    without.hears(request)
    [ended] = without.ticks(0, 2, 3, 4)
    assert (ended.id, ended.is_cancelled) == (request.id, True)


def test_requests_of_others_are_not_ours_to_end() -> None:
    asked = CurtailmentRequest(
        site="farm", at=NOON, source="cli", id="r", level_pct=0,
        starts_at=NOON, ends_at=NOON + timedelta(hours=1), why="x",
    )  # fmt: skip
    story = Story()
    story.hears(asked)
    assert story.ticks(0, 2, 3) == []


def test_a_dear_hour_is_asked_for_renewed_and_ended() -> None:
    story = Story(strike=STRIKE)
    story.hears(price(0.3, 0))
    [asked] = story.ticks(0, 2, 61)
    assert (asked.source, asked.level_pct) == ("strike", 0)
    story.hears(price(0.3, 480))
    [renewed] = story.ticks(480)
    assert (renewed.id, renewed.starts_at) == (asked.id, asked.starts_at)
    assert renewed.ends_at > asked.ends_at
    story.hears(price(0.1, 540))
    [ended] = story.ticks(540, 600)
    assert (ended.id, ended.is_cancelled) == (asked.id, True)


def test_a_server_that_was_not_heard_yet_ends_no_event_of_before() -> None:
    first = Story(openadr=OPENADR)
    first.state = State(**{**vars(first.state), "events": parsed([event()])[0]})
    [request] = first.ticks(0, 2)
    again = Story(openadr=OPENADR)
    again.hears(request, 60)
    assert again.ticks(60, 62, 63) == []
    again.state = State(**{**vars(again.state), "events": ()})
    [ended] = again.ticks(64)
    assert ended.is_cancelled
