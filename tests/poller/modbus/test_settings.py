"""Settings of a Modbus device: which words a value becomes, and which mistakes are found at the start."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hashbus.messages import SettingValue
from hashbus_poller.drivers.modbus.options import ModbusDeviceOptions
from hashbus_poller.drivers.modbus.settings import ModbusSetting, value_in, words_for
from hashbus_poller.mapped import settable

Keys = dict[str, Any]

SPEED: Keys = {
    "title": "Speed",
    "table": "holding",
    "address": 7,
    "unit": "%",
    "scale": 0.1,
    "lowest": 20,
    "highest": 100,
}
PUMP_ON: Keys = {"title": "Pump on", "table": "coil", "address": 3}
MODE: Keys = {"title": "Mode", "table": "holding", "address": 9, "words": {"standby": 0, "heating": 4}}


def setting(**keys: Any) -> ModbusSetting:
    return ModbusSetting.model_validate(keys)


def options(settings: dict[str, Keys], **more: Any) -> ModbusDeviceOptions:
    registers = {"power_w": {"table": "input", "address": 0, "unit": "W"}}
    device = {"host": "127.0.0.1", "kind": "sensor", "registers": registers, "takes_orders": True}
    return ModbusDeviceOptions.model_validate({**device, "settings": settings, **more})


@pytest.mark.parametrize(
    ("keys", "value", "words"),
    [
        pytest.param(SPEED, 55.5, (555,), id="a scaled number"),
        pytest.param({**SPEED, "unit": "kW", "lowest": 0.1, "highest": 6}, 2500.0, (25,), id="watts to a device of kW"),
        pytest.param({**SPEED, "type": "i16", "lowest": -20}, -20.0, (0xFF38,), id="below zero"),
        pytest.param({**SPEED, "type": "u32", "scale": 0.001}, 100.0, (1, 0x86A0), id="two words, the high one first"),
        pytest.param(
            {**SPEED, "type": "u32", "scale": 0.001, "word_order": "little"}, 100.0, (0x86A0, 1), id="the low one first"
        ),
        pytest.param({**SPEED, "type": "f32", "scale": 1}, 55.5, (0x425E, 0), id="a float"),
        pytest.param({**SPEED, "offset": -10}, 20.0, (300,), id="an offset"),
        pytest.param(PUMP_ON, True, (1,), id="a coil"),
        pytest.param(
            {**PUMP_ON, "table": "holding", "value_on": 3, "value_off": 1}, False, (1,), id="a switch in a register"
        ),
        pytest.param(MODE, "heating", (4,), id="a word"),
        pytest.param(
            {**MODE, "words": {False: 0, "heating": 4}}, "off", (0,), id="a bare off, which YAML takes for no"
        ),
    ],
)
def test_a_value_becomes_words_and_comes_back(keys: Keys, value: SettingValue, words: tuple[int, ...]) -> None:
    its = setting(**keys)
    assert words_for(its, value, "big") == words
    assert value_in(its, words, "big") == value


@given(st.floats(20, 100), st.sampled_from([0.1, 0.01, 0.5, 1]), st.sampled_from(["u16", "i16", "u32", "i32", "f32"]))
def test_what_is_written_is_what_is_read_back(value: float, scale: float, kind: str) -> None:
    its = setting(**{**SPEED, "scale": scale, "type": kind})
    described = settable.described("speed_pct", its, finest=its.finest)
    assert settable.is_same(described, value, value_in(its, words_for(its, value, "big"), "big"))


@pytest.mark.parametrize(
    ("keys", "value", "problem"),
    [
        (SPEED, 19.9, "speed_pct is 19.9; it can be a number from 20 to 100 %"),
        (SPEED, 100.1, "a number from 20 to 100 %"),
        (SPEED, True, "a number from 20 to 100 %"),
        (SPEED, "fast", "speed_pct is 'fast'; it can be a number"),
        (PUMP_ON, 1.0, "it can be true or false"),
        (MODE, "cooling", "it can be standby, heating"),
    ],
)
def test_a_value_out_of_bounds_is_refused_in_words(keys: Keys, value: SettingValue, problem: str) -> None:
    its = setting(**keys)
    described = settable.described("speed_pct", its, finest=its.finest)
    assert problem in (settable.why_not(described, value) or "")


def test_bounds_are_told_in_the_sites_own_units() -> None:
    its = setting(**{**SPEED, "unit": "kW", "lowest": 0.5, "highest": 6})
    told = settable.described("power_w", its, finest=its.finest)
    assert (told.unit, told.lowest, told.highest, told.step) == ("W", 500, 6000, 100)


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        pytest.param({**SPEED, "table": "input"}, "table input cannot be written", id="read only"),
        pytest.param({**PUMP_ON, "table": "discrete"}, "cannot be written", id="a discrete input"),
        pytest.param({**SPEED, "lowest": None}, "lowest and highest belong together", id="half a bound"),
        pytest.param(
            {**SPEED, "lowest": None, "highest": None}, "needs lowest and highest: what is safe", id="no bounds"
        ),
        pytest.param({**SPEED, "lowest": 100}, "is not below", id="bounds the wrong way round"),
        pytest.param({**SPEED, "highest": 7000}, "u16 holds 0 to 65535", id="more than the register holds"),
        pytest.param({**SPEED, "lowest": -1}, "u16 holds 0 to 65535", id="below zero without a sign"),
        pytest.param({**SPEED, "lowest": 20.05}, "take another bound", id="a bound between two steps"),
        pytest.param({**SPEED, "scale": 0}, "scale 0", id="everything is written alike"),
        pytest.param({**MODE, "words": {"a": 1, "b": 1}}, "written alike", id="two words for one value"),
        pytest.param({**PUMP_ON, "value_on": 2}, "a coil is a switch", id="a coil with a number"),
        pytest.param({**SPEED, "address": 70_000}, "65535", id="no such register"),
        pytest.param({**MODE, "type": "f32"}, "f32 is for a number", id="words in a float"),
        pytest.param({**SPEED, "min_interval_s": 1}, "greater than or equal to 5", id="written too often"),
        pytest.param({**SPEED, "mask": 3}, "mask", id="bits of a register that others use"),
    ],
)
def test_an_unsafe_setting_is_refused_at_the_start(keys: Keys, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        setting(**keys)


@pytest.mark.parametrize(
    ("settings", "more", "problem"),
    [
        ({"speed": SPEED}, {}, r"settings\.speed: a number with a unit ends in it"),
        ({"speed_w": SPEED}, {}, "the unit of speed_w is one of W, kW"),
        ({"speed_pct": {**SPEED, "shown_by": "pump_rpm"}}, {}, "shown_by 'pump_rpm' is no field"),
        ({"speed_pct": SPEED, "mode": {**MODE, "address": 7}}, {}, "stand in the same register"),
        ({"Speed": SPEED}, {}, "should match pattern"),
        ({}, {}, "nothing stands under settings"),
        ({"speed_pct": SPEED}, {"unit": 0}, "unit 0 is every unit on the line"),
    ],
)
def test_settings_that_do_not_fit_the_device_are_refused_at_the_start(
    settings: dict[str, Keys], more: Keys, problem: str
) -> None:
    with pytest.raises(ValidationError, match=problem):
        options(settings, **more)


def test_a_device_narrows_a_bound_of_its_template_and_takes_a_setting_away() -> None:
    own = {"settings": {"setpoint_pct": {"lowest": 40}, "is_on": None}}
    found = ModbusDeviceOptions.model_validate({"template": "grundfos_pump", "host": "192.0.2.7", **own})
    assert list(found.settings) == ["setpoint_pct"]
    assert (found.settings["setpoint_pct"].lowest, found.settings["setpoint_pct"].highest) == (40, 100)
