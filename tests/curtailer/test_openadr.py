"""OpenADR 3: what events ask of a load, and how their server is asked for them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from pydantic import ValidationError

from hashbus.clock import SYSTEM_CLOCK
from hashbus_curtailer.triggers.ask import Ask
from hashbus_curtailer.triggers.openadr import OpenAdrSettings, asked, parsed
from hashbus_curtailer.triggers.vtn import Vtn, VtnAway, VtnRefuses
from tests.curtailer.vtn import FakeVtn, event, serving

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def settings(**more: Any) -> OpenAdrSettings:
    fields = {"vtn_url": "https://vtn.example/openadr3/3.1.0", "client_id": "site-1", "client_secret": "s3cret"}
    return OpenAdrSettings.model_validate({**fields, **more})


def asks(*entries: dict[str, Any], at: datetime = NOON, **more: Any) -> Ask | None:
    events, problems = parsed(entries)
    assert problems == ()
    return asked(events, settings(**more), at)


def pays(kind: str, *values: Any, unit: str | None = None, **more: Any) -> dict[str, Any]:
    """An event of one interval with this payload."""
    described = [{"objectType": "EVENT_PAYLOAD_DESCRIPTOR", "payloadType": kind, "units": unit}] if unit else None
    intervals = [{"id": 0, "payloads": [{"type": kind, "values": list(values)}]}]
    return event(intervals=intervals, payloadDescriptors=described, **more)


def much(ask: Ask | None) -> tuple[float | None, float | None, float | None] | None:
    return ask and (ask.much.target_w, ask.much.level_pct, ask.much.limit_w)


@pytest.mark.parametrize(
    ("entry", "asked_for"),
    [
        (pays("SIMPLE", 1), (None, 75, None)),
        (pays("SIMPLE", 2), (None, 40, None)),
        (pays("SIMPLE", 0), None),
        (pays("SIMPLE", 9), None),
        (pays("DISPATCH_SETPOINT", 250), (None, None, 250e3)),
        (pays("DISPATCH_SETPOINT", 0.25, unit="MW"), (None, None, 250e3)),
        (pays("DISPATCH_SETPOINT", 40, unit="PERCENT"), (None, 40, None)),
        (pays("DISPATCH_SETPOINT_RELATIVE", -500, unit="KW"), (500e3, None, None)),
        (pays("DISPATCH_SETPOINT_RELATIVE", 500), None),
        (pays("IMPORT_CAPACITY_LIMIT", 1000), (None, None, 1e6)),
        (pays("IMPORT_CAPACITY_LIMIT", 5, unit="AMPS"), None),
        (pays("PRICE", 0.17), None),
        (pays("SIMPLE", "much"), None),
        (pays("SIMPLE"), None),
        (pays("ALERT_GRID_EMERGENCY", "all hands"), None),
    ],
)
def test_a_payload_asks_for_what_it_says(entry: dict[str, Any], asked_for: Any) -> None:
    assert much(asks(entry)) == asked_for


def test_an_emergency_counts_where_the_owner_wants_it() -> None:
    assert much(asks(pays("ALERT_GRID_EMERGENCY", "x"), emergency_pct=5)) == (None, 5, None)


def test_intervals_follow_each_other_as_one_request() -> None:
    levels = [{"id": n, "payloads": [{"type": "SIMPLE", "values": [n + 1]}]} for n in range(3)]
    entry = event(intervals=levels)
    found = [asks(entry, at=NOON + n * HOUR) for n in range(3)]
    assert [much(one) for one in found] == [(None, 75, None), (None, 40, None), (None, 0, None)]
    assert len({one.id for one in found if one}) == 1
    assert [one.ends_at for one in found if one] == [NOON + n * HOUR for n in (1, 2, 3)]
    assert asks(entry, at=NOON + 3 * HOUR) is None


def test_an_interval_with_a_period_of_its_own_is_where_it_says() -> None:
    own = {"start": "2026-03-01T15:00:00Z", "duration": "PT30M"}
    entry = event(intervals=[{"id": 0, "intervalPeriod": own, "payloads": [{"type": "SIMPLE", "values": [3]}]}])
    ask = asks(entry)
    assert ask
    assert (ask.starts_at, ask.ends_at) == (NOON + 3 * HOUR, NOON + 3.5 * HOUR)


def test_what_comes_is_shown_a_day_ahead() -> None:
    assert asks(event(), at=NOON - 23 * HOUR)
    assert asks(event(), at=NOON - 25 * HOUR) is None


@pytest.mark.parametrize("start", ["0001-01-01", "0001-01-01T00:00:00", "0001-01-01T00:00:00Z"])
def test_the_year_one_is_now_and_a_year_9999_is_for_ever_asked_day_by_day(start: str) -> None:
    ask = asks(event(intervalPeriod={"start": start, "duration": "P9999Y"}))
    assert ask
    assert ask.starts_at == datetime(2026, 3, 1, 11, 0, tzinfo=UTC)
    assert ask.ends_at == datetime(2026, 3, 3, tzinfo=UTC)
    later = asks(event(intervalPeriod={"start": start, "duration": "P9999Y"}), at=NOON + 9999 * HOUR)
    assert later
    assert later.id == ask.id


def test_an_event_that_lasts_longer_than_its_intervals_repeats_them() -> None:
    levels = [{"id": n, "payloads": [{"type": "SIMPLE", "values": [n + 1]}]} for n in range(2)]
    entry = event(intervals=levels, duration="P9999Y")
    assert much(asks(entry, at=NOON + 48 * HOUR)) == (None, 75, None)
    assert much(asks(entry, at=NOON + 49 * HOUR)) == (None, 40, None)
    cut = event(intervals=levels, duration="PT90M")
    ask = asks(cut, at=NOON + HOUR)
    assert ask
    assert ask.ends_at == NOON + 1.5 * HOUR


def test_a_random_start_is_ours_and_stays_the_same() -> None:
    period = {"start": "2026-03-01T12:00:00Z", "duration": "PT1H", "randomizeStart": "PT10M"}
    starts = [asks(event(n, intervalPeriod=period), at=NOON - HOUR) for n in range(20)]
    offsets = {one.starts_at - NOON for one in starts if one}
    assert len(offsets) == 20
    assert all(timedelta(0) <= offset <= timedelta(minutes=10) for offset in offsets)
    assert asks(event(3, intervalPeriod=period), at=NOON - HOUR) == starts[3]


def test_the_lowest_priority_number_counts() -> None:
    weak, strong, none = pays("SIMPLE", 1, priority=5), event(2, priority=1), event(3, priority=None)
    ask = asks(none, weak, strong)
    assert ask
    assert "shed 2" in ask.why


@pytest.mark.parametrize(
    ("targets", "is_ours"),
    [
        ([], True),
        (None, True),
        (["site-1", "x"], True),
        (["site-2"], False),
        # as before OpenADR 3.1
        ([{"type": "VEN_NAME", "values": ["site-1"]}], True),
        ([{"type": "GROUP", "values": ["others"]}], False),
    ],
)
def test_only_events_for_us_count(targets: Any, is_ours: bool) -> None:
    assert (asks(event(targets=targets), targets=("site-1",)) is not None) is is_ours


def test_only_events_of_our_program_count() -> None:
    assert asks(event(programID="other"), program="program-1") is None


def test_what_cannot_be_read_is_said_and_the_others_count() -> None:
    events, problems = parsed([{"id": "bad", "intervals": 7}, "nonsense", event()])
    assert len(events) == 1
    assert problems[0].startswith("event bad: intervals")
    assert problems[1].startswith("event 1: ")


def test_a_secret_over_plain_http_is_refused_unless_it_is_wanted() -> None:
    with pytest.raises(ValidationError, match="would send the secret unencrypted"):
        settings(vtn_url="http://vtn.example")
    with pytest.raises(ValidationError, match="client_secret_file is missing"):
        settings(client_secret=None)
    assert "s3cret" not in repr(settings())


class TestTheServer:
    """How its events are asked for, and what a server that is away, restarted or strict does."""

    async def events_of(self, vtn: FakeVtn, **more: Any) -> list[Any]:
        chosen = settings(vtn_url=vtn.url, allow_http=True, timeout_s=5, **more)
        async with aiohttp.ClientSession() as http:
            return await Vtn(chosen, http, SYSTEM_CLOCK).events()

    async def test_all_pages_come_for_one_token(self) -> None:
        async with serving(FakeVtn()) as vtn:
            vtn.events = [event(n) for n in range(120)]
            assert len(await self.events_of(vtn, program="program-1")) == 120
            assert vtn.given == 1
            assert [one["skip"] for one in vtn.asked] == ["0", "50", "100"]
            assert {one["programID"] for one in vtn.asked} == {"program-1"}

    async def test_a_server_that_forgot_its_tokens_is_asked_for_another(self) -> None:
        async with serving(FakeVtn()) as vtn, aiohttp.ClientSession() as http:
            vtn.events = [event()]
            line = Vtn(settings(vtn_url=vtn.url, allow_http=True), http, SYSTEM_CLOCK)
            await line.events()
            vtn.restarts()
            assert len(await line.events()) == 1
            assert vtn.given == 2

    async def test_a_wrong_secret_is_said_without_it(self) -> None:
        async with serving(FakeVtn(secret="other")) as vtn:
            with pytest.raises(VtnRefuses, match="401 to client site-1") as error:
                await self.events_of(vtn)
            assert "s3cret" not in str(error.value)

    @pytest.mark.parametrize("status", [500, 502, 404])
    async def test_a_server_that_is_away_is_away(self, status: int) -> None:
        async with serving(FakeVtn()) as vtn:
            vtn.down = status
            with pytest.raises(VtnAway, match=str(status)):
                await self.events_of(vtn)

    async def test_nobody_there_is_away_too(self) -> None:
        async with serving(FakeVtn()) as vtn:
            url = vtn.url
        gone = FakeVtn()
        gone.url = url
        with pytest.raises(VtnAway):
            await self.events_of(gone)
