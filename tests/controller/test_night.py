"""Quiet hours: lower power at night, and fans that the neighbours do not hear."""

from datetime import timedelta

import pytest

from hashbus.messages import Rank
from tests.controller.home import DAY, Home, info

NIGHT = {"begins": "22:00", "ends": "06:00"}


def home_with(miners: tuple[str, ...] = ("attic",), **night: object) -> Home:
    return Home({"nights": {"sleep": {**NIGHT, **night}}}, miners, starts=DAY + timedelta(hours=21))


def test_night_lowers_power_and_the_morning_gives_it_back() -> None:
    home = home_with(max_power_w=2000)
    home.at(DAY + timedelta(hours=21, minutes=59))
    assert home.setpoint_w() is None
    home.at(DAY + timedelta(hours=22, minutes=1))
    assert home.setpoint_w() == 2000
    assert home.decision().reason == "quiet hours 22:00 to 06:00: together at most 2000 W"
    home.at(DAY + timedelta(days=1, hours=6, minutes=1))
    assert home.setpoint_w() == 3600


def test_each_miner_may_draw_a_part_of_its_power() -> None:
    home = home_with(("attic", "cellar"), max_power_pct=50)
    home.hear(info("cellar", max_power_w=2000))
    home.at(DAY + timedelta(hours=22, minutes=1))
    assert (home.setpoint_w("attic"), home.setpoint_w("cellar")) == (1800, 1000)


def test_heat_and_surplus_keep_the_night_and_a_person_does_not_have_to() -> None:
    home = home_with(max_power_w=2000)
    home.at(DAY + timedelta(hours=22, minutes=1))
    home.request("warm", Rank.HEAT, wish_w=3600)
    home.request("sun", Rank.BATTERY, floor_w=3600)
    home.passes(130)
    assert home.setpoint_w() == 2000
    home.request("party", Rank.OVERRIDE, cap_w=3000, floor_w=3000)
    home.passes(130)
    assert home.setpoint_w() == 3000


def test_it_holds_also_while_automatic_control_is_off() -> None:
    home = Home({"auto_control": "disabled", "nights": {"sleep": {**NIGHT, "max_power_w": 2000}}})
    home.at(DAY + timedelta(hours=22, minutes=1))
    assert home.setpoint_w() == 2000


def hears_fans(home: Home, *, minutes: int, quiet_w: float) -> None:
    """Let the fans turn at 60 % above a certain power, and at 35 % below; the miner follows at once."""
    for _ in range(minutes):
        power_w = home.setpoint_w() or 3600
        home.hear(home.reading(power_w=power_w, power_limit_w=power_w, fan_pct=60 if power_w > quiet_w else 35))
        home.passes(60)


def test_loud_fans_lower_the_power_until_they_are_quiet_and_the_next_night_knows() -> None:
    home = home_with(max_fan_pct=40, settle_s=600)
    hears_fans(home, minutes=59, quiet_w=2700)
    assert home.changes() == []
    hears_fans(home, minutes=120, quiet_w=2700)
    assert home.changes() == [3240, 2916, 2624]
    assert home.decision().reason == "quiet hours 22:00 to 06:00: fans at 60 %, more than 40 %"
    hears_fans(home, minutes=8 * 60, quiet_w=2700)
    assert home.setpoint_w() == 3600
    hears_fans(home, minutes=15 * 60, quiet_w=2700)
    # A little above what was quiet, and one step down from there.
    assert home.changes() == [3240, 2916, 2624, 3600, 2755, 2480]


def test_what_was_learnt_survives_a_restart() -> None:
    home = home_with(max_fan_pct=40)
    hears_fans(home, minutes=180, quiet_w=2700)
    home.restarts()
    home.passes(200)
    assert home.setpoint_w() in (2624, 2755)


@pytest.mark.parametrize(("fans_rpm", "setpoint_w"), [((2000, 2500), None), ((2000, 4500), 3240)])
def test_fans_are_heard_in_revolutions_too(fans_rpm: tuple[int, ...], setpoint_w: float | None) -> None:
    home = home_with(max_fan_rpm=4000)
    home.at(DAY + timedelta(hours=22, minutes=1))
    home.hear(home.reading(power_w=3600, fans_rpm=fans_rpm))
    home.passes(10)
    assert home.setpoint_w() == setpoint_w


def test_a_night_limits_something() -> None:
    with pytest.raises(ValueError, match="needs max_power_w, max_power_pct, max_fan_pct or max_fan_rpm"):
        Home({"nights": {"sleep": NIGHT}})
