"""What a person sees of a site: current figures as they are, old ones as old, sums as whole as they are."""

from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from hashbus.messages import (
    AvailabilityState,
    BatteryTelemetry,
    Health,
    Level,
    Message,
    MinerAvailability,
    MinerError,
    MinerInfo,
    MinerState,
    MinerTelemetry,
    OrderResult,
    PowerSetpoint,
    ServiceStatus,
    SetpointResult,
    SetpointStatus,
)
from hashbus_supervisor.board import Board
from hashbus_supervisor.events import Event, Tone
from hashbus_supervisor.page import Page, ServiceView, services_on_bus

NOW = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)


def about(miner: str, age_s: float = 0) -> dict[str, object]:
    return {"site": "home", "miner": miner, "at": NOW - timedelta(seconds=age_s)}


def info(miner: str, make: str = "WhatsMiner", model: str = "M64_VL40") -> MinerInfo:
    return MinerInfo(**about(miner), driver="whatsminer", level=Level.GOLD, make=make, model=model)


def reading(miner: str, age_s: float = 0, **figures: object) -> MinerTelemetry:
    known = {"state": MinerState.MINING, "hashrate_ths": 200.0, "power_w": 3000.0, "chip_max_c": 76.0, **figures}
    return MinerTelemetry(**about(miner, age_s), driver="whatsminer", **known)


def availability(miner: str, state: str, reason: str | None = None, age_s: float = 0) -> MinerAvailability:
    since = NOW - timedelta(seconds=age_s)
    return MinerAvailability(**about(miner, age_s), state=AvailabilityState(state), since=since, reason=reason)


def board_of(*messages: Message) -> Board:
    board = Board(NOW - timedelta(hours=1))
    for message in messages:
        board.hear(message)
    return board


def lines_of(page: Page, width: int = 80, height: int | None = None) -> list[str]:
    terminal = Console(width=width, height=height or 200, force_terminal=False, highlight=False)
    with terminal.capture() as capture:
        terminal.print(page.draw(width, height))
    return capture.get().splitlines()


def page_of(*messages: Message, **rest: object) -> Page:
    return Page(title="home", board=board_of(*messages), services=(), events=(), now=NOW, **rest)


def line_with(word: str, page: Page, width: int = 80) -> str:
    [line] = [line for line in lines_of(page, width) if word in line.split()]
    return " ".join(line.split())


def test_a_miner_shows_what_it_is_and_what_it_does() -> None:
    page = page_of(info("attic"), reading("attic", 3, liquid_c=41, power_limit_w=3600))
    assert line_with("attic", page) == "● attic WhatsMiner M64_VL40 200.0 3000 3600 76° 41° 3 s"


def test_a_wide_terminal_shows_more() -> None:
    page = page_of(
        info("attic"), reading("attic", 3, efficiency_j_per_th=15, pool_url="stratum+tcp://pool.example:3333")
    )
    assert "15.0" in line_with("attic", page, 200)
    assert "pool.example:3333" in line_with("attic", page, 200)


def test_a_reading_past_its_shelf_life_stands_in_brackets() -> None:
    assert "(200.0) (3000)" in line_with("attic", page_of(info("attic"), reading("attic", 181)))
    assert "(200.0)" not in line_with("attic", page_of(info("attic"), reading("attic", 179)))


def test_what_an_offline_miner_said_last_stands_in_brackets_at_once() -> None:
    page = page_of(info("attic"), reading("attic", 5), availability("attic", "offline", "no route to it"))
    assert line_with("attic", page).startswith("✖ attic WhatsMiner M64_VL40 (200.0) (3000)")


def test_a_miner_that_never_answered_is_listed_without_figures() -> None:
    page = page_of(availability("attic", "offline", "nothing listens"))
    assert line_with("attic", page) == "✖ attic - - - - - - never"


def test_a_sum_counts_current_readings_only_and_says_of_how_many() -> None:
    page = page_of(reading("attic"), reading("garage"), reading("desk", 300))
    assert "site 2 of 3 miners 400.0 6000" in line_with("site", page)


def test_a_sum_that_lacks_a_part_is_a_lower_bound() -> None:
    page = page_of(reading("attic"), reading("garage", power_w=None))
    assert "site 2 of 2 miners 400.0 ≥3000" in line_with("site", page)


def test_the_efficiency_of_the_site_leaves_out_who_does_not_say_its_power() -> None:
    totals = board_of(reading("attic"), reading("garage", power_w=None)).totals(NOW)
    assert totals.efficiency_j_per_th == 15


def test_a_sum_of_nothing_is_no_zero() -> None:
    page = page_of(reading("attic", 300), reading("garage", 300))
    assert line_with("site", page) == "site 0 of 2 miners - -"


def test_a_miner_that_sleeps_adds_nothing_and_hides_nothing() -> None:
    page = page_of(reading("attic"), reading("garage", state=MinerState.SLEEPING, hashrate_ths=None, power_w=None))
    assert "site 2 of 2 miners 200.0 ≥3000" in line_with("site", page)


def test_what_a_miner_calls_itself_cannot_touch_the_terminal() -> None:
    page = page_of(info("attic", model="\x1b[2Jgone"), reading("attic"))
    assert "\x1b" not in "".join(lines_of(page))
    said = Event(NOW, "attic", "offline: \x1b]0;owned\x07", Tone.BAD)
    assert "\x1b" not in "".join(lines_of(Page("home", board_of(), (), [said], NOW)))


def test_a_narrow_terminal_leaves_out_what_matters_least() -> None:
    page = page_of(info("attic"), reading("attic", 3, liquid_c=41, power_limit_w=3600))
    assert line_with("attic", page, 60) == "● attic WhatsMiner M64_VL40 200.0 3000 76° 3 s"


def test_a_setpoint_is_the_limit_while_it_holds() -> None:
    setpoint = PowerSetpoint(**about("attic"), power_w=2160, valid_until=NOW + timedelta(minutes=5), reason="battery")
    messages = (reading("attic", power_limit_w=3600), setpoint)
    assert "2160" in line_with("attic", page_of(*messages))
    later = Page("home", board_of(*messages), (), (), NOW + timedelta(minutes=6))
    assert "(3600)" in line_with("attic", later)


def test_a_battery_shows_its_charge_as_a_bar_and_which_way_it_flows() -> None:
    battery = BatteryTelemetry(
        site="home", battery="house", at=NOW, driver="eg4", soc_pct=50, pv_w=4200, load_w=12_400, battery_w=-8200
    )
    line = line_with("house", page_of(battery))
    assert line == "● house ██████████░░░░░░░░░░ 50 % 4200 W 12.4 kW ▼ 8200 W - 0 s"


def test_a_farm_on_a_small_screen_shows_those_in_trouble_first() -> None:
    well = [message for number in range(500) for message in (reading(f"miner-{number:03}"),)]
    page = page_of(*well, reading("zz-hot", health=Health.CRITICAL), availability("zz-lost", "offline", "gone"))
    lines = lines_of(page, 80, 30)
    assert len(lines) <= 30
    shown = [line.split()[1] for line in lines if line.startswith(("●", "✖"))]
    assert shown[:2] == ["zz-lost", "zz-hot"]
    assert any("more" in line for line in lines)
    assert any("501 of 502 miners" in line for line in lines)


@pytest.mark.parametrize("width", [40, 80, 120, 200])
@pytest.mark.parametrize("height", [15, 24, 60])
def test_the_page_fits_the_terminal(width: int, height: int) -> None:
    messages = [m for number in range(12) for m in (info(f"m{number}"), reading(f"m{number}", liquid_c=40))]
    events = [Event(NOW, "poller", "a long story " * 20, Tone.BAD)] * 9
    services = [ServiceView("poller", Tone.BAD, "fallen", ("was killed by SIGKILL; starting it again in 2 s",))]
    page = Page("home · config/site.yaml", board_of(*messages), services, events, NOW, foot="Ctrl-C ends the site")
    lines = lines_of(page, width, height)
    assert max(len(line) for line in lines) <= width
    assert len(lines) <= max(height, 16)


def test_an_event_that_is_too_long_for_a_line_goes_on_below_it() -> None:
    event = Event(NOW, "poller", "poller.devices.attic.host: 'http://10.0.0.7' is not right " + "so " * 20)
    page = Page("home", board_of(), (), [event], NOW)
    first, second = [line for line in lines_of(page) if "12:00:00 poller" in line or line.startswith(" " * 9)][:2]
    assert first.startswith("12:00:00 poller poller.devices.attic.host")
    assert second.startswith(" " * 9)


def test_a_service_that_its_last_will_calls_gone_is_red_on_the_bus() -> None:
    gone = ServiceStatus(
        site="home", at=NOW - timedelta(hours=3), service="recorder", state="offline", version="1", started_at=NOW
    )
    [view] = services_on_bus(board_of(gone), NOW)
    assert (view.name, view.tone, view.word) == ("recorder", Tone.BAD, "offline for 3 h")


def news(*messages: Message) -> list[str]:
    board = Board(NOW - timedelta(minutes=1))
    events = [board.hear(message) for message in messages]
    return [f"{event.who} {event.text}" for event in events if event]


def test_what_changes_is_news_and_what_stays_is_not() -> None:
    assert news(
        availability("attic", "offline", "no route"),
        availability("attic", "offline", "no route"),
        info("attic"),
        reading("attic"),
        availability("attic", "online"),
        reading("attic", health=Health.CRITICAL, errors=(MinerError(code="110", text="fan stuck"),)),
        reading("attic", health=Health.CRITICAL),
        reading("attic", state=MinerState.TUNING),
        SetpointResult(**about("attic"), status=SetpointStatus.CONFIRMED, asked_w=2160),
        SetpointResult(**about("attic"), status=SetpointStatus.CONFIRMED, asked_w=2160),
        OrderResult(
            **about("attic"), asker="web", id="1", command="reboot", status="done", code="ok", message="is back"
        ),
    ) == [
        "attic offline: no route",
        "attic online: WhatsMiner M64_VL40, 200.0 TH/s at 3000 W",
        "attic critical: 110 fan stuck",
        "attic mining → tuning",
        "attic 2160 W confirmed",
        "attic reboot: done, is back",
    ]


def test_what_happened_before_somebody_looked_is_no_news() -> None:
    assert news(availability("attic", "offline", "no route", age_s=61)) == []
