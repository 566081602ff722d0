"""Surplus following: what would be exported goes to the miners, and a passing cloud restarts nobody."""

from typing import Any

import pytest

from hashbus.messages import BatteryTelemetry, Rank
from tests.controller.home import Home

SURPLUS = {"surplus": {"meter": "grid", "raise_after_s": 300, "lower_after_s": 180, "bridge_wh": 100}}


class Roof:
    """A house with a load, a roof with sun, and one miner that draws what it may."""

    def __init__(self, settings: dict[str, Any] | None = None, **surplus: Any) -> None:
        self.home = Home({"surplus": {**SURPLUS["surplus"], **surplus}, "min_step_w": 50, **(settings or {})})
        self.home.hear(self.home.reading(power_limit_w=3600, power_w=0, state="sleeping"))
        self.load_w = 500.0

    def shines(self, pv_w: float, *, minutes: float) -> None:
        """Let the sun shine so strongly for so long; the meter is read every 10 s, and the miner follows at once."""
        for _ in range(int(minutes * 6)):
            self.home.passes(10)
            drawn_w = self.home.setpoint_w() or 0.0
            self.home.hear(self.home.reading(power_w=drawn_w, power_limit_w=drawn_w or 3600))
            self.home.hear(self.home.meter(self.load_w + drawn_w - pv_w))

    def plays(self, table: str) -> None:
        """Play rows of: minutes, watts of sun, the setpoint that holds at their end."""
        for row in table.strip().splitlines()[1:]:
            minutes, pv_w, setpoint = row.split("#")[0].split()
            self.shines(float(pv_w), minutes=float(minutes))
            assert self.home.setpoint_w() == float(setpoint), row


def test_a_clear_day() -> None:
    Roof().plays("""
        minutes sun   setpoint
        5       400   0         # less than the house needs
        10      2000  1500
        4       3000  1500      # not yet: five minutes without a break
        4       3000  2500
        30      5000  3600      # all the miner can do
        10      2500  2000
        10      300   0
    """)


def test_a_passing_cloud_restarts_nobody() -> None:
    roof = Roof()
    roof.shines(3000, minutes=10)
    for _ in range(6):
        roof.shines(1800, minutes=1)  # 1200 W are missing: 20 Wh, four times an hour
        roof.shines(3000, minutes=14)
    assert roof.home.changes() == [0, 2500]


def test_a_long_cloud_lowers_power_when_the_bridge_is_used_up() -> None:
    roof = Roof(bridge_wh=40, lower_after_s=3600)
    roof.shines(3000, minutes=10)
    roof.shines(1500, minutes=1)  # 1500 W are missing: 25 Wh
    assert roof.home.setpoint_w() == 2500
    roof.shines(1500, minutes=2)
    assert roof.home.setpoint_w() == 1000
    assert "40 Wh were bridged" in roof.home.decision().reason


def test_gusts_of_sun_do_not_raise_power() -> None:
    roof = Roof()
    for _ in range(8):
        roof.shines(3000, minutes=4)
        roof.shines(600, minutes=1)
    assert roof.home.setpoint_w() == 0.0


def test_the_import_budget_is_drawn_beside_the_surplus() -> None:
    roof = Roof(import_w=800)
    roof.shines(1200, minutes=10)
    assert roof.home.setpoint_w() == 1500


def test_a_silent_meter_means_no_surplus() -> None:
    roof = Roof()
    roof.shines(3000, minutes=10)
    roof.home.passes(200)
    assert roof.home.setpoint_w() == 0
    assert "meter grid is silent" in roof.home.decision().reason


def test_a_weaker_wish_may_add_to_the_surplus_unless_it_is_the_only_source() -> None:
    roof = Roof()
    roof.shines(1500, minutes=10)
    roof.home.request("warm", Rank.HEAT, wish_w=2500)
    roof.shines(1500, minutes=3)
    assert roof.home.setpoint_w() == 2500
    only = Roof(is_only=True)
    only.shines(1500, minutes=10)
    only.home.request("warm", Rank.HEAT, wish_w=2500)
    only.shines(1500, minutes=3)
    assert only.home.setpoint_w() == 1000


def test_rooms_may_come_before_the_surplus() -> None:
    roof = Roof(rank="economics")
    roof.home.request("warm", Rank.HEAT, lasts_s=7200, wish_w=600)
    roof.shines(3500, minutes=10)
    # A floor of a weaker rank still lifts a wish, so the surplus is taken; a cap for the room's sake stands.
    roof.home.request("too-warm", Rank.HEAT, lasts_s=7200, cap_w=600)
    roof.shines(3500, minutes=3)
    assert roof.home.setpoint_w() == 600


def test_a_restart_keeps_the_level() -> None:
    roof = Roof()
    roof.shines(3000, minutes=10)
    roof.home.restarts()
    roof.shines(3000, minutes=2)
    assert roof.home.setpoint_w() == 2500
    assert roof.home.changes() == [0, 2500]


def test_a_restart_waits_for_the_first_reading_before_it_lets_go() -> None:
    for silent_s, setpoint_w in ((60, 2500), (400, 0)):
        roof = Roof()
        roof.shines(3000, minutes=10)
        del roof.home.heard["hashbus/home/meter/grid/telemetry"]
        roof.home.restarts()
        roof.home.passes(silent_s)
        assert roof.home.setpoint_w() == setpoint_w


@pytest.mark.parametrize(
    ("reading", "setpoint_w"),
    [
        ({"soc_pct": 98, "grid_w": -1500, "battery_w": 500}, 2000),  # full enough: what charges it is surplus too
        ({"soc_pct": 50, "grid_w": -1500, "battery_w": 500}, 1500),  # the battery first
        ({"soc_pct": 50, "grid_w": 0, "battery_w": -1500}, 0),  # what empties it is no surplus
        ({"soc_pct": 50, "pv_w": 3000, "load_w": 1000, "battery_w": 500}, 1500),  # without a figure of the grid
        ({"soc_pct": 50}, None),  # says nothing: nothing is known of a surplus
    ],
)
def test_an_inverter_knows_the_surplus_too(reading: dict[str, Any], setpoint_w: float | None) -> None:
    home = Home({"surplus": {"battery": "house", "raise_after_s": 0}})
    home.hear(home.reading(power_limit_w=3600, power_w=0, state="sleeping"))
    for _ in range(12):
        home.passes(20)
        home.hear(home.reading(power_limit_w=3600, power_w=0, state="sleeping"))
        home.hear(BatteryTelemetry(site="home", at=home.now, battery="house", driver="eg4_portal", **reading))
    assert home.setpoint_w() == (setpoint_w if setpoint_w is not None else 0)


def test_surplus_needs_something_to_measure_with() -> None:
    with pytest.raises(ValueError, match="needs a meter or a battery"):
        Home({"surplus": {}})
