"""After sunset with enough in the battery mining goes on, at the latched level and not above (S2.6, D6)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hashbus.messages import Rank
from hashbus.settings import PlaceSettings
from hashbus_controller.policies.soc import SocSettings
from hashbus_controller.policies.sunset import Sunset, SunsetSettings
from tests.controller.home import DAY, Home

SOC = {"soc": {"battery": "house", "base_w": 3600}}
BERLIN = PlaceSettings(latitude_deg=52.52, longitude_deg=13.405)
TROMSO = PlaceSettings(latitude_deg=69.65, longitude_deg=18.96)


def evening_home(**sunset: Any) -> Home:
    """A home whose miner does nothing by day: a weak wish keeps it asleep until the sun has set."""
    home = Home({**SOC, "sunset": {"begins": "19:00", "ends": "06:00", **sunset}})
    home.request("rest", Rank.ECONOMICS, lasts_s=86_400, wish_w=0)
    return home


def test_mining_is_turned_on_after_sunset_with_more_than_sixty_per_cent() -> None:
    evening_home().plays("""
        time    soc   setpoint
        17:00   80    0
        18:59   75    0
        19:00   75    2880      # the latch of 80 %
        20:30   65    2520
        22:00   45    1800      # it stays on below 60 %
        23:30   29    0         # until the cut-off
    """)


def test_with_too_little_in_the_battery_it_stays_off_until_there_is_more() -> None:
    evening_home().plays("""
        time    soc   setpoint
        18:00   60    0
        19:05   60    0         # 60 is not more than 60
        20:00   61    2160      # the latch of 60 % holds, not the 70 % of now
    """)


def test_it_ends_in_the_morning() -> None:
    home = evening_home(begins="14:00", ends="16:00")
    home.plays("""
        time    soc   setpoint
        13:00   90    0
        14:10   90    3240
        15:50   89    3240
        16:05   89    0
    """)


def test_a_restart_in_the_night_does_not_end_it() -> None:
    home = evening_home()
    home.plays("""
        time    soc   setpoint
        19:00   75    2880
        21:00   55    2160
    """)
    home.restarts()
    home.plays("""
        time    soc   setpoint
        21:10   54    2160
    """)


def policy(place: PlaceSettings | None, zone: str = "Europe/Berlin", **settings: Any) -> Sunset:
    soc = SocSettings(battery="house", base_w=3600)
    return Sunset(SunsetSettings(**settings), soc, ZoneInfo(zone), place)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)


# Sunset and sunrise in Berlin as the almanac of timeanddate.com gives them; a minute on either side.
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2026-06-21T21:30", "2026-06-21T21:36"),  # midsummer, sunset 21:33
        ("2026-12-21T15:51", "2026-12-21T15:57"),  # midwinter, sunset 15:54
        ("2026-03-29T19:35", "2026-03-29T19:41"),  # the day summer time begins, sunset 19:38
    ],
)
def test_the_sun_sets_when_the_almanac_says(before: str, after: str) -> None:
    sun = policy(BERLIN)
    assert not sun.is_night(local(before))
    assert sun.is_night(local(after))


@pytest.mark.parametrize(("night", "day"), [("2026-06-21T04:40", "2026-06-21T04:47")])
def test_the_sun_rises_when_the_almanac_says(night: str, day: str) -> None:
    sun = policy(BERLIN)
    assert sun.is_night(local(night))
    assert not sun.is_night(local(day))


def test_beyond_the_polar_circle_midsummer_has_no_night_and_midwinter_no_day() -> None:
    sun = policy(TROMSO)
    summer, winter = datetime(2026, 6, 21, tzinfo=UTC), datetime(2026, 12, 21, tzinfo=UTC)
    assert not any(sun.is_night(summer + timedelta(hours=hour)) for hour in range(24))
    assert all(sun.is_night(winter + timedelta(hours=hour)) for hour in range(24))


@pytest.mark.parametrize(
    ("moment", "is_night"),
    [
        ("2026-03-28T18:59", False),
        ("2026-03-28T19:00", True),
        ("2026-03-29T18:59", False),  # summer time has begun: 17:00 on the clock of the world, not 18:00
        ("2026-03-29T19:00", True),
        ("2026-10-25T06:59", True),
        ("2026-10-25T07:00", False),
    ],
)
def test_a_fixed_hour_is_an_hour_of_the_people(moment: str, is_night: bool) -> None:
    assert policy(None, begins="19:00", ends="07:00").is_night(local(moment)) is is_night


@pytest.mark.parametrize(
    ("settings", "moment", "is_night"),
    [
        ({"begins": "23:00"}, "2026-06-21T22:30", False),  # dark, but not 23:00 yet
        ({"begins": "23:00"}, "2026-06-21T23:05", True),
        ({"begins": "23:00"}, "2026-06-22T03:00", True),  # until the sun rises
        ({"begins": "23:00"}, "2026-06-22T05:00", False),
        ({"begins": "00:30"}, "2026-06-21T23:30", False),  # only after midnight
        ({"begins": "00:30"}, "2026-06-22T00:10", False),
        ({"begins": "00:30"}, "2026-06-22T00:40", True),
        ({"ends": "23:00"}, "2026-06-21T22:30", True),
        ({"ends": "23:00"}, "2026-06-21T23:05", False),
        ({"ends": "23:00"}, "2026-06-22T01:00", False),
        ({"ends": "23:00"}, "2026-06-22T10:00", False),
        ({"ends": "02:00"}, "2026-06-21T22:30", True),
        ({"ends": "02:00"}, "2026-06-22T02:05", False),  # dark, but over
    ],
)
def test_one_end_may_be_the_suns_and_the_other_the_clocks(
    settings: dict[str, str], moment: str, is_night: bool
) -> None:
    assert policy(BERLIN, **settings).is_night(local(moment)) is is_night


def test_without_a_place_the_sun_cannot_be_asked() -> None:
    with pytest.raises(ValueError, match=r"goes by the sun of `place`, which is not given"):
        Home({**SOC, "sunset": {}})
    with pytest.raises(ValueError, match=r"goes by the battery of controller\.soc"):
        Home({"sunset": {"begins": "19:00", "ends": "07:00"}})


def test_a_whole_winter_evening_by_place() -> None:
    home = Home(
        {**SOC, "sunset": {}},
        starts=DAY + timedelta(hours=12),
        time_zone="Europe/Berlin",
        place={"latitude_deg": 52.52, "longitude_deg": 13.405},
    )
    home.request("rest", Rank.ECONOMICS, lasts_s=86_400, wish_w=0)
    home.plays("""
        time    soc   setpoint
        16:40   100   0
        16:46   100   0         # the sun sets at 17:46 in Berlin on 1 March, 16:46 on the clock of the world
        16:50   99    3600
    """)
    assert "the sun has set with" in home.decision().reason
