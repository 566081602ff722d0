"""Automatic control begins off, is switched by people, and says how it stands (S2.8, S2.30)."""

from datetime import timedelta

from hashbus.messages import BidEffect, ControlRequest, ControlState, Rank
from tests.controller.home import Home

SOC = {"soc": {"battery": "house", "base_w": 3600}}
FIRST = {**SOC, "auto_control": "remembered"}


def shown(home: Home) -> ControlState:
    return next(message for message in reversed(home.said) if isinstance(message, ControlState))


def test_at_the_very_first_start_it_is_off_and_touches_nobody() -> None:
    home = Home(FIRST)
    home.hear(home.battery(25))
    home.passes(600)
    assert home.setpoint_w() is None
    assert shown(home).is_enabled is False


def test_a_person_switches_it_on_and_off() -> None:
    home = Home(FIRST)
    home.hear(home.battery(55))
    home.passes(100)
    home.switches(on=True, why="spring")
    assert home.setpoint_w() == 2160
    assert (shown(home).is_enabled, shown(home).enabled_by, shown(home).enabled_why) == (True, "web", "spring")
    assert shown(home).enabled_since == home.now


def test_off_the_miners_stay_where_they_are_and_the_decision_says_why() -> None:
    home = Home(SOC)
    home.hear(home.battery(55))
    home.passes(200)
    home.switches(on=False, why="visitors")
    home.hear(home.battery(100))
    home.passes(600)
    assert home.setpoint_w() == 2160
    assert "automatic control is switched off by web: visitors; it stays at 2160 W" in home.decision().reason
    silenced = next(bid for bid in home.decision().bids if bid.name == "soc")
    assert silenced.effect is BidEffect.BLOCKED
    assert silenced.blocked_by == "the switch of automatic control, which is off"


def test_off_people_safety_and_the_grid_still_decide() -> None:
    home = Home(SOC)
    home.hear(home.battery(55))
    home.passes(200)
    home.switches(on=False)
    home.request("me", Rank.OVERRIDE, cap_w=3000, floor_w=3000)
    home.passes(130)
    assert home.setpoint_w() == 3000
    home.hear(home.reading(chip_max_c=101))
    home.passes(1)
    assert home.setpoint_w() == 0


def test_it_may_be_off_for_a_while() -> None:
    home = Home(SOC)
    home.hear(home.battery(55))
    home.passes(200)
    home.switches(on=False, until=home.now + timedelta(hours=2))
    for _ in range(23):
        home.hear(home.battery(100))
        home.passes(300)
        assert home.setpoint_w() == 2160
    home.hear(home.battery(100))
    home.passes(310)
    assert home.setpoint_w() == 3600
    assert shown(home).is_enabled is True
    assert shown(home).enabled_until is None


def test_of_two_people_the_later_counts_whatever_the_order_of_arrival() -> None:
    home = Home(SOC)
    home.now += timedelta(seconds=60)
    late = ControlRequest(site="home", at=home.now, source="web", is_enabled=True, why="late")
    early = ControlRequest(site="home", at=home.now - timedelta(seconds=30), source="telegram", is_enabled=False)
    home.hear(late)
    home.hear(early)
    assert (shown(home).is_enabled, shown(home).enabled_why) == (True, "late")


def test_a_restart_remembers_how_it_stood() -> None:
    for on, setpoint_w in ((True, 2160), (False, 3000)):
        home = Home(FIRST)
        home.hear(home.battery(55))
        home.request("me", Rank.OVERRIDE, lasts_s=200, cap_w=3000)
        home.passes(10)
        home.switches(on=on)
        home.passes(150)
        home.restarts()
        home.hear(home.battery(55))
        home.passes(400)
        assert shown(home).is_enabled is on
        assert home.setpoint_w() == setpoint_w


def test_what_was_asked_while_the_controller_was_dead_counts_and_what_was_asked_before_does_not_again() -> None:
    home = Home(FIRST)
    home.hear(home.battery(55))
    home.passes(100)
    home.switches(on=True)
    home.passes(10)
    home.heard["asked meanwhile"] = ControlRequest(
        site="home", at=home.now + timedelta(seconds=1), source="telegram", is_enabled=False
    )
    home.now += timedelta(seconds=20)
    home.restarts()
    home.passes(20)
    assert (shown(home).is_enabled, shown(home).enabled_by) == (False, "telegram")


def test_a_site_may_have_it_always_off_or_always_on_at_a_start() -> None:
    for word, is_enabled in (("disabled", False), ("enabled", True)):
        home = Home({**SOC, "auto_control": word})
        home.passes(30)
        home.switches(on=not is_enabled)
        home.passes(30)
        home.now += timedelta(seconds=5)
        home.restarts()
        home.passes(30)
        assert shown(home).is_enabled is is_enabled
