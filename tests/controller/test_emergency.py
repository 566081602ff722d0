"""A leak, smoke, an open door or a hot room stops its miners, before everybody else."""

from typing import Any

import pytest

from hashbus.messages import Rank, SensorTelemetry
from tests.controller.home import Home


def home_with(**sensor: Any) -> Home:
    return Home({"emergency": [{"sensor": "leak", "when": "on", "hold_s": 60, **sensor}]})


def says(home: Home, **reading: Any) -> None:
    home.hear(SensorTelemetry(site="home", at=home.now, source="zigbee2mqtt", sensor="leak", **reading))
    home.passes(2)


@pytest.mark.parametrize(
    ("watched", "fine", "wrong"),
    [
        ({}, {"is_on": False}, {"is_on": True}),
        ({"when": True}, {"is_on": False}, {"is_on": True}),  # an unquoted `on` of YAML
        ({}, {"occupancy": False}, {"occupancy": True}),
        ({"when": "open"}, {"contact": True}, {"contact": False}),
        ({"when": "closed"}, {"contact": False}, {"contact": True}),
        ({"when": "off"}, {"is_on": True}, {"is_on": False}),
        ({"when": None, "above_c": 45}, {"temperature_c": 45}, {"temperature_c": 46}),
    ],
)
def test_what_is_wrong_stops_the_miners_at_once_whoever_wants_power(
    watched: dict[str, Any], fine: dict[str, Any], wrong: dict[str, Any]
) -> None:
    home = home_with(**watched)
    home.request("me", Rank.OVERRIDE, cap_w=3000, floor_w=3000)
    says(home, **fine)
    assert home.setpoint_w() == 3000
    says(home, **wrong)
    assert home.setpoint_w() == 0
    assert home.decision().reason.startswith("emergency by sensor leak: ")


def test_it_must_be_over_for_a_while() -> None:
    home = home_with()
    says(home, is_on=True)
    says(home, is_on=False)
    home.passes(50)
    assert home.setpoint_w() == 0
    home.passes(130)
    assert home.setpoint_w() == 3600


def test_a_sensor_that_falls_silent_in_the_middle_is_not_fine() -> None:
    home = home_with()
    says(home, is_on=True)
    home.passes(2 * 3600)
    assert home.setpoint_w() == 0


def test_silence_may_be_an_alarm_of_its_own() -> None:
    for is_silence_alarm, setpoint_w in ((False, None), (True, 0)):
        home = home_with(is_silence_alarm=is_silence_alarm)
        says(home, is_on=False)
        home.passes(2 * 3600)
        assert home.setpoint_w() == setpoint_w


def test_it_survives_a_restart() -> None:
    home = home_with()
    says(home, is_on=True)
    del home.heard["hashbus/home/sensor/zigbee2mqtt/leak/telemetry"]
    home.restarts()
    home.passes(300)
    assert home.setpoint_w() == 0


def test_one_sensor_watches_one_thing() -> None:
    with pytest.raises(ValueError, match="needs either `when` or `above_c`"):
        home_with(above_c=40)
