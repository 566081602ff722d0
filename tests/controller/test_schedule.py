"""Schedules: hours of the week, calendars and cheap hours, on the clock of the people, also when that is put back."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import CalendarEvent, CalendarWindows, PriceWindow, Rank
from hashbus.testing.memory_bus import MemoryBroker, MemoryBus
from hashbus_controller.calendar_feed import CalendarFeed
from hashbus_controller.calendar_settings import CalendarSettings
from hashbus_controller.calendars import BadCalendar, events_of, power_in
from hashbus_controller.hours import Hours
from tests.controller.home import DAY, Home, info

BERLIN = ZoneInfo("Europe/Berlin")


def hours(begins: str, ends: str, *days: str) -> Hours:
    return Hours.model_validate({"begins": begins, "ends": ends, "days": days})


def is_now(window: Hours, local: str) -> bool:
    return window.is_now(datetime.fromisoformat(local).replace(tzinfo=BERLIN).astimezone(UTC), BERLIN)


@pytest.mark.parametrize(
    ("window", "moments"),
    [
        # 2026-03-02 is a Monday.
        (
            hours("17:00", "21:00", "weekday"),
            {"02T16:59": 0, "02T17:00": 1, "02T20:59": 1, "02T21:00": 0, "07T18:00": 0},
        ),
        (hours("17:00", "21:00", "weekend"), {"02T18:00": 0, "07T18:00": 1, "08T18:00": 1}),
        (hours("22:00", "06:00"), {"02T21:59": 0, "02T22:00": 1, "03T05:59": 1, "03T06:00": 0}),
        (hours("22:00", "06:00", "fri"), {"06T23:00": 1, "07T05:00": 1, "07T23:00": 0, "06T05:00": 0}),
        (hours("00:00", "00:00", "sun"), {"07T23:59": 0, "08T00:00": 1, "08T23:59": 1, "09T00:00": 0}),
    ],
)
def test_a_window_of_the_week(window: Hours, moments: dict[str, int]) -> None:
    assert {moment: int(is_now(window, f"2026-03-{moment}")) for moment in moments} == moments


def open_minutes(window: Hours, day: date) -> int:
    """Count the minutes of a day, as long as it really is, in which a window is open."""
    start = datetime.combine(day, time(0), BERLIN).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time(0), BERLIN).astimezone(UTC)
    minutes = int((end - start).total_seconds() // 60)
    return sum(window.is_now(start + timedelta(minutes=minute), BERLIN) for minute in range(minutes))


@pytest.mark.parametrize(
    ("begins", "ends", "day", "minutes"),
    [
        ("01:00", "04:00", date(2026, 3, 28), 180),
        ("01:00", "04:00", date(2026, 3, 29), 120),  # 02:00 to 03:00 is left out
        ("02:00", "03:00", date(2026, 3, 29), 0),
        ("01:00", "04:00", date(2026, 10, 25), 240),  # 02:00 to 03:00 comes twice
        ("02:00", "03:00", date(2026, 10, 25), 120),
        ("00:00", "00:00", date(2026, 3, 29), 23 * 60),
    ],
)
def test_summer_time_begins_and_ends(begins: str, ends: str, day: date, minutes: int) -> None:
    assert open_minutes(hours(begins, ends), day) == minutes


def test_an_unquoted_time_of_yaml_is_meant_as_it_is_written() -> None:
    assert Hours.model_validate({"begins": 17 * 60 + 30, "ends": "06:00"}).begins == time(17, 30)
    with pytest.raises(ValueError, match="'half past five' is no time of day; write it as 19:00"):
        Hours.model_validate({"begins": "half past five"})


def test_a_weekday_evening_without_mining() -> None:
    schedule = {"windows": [{"days": ["weekday"], "begins": "17:00", "ends": "21:00", "cap_w": 0}]}
    # Sunday 2026-03-01 and Monday, on a clock an hour ahead of the world's.
    home = Home({"schedules": {"peak": schedule}}, time_zone="Europe/Berlin")
    home.at(DAY + timedelta(hours=17))
    assert home.setpoint_w() is None
    home.at(DAY + timedelta(days=1, hours=16, minutes=1))
    assert home.setpoint_w() == 0
    assert home.decision().reason == "weekday 17:00 to 21:00 by schedule peak"
    home.at(DAY + timedelta(days=1, hours=20, minutes=1))
    assert home.setpoint_w() == 3600


def test_the_rank_of_a_schedule_says_before_whom_it_goes() -> None:
    window = {"begins": "00:00", "ends": "00:00", "cap_w": 1000}
    for rank, expected in (("economics", 2000), ("cloud", 1000)):
        home = Home({"schedules": {"quiet": {"rank": rank, "windows": [window]}}})
        home.request("sun", Rank.BATTERY, floor_w=2000)
        home.passes(130)
        assert home.setpoint_w() == expected


def test_only_the_cheapest_hours_of_the_day() -> None:
    home = Home({"schedules": {"cheap": {"cheapest": {"hours": 3}}}}, starts=DAY)
    prices = [0.30] * 24
    for hour in (2, 3, 13):
        prices[hour] = 0.10
    home.hear(home.price(0.30, windows=windows_of(prices)))
    ran = []
    for hour in range(24):
        home.at(DAY + timedelta(hours=hour, minutes=30))
        home.hear(home.price(0.30, windows=windows_of(prices)))
        home.passes(10)
        if home.setpoint_w():
            ran.append(hour)
    assert ran == [2, 3, 13]


def windows_of(prices: list[float]) -> list[PriceWindow]:
    starts = [DAY + timedelta(hours=hour) for hour in range(len(prices) + 1)]
    return [
        PriceWindow(starts_at=starts[hour], ends_at=starts[hour + 1], price_per_kwh=price)
        for hour, price in enumerate(prices)
    ]


def test_a_tariff_of_which_nothing_is_known_switches_nobody_off() -> None:
    home = Home({"schedules": {"cheap": {"cheapest": {"hours": 3}}}})
    home.passes(600)
    home.hear(home.price(0.30))
    home.passes(600)
    assert home.setpoint_w() is None


CALENDAR = b"""BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
BEGIN:VEVENT
UID:a
DTSTART;TZID=Europe/Berlin:20260227T180000
DTEND;TZID=Europe/Berlin:20260227T200000
RRULE:FREQ=DAILY
EXDATE;TZID=Europe/Berlin:20260303T180000
SUMMARY:mine at 1.5 kW
END:VEVENT
BEGIN:VEVENT
UID:a
RECURRENCE-ID;TZID=Europe/Berlin:20260302T180000
DTSTART;TZID=Europe/Berlin:20260302T190000
DTEND;TZID=Europe/Berlin:20260302T210000
SUMMARY:mine at 800 W
END:VEVENT
BEGIN:VEVENT
UID:b
DTSTART;VALUE=DATE:20260307
SUMMARY:Guests: miners off
END:VEVENT
BEGIN:VEVENT
UID:c
DTSTART:20260305T120000
DTEND:20260305T130000
SUMMARY:floating
END:VEVENT
END:VCALENDAR
"""


def test_a_calendar_with_repetitions_exceptions_and_whole_days() -> None:
    events = events_of(CALENDAR, datetime(2026, 3, 1, 12, tzinfo=UTC), BERLIN)
    shown = [(f"{one.starts_at:%d %H:%M}", f"{one.ends_at:%d %H:%M}", one.power_w) for one in events]
    assert shown == [
        ("01 17:00", "01 19:00", 1500),
        ("02 18:00", "02 20:00", 800),  # moved; the 3rd is left out
        ("04 17:00", "04 19:00", 1500),
        ("05 11:00", "05 12:00", None),  # without a zone it is on the people's clock
        ("05 17:00", "05 19:00", 1500),
        ("06 17:00", "06 19:00", 1500),
        ("06 23:00", "07 23:00", 0),  # the whole 7th on the people's clock
        ("07 17:00", "07 19:00", 1500),
        ("08 17:00", "08 19:00", 1500),
    ]


def test_a_repetition_keeps_its_hour_when_summer_time_begins() -> None:
    events = events_of(CALENDAR, datetime(2026, 3, 28, 12, tzinfo=UTC), BERLIN)
    assert [f"{one.starts_at:%d %H:%M}" for one in events[:2]] == ["28 17:00", "29 16:00"]


@pytest.mark.parametrize(
    ("title", "power_w"),
    [
        ("mine 2000 W", 2000),
        ("2.5kW please", 2500),
        ("0,8 kW", 800),
        ("miners OFF", 0),
        ("office party", None),
        ("500 people", None),
        ("", None),
    ],
)
def test_a_title_says_its_power(title: str, power_w: float | None) -> None:
    assert power_in(title) == power_w


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"<html>not found</html>", "is no iCalendar"),
        (b"", "is no iCalendar"),
        (b"\xff\xfe\x00", "is no iCalendar"),
        (CALENDAR.replace(b"FREQ=DAILY", b"FREQ=SECONDLY"), "repeats 'mine at 1.5 kW' more often than hourly"),
        (CALENDAR.replace(b"FREQ=DAILY", b"FREQ=HOURLY;BYMINUTE=0,5,10,15,20,25,30,35"), "at most 1000 are read"),
    ],
)
def test_what_is_no_calendar_is_refused_in_words(text: bytes, words: str) -> None:
    with pytest.raises(BadCalendar, match=words):
        events_of(text, datetime(2026, 3, 1, 12, tzinfo=UTC), BERLIN)


def calendar_home() -> tuple[Home, CalendarWindows]:
    schedule = {"calendar": "family", "event": {"cap_w": 0}}
    home = Home({"schedules": {"family": schedule}, "calendars": {"family": {"file": "family.ics"}}})
    event = CalendarEvent(
        starts_at=home.now + timedelta(minutes=10),
        ends_at=home.now + timedelta(minutes=40),
        title="1500 W",
        power_w=1500,
    )
    windows = CalendarWindows(
        site="home",
        at=home.now,
        calendar="family",
        events=(
            event,
            event.model_copy(
                update={
                    "starts_at": event.ends_at + timedelta(minutes=10),
                    "power_w": None,
                    "ends_at": event.ends_at + timedelta(minutes=20),
                    "title": "guests",
                }
            ),
        ),
        known_until=home.now + timedelta(days=8),
    )
    return home, windows


def test_an_event_asks_for_what_its_title_says_or_the_schedule() -> None:
    home, windows = calendar_home()
    home.hear(windows)
    shown = []
    for _ in range(8):
        home.passes(480)
        shown.append(home.setpoint_w())
    assert shown == [None, 1500, 1500, 1500, 3600, 3600, 0, 3600]


def test_after_a_week_without_the_calendar_nothing_is_known_of_it() -> None:
    home, windows = calendar_home()
    late = windows.events[0].model_copy(
        update={"starts_at": home.now + timedelta(days=8), "ends_at": home.now + timedelta(days=9)}
    )
    home.hear(windows.model_copy(update={"events": (late,)}))
    home.now += timedelta(days=8, minutes=1)
    home.hear(info("attic"))
    home.passes(300)
    assert home.setpoint_w() is None


def test_a_schedule_names_a_calendar_that_exists() -> None:
    with pytest.raises(ValueError, match=r"schedules\.x\.calendar 'other' is not in calendars"):
        Home({"schedules": {"x": {"calendar": "other"}}})


class TestFeed:
    """A calendar is read from a file or a server, and what cannot be read leaves what was."""

    async def said(self, settings: dict[str, Any]) -> tuple[CalendarFeed, MemoryBus]:
        bus = MemoryBus(MemoryBroker(), "controller", "home")
        feed = CalendarFeed("family", CalendarSettings.model_validate(settings), BERLIN, bus, SYSTEM_CLOCK)
        return feed, bus

    async def test_a_file_is_read_and_its_loss_is_said(self, tmp_path: Path) -> None:
        file = tmp_path / "family.ics"
        file.write_bytes(CALENDAR)
        feed, bus = await self.said({"file": str(file)})
        async with bus.subscribe(CalendarWindows) as heard:
            await feed.visit()
            first = await heard.next(5)
            assert first is not None
            assert first.events
            assert first.problem is None
            file.unlink()
            await feed.visit()
            second = await heard.next(5)
        assert second is not None
        assert second.events == first.events
        assert second.read_at == first.read_at
        assert second.problem == "No such file or directory"

    @pytest.mark.parametrize(
        ("status", "body", "problem"),
        [
            (200, CALENDAR, None),
            (404, b"gone", "the server answers 404"),
            (200, b"<html>", "is no iCalendar"),
            (200, b"x" * 5_000_001, "is longer than 5 MB"),
        ],
    )
    async def test_a_server_is_asked_and_its_secret_address_never_said(
        self, status: int, body: bytes, problem: str | None, tmp_path: Path
    ) -> None:
        async def answer(_request: web.Request) -> web.Response:
            return web.Response(status=status, body=body, content_type="text/calendar")

        application = web.Application()
        application.router.add_get("/private-4711/basic.ics", answer)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        secret = tmp_path / "url"
        secret.write_text(f"http://127.0.0.1:{port}/private-4711/basic.ics\n")
        try:
            feed, _ = await self.said({"url_file": str(secret)})
            await feed.visit()
        finally:
            await runner.cleanup()
        assert (feed.problem or "").startswith(problem or "")
        assert bool(feed.events) is (problem is None)
        assert "4711" not in (feed.problem or "")

    async def test_nobody_at_the_address_is_a_problem_in_words(self) -> None:
        feed, _ = await self.said({"url": "http://127.0.0.1:9/private-4711.ics"})
        await feed.visit()
        assert feed.problem == "cannot be fetched (ClientConnectorError)"

    @pytest.mark.parametrize("places", [{}, {"file": "a", "url": "https://b/c"}, {"url": "ftp://b/c"}, {"url": "b"}])
    def test_it_is_in_one_place(self, places: dict[str, str]) -> None:
        with pytest.raises(ValueError, match=r"needs one of file, url and url_file|begins with https://"):
            CalendarSettings.model_validate(places)
