"""Register maps: which questions they become, what the words say, and which mistakes in them are found at the start."""

import contextlib
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hashbus.messages import BatteryReading, MeterReading, SensorReading
from hashbus_poller.drivers.contract import DeviceError, Garbled, Unreachable
from hashbus_poller.drivers.modbus import parse
from hashbus_poller.drivers.modbus.commands import spans
from hashbus_poller.drivers.modbus.options import ModbusDeviceOptions, Register
from hashbus_poller.modbus_tables import Span, Table

Map = dict[str, Any]


def options(registers: Map, *, kind: str = "sensor", **more: Any) -> ModbusDeviceOptions:
    return ModbusDeviceOptions.model_validate({"host": "127.0.0.1", "kind": kind, "registers": registers, **more})


def reading(registers: Map, words: dict[int, int], *, kind: str = "sensor", table: str = "input", **more: Any) -> Any:
    """What a map makes of a table with these words."""
    registers = {
        name: [{"table": table, **one} for one in (ones if isinstance(ones, list) else [ones])]
        for name, ones in registers.items()
    }
    return parse.read(
        options(registers, kind=kind, **more), {(Table(table), place): word for place, word in words.items()}
    )


def words_of(form: str, number: float) -> tuple[int, int]:
    high, low = struct.unpack(">2H", struct.pack(form, number))
    return high, low


def registers_at(*places: tuple[str, int, str]) -> list[Register]:
    return [Register.model_validate({"table": table, "address": place, "type": kind}) for table, place, kind in places]


TWO_FLOATS = [("input", 0, "f32"), ("input", 2, "f32")]
THREE_FLOATS = [("input", 2, "f32"), ("input", 0, "f32"), ("input", 4, "f32")]
APART = [("input", 0, "u16"), ("input", 3, "u16")]
EVERYWHERE = [("holding", 1, "u16"), ("input", 1, "u16"), ("coil", 1, "u16"), ("discrete", 1, "u16")]


@pytest.mark.parametrize(
    ("wanted", "longest_read", "longest_gap", "expected"),
    [
        pytest.param(TWO_FLOATS, 125, 0, ["input 0..3"], id="neighbours together"),
        pytest.param(APART, 125, 0, ["input 0..0", "input 3..3"], id="a gap divides"),
        pytest.param(APART, 125, 2, ["input 0..3"], id="a gap that may be read along"),
        pytest.param(THREE_FLOATS, 4, 0, ["input 0..3", "input 4..5"], id="no longer than the device allows"),
        pytest.param(THREE_FLOATS, 5, 0, ["input 0..3", "input 4..5"], id="no number torn apart"),
        pytest.param([("input", 5, "u16")] * 2, 125, 0, ["input 5..5"], id="the same word once"),
        pytest.param([("input", 4, "u32"), ("input", 5, "u16")], 125, 0, ["input 4..5"], id="one inside the other"),
        pytest.param(
            EVERYWHERE, 125, 0, ["coil 1..1", "discrete 1..1", "input 1..1", "holding 1..1"], id="each table for itself"
        ),
        pytest.param([("coil", 0, "u16"), ("coil", 200, "u16")], 125, 200, ["coil 0..200"], id="bits are small"),
    ],
)
def test_a_map_becomes_the_fewest_questions(
    wanted: list[tuple[str, int, str]], longest_read: int, longest_gap: int, expected: list[str]
) -> None:
    found = spans(registers_at(*wanted), longest_read=longest_read, longest_gap=longest_gap)
    assert [str(span) for span in found] == expected


@given(
    st.lists(
        st.tuples(st.sampled_from(["input", "holding"]), st.integers(0, 300), st.sampled_from(["u16", "u32", "f32"])),
        min_size=1,
        max_size=40,
    ),
    st.integers(2, 125),
    st.integers(0, 20),
)
def test_every_number_is_whole_within_one_question(places: list[tuple[str, int, str]], longest: int, gap: int) -> None:
    wanted = registers_at(*places)
    found = spans(wanted, longest_read=longest, longest_gap=gap)
    assert all(span.count <= longest for span in found)
    for one in wanted:
        assert any(
            span.table is one.table
            and span.first <= one.address
            and one.address + one.entries <= span.first + span.count
            for span in found
        )


@pytest.mark.parametrize(
    ("kind", "words", "expected"),
    [
        ("u16", (65_535,), 65_535.0),
        ("i16", (65_535,), -1.0),
        ("u32", (1, 2), 65_538.0),
        ("i32", (65_535, 65_534), -2.0),
        ("f32", words_of(">f", 21.5), 21.5),
    ],
)
def test_each_type_in_both_word_orders(kind: str, words: tuple[int, ...], expected: float) -> None:
    one = {"temperature_c": {"address": 0, "type": kind, "unit": "°C"}} if expected < 100 else None
    if one is None:
        one = {"power_w": {"address": 0, "type": kind, "unit": "W"}}
    field = next(iter(one))
    assert getattr(reading(one, dict(enumerate(words))), field) == expected
    if len(words) == 2:
        swapped = {field: {**one[field], "word_order": "little"}}
        assert getattr(reading(swapped, dict(enumerate(reversed(words)))), field) == expected
        assert getattr(reading(one, dict(enumerate(reversed(words))), word_order="little"), field) == expected


@pytest.mark.parametrize(
    ("field", "unit", "raw", "expected"),
    [
        ("power_w", "kW", 3, 3000.0),
        ("energy_wh", "kWh", 12, 12_000.0),
        ("energy_wh", "Wmin", 60, 1.0),
        ("temperature_c", "°F", 212, 100.0),
        ("temperature_c", "K", 300, 26.85),
        ("flow_lpm", "m3/h", 6, 100.0),
        ("flow_lpm", "L/s", 2, 120.0),
        ("pressure_bar", "kPa", 150, 1.5),
        ("battery_pct", "%", 40, 40.0),
        ("pump_rpm", "rpm", 2900, 2900.0),
    ],
)
def test_a_unit_becomes_that_of_the_field(field: str, unit: str, raw: int, expected: float) -> None:
    assert getattr(reading({field: {"address": 9, "unit": unit}}, {9: raw}), field) == pytest.approx(expected)


def test_scale_and_offset_come_before_the_unit() -> None:
    one = {"temperature_c": {"address": 0, "type": "i16", "unit": "°F", "scale": 0.1, "offset": -40}}
    assert reading(one, {0: 3000}).temperature_c == pytest.approx(126.666667)


def test_noise_around_zero_counts_as_zero() -> None:
    one = {"flow_lpm": {"address": 0, "type": "i16", "unit": "L/min", "scale": 0.1, "at_least": 0}}
    assert reading(one, {0: 0xFFFF}).flow_lpm == 0.0


def test_several_registers_are_added_and_a_negative_scale_subtracts() -> None:
    terms = [{"address": 10, "unit": "W"}, {"address": 11, "unit": "W", "scale": -1}]
    read = reading(
        {"soc_pct": {"address": 5, "unit": "%", "mask": 0xFF}, "battery_w": terms},
        {5: 0x6450, 10: 0, 11: 700},
        kind="battery",
    )
    assert read == BatteryReading(soc_pct=80, battery_w=-700)


def test_phases_stand_beside_each_other() -> None:
    phases = [{"address": place, "unit": "W", "type": "i16"} for place in (1, 2, 3)]
    read = reading(
        {"power_w": {"address": 0, "unit": "W"}, "phases_w": phases}, {0: 10, 1: 30, 2: 0xFFEC, 3: 0}, kind="meter"
    )
    assert read == MeterReading(power_w=10, phases_w=(30, -20, 0))


def test_bits_and_words_and_their_meanings() -> None:
    bits = {"is_on": {"address": 3}, "contact": {"address": 4, "meanings": {0: True, 1: False}}}
    assert reading(bits, {3: 1, 4: 1}, table="coil") == SensorReading(is_on=True, contact=False)
    masked = {"is_on": {"address": 0, "mask": 0x0100}}
    assert reading(masked, {0: 0x0100}).is_on is True
    assert reading(masked, {0: 0xFEFF}).is_on is False
    status = {"soc_pct": {"address": 1, "unit": "%"}, "status": {"address": 0, "meanings": {2: "heating"}}}
    assert reading(status, {0: 2, 1: 50}, kind="battery").status == "heating"
    assert reading(status, {0: 7, 1: 50}, kind="battery").status == "7"


def test_what_means_no_sensor_is_unknown() -> None:
    one = {
        "temperature_c": {"address": 0, "type": "i16", "unit": "°C", "missing": -32768},
        "flow_lpm": {"address": 1, "unit": "L/min"},
    }
    assert reading(one, {0: 0x8000, 1: 8}) == SensorReading(flow_lpm=8)
    nan = {"temperature_c": {"address": 0, "type": "f32", "unit": "°C"}, "flow_lpm": {"address": 2, "unit": "L/min"}}
    assert reading(nan, {0: 0x7FC0, 1: 0, 2: 8}) == SensorReading(flow_lpm=8)


def test_a_sum_with_an_unknown_part_is_unknown() -> None:
    terms = [{"address": 0, "unit": "W", "missing": 0xFFFF}, {"address": 1, "unit": "W"}]
    read = reading({"power_w": terms, "is_on": {"address": 1}}, {0: 0xFFFF, 1: 5})
    assert read == SensorReading(is_on=True)


def test_nothing_known_is_no_reading() -> None:
    with pytest.raises(Unreachable, match="temperature_c"):
        reading({"temperature_c": {"address": 0, "unit": "°C", "missing": 0xFFFF}}, {0: 0xFFFF})
    battery = {"soc_pct": {"address": 0, "unit": "%"}, "battery_v": {"address": 1, "unit": "V"}}
    with pytest.raises(Unreachable, match="0 % and 0 V"):
        reading(battery, {0: 0, 1: 0}, kind="battery")


def test_a_value_out_of_bounds_is_garbled_and_keeps_the_words() -> None:
    with pytest.raises(Garbled, match="soc_pct") as garbled:
        reading({"soc_pct": {"address": 0, "unit": "%"}}, {0: 101}, kind="battery")
    assert garbled.value.payload == b"\x00\x65"


@given(st.lists(st.integers(0, 0xFFFF), min_size=12, max_size=12), st.sampled_from(["big", "little"]))
def test_no_words_at_all_crash_the_parser(words: list[int], word_order: str) -> None:
    one = {
        "temperature_c": {"address": 0, "type": "f32", "unit": "K"},
        "flow_lpm": {"address": 2, "type": "i32", "unit": "m3/h"},
        "power_w": [{"address": 4, "type": "f32", "unit": "kW"}, {"address": 6, "type": "u32", "unit": "MW"}],
        "contact": {"address": 8},
        "battery_pct": {"address": 9, "unit": "%", "mask": 0x0FF0},
    }
    with contextlib.suppress(DeviceError):
        reading(one, dict(enumerate(words)), word_order=word_order)


@pytest.mark.parametrize(
    ("kind", "registers", "problem"),
    [
        ("sensor", {"temperature": {}}, "temperature is no field of a sensor; there are .*temperature_c"),
        ("sensor", {"temperature_c": {}}, "the unit of temperature_c is one of °C, .*which has to be said"),
        ("sensor", {"temperature_c": {"unit": "W"}}, "the unit of temperature_c is one of °C, .*not 'W'"),
        ("sensor", {"contact": {"unit": "V"}}, "contact has no unit"),
        ("sensor", {"contact": [{}, {}]}, "contact is yes or no and takes exactly one value"),
        ("sensor", {}, "a sensor needs at least one field"),
        ("battery", {"battery_v": {"unit": "V"}}, "a battery needs soc_pct"),
        ("meter", {"voltage_v": {"unit": "V"}}, "a meter needs power_w"),
        ("battery", {"errors": {}}, "errors is no field"),
        ("miner", {"power_w": {"unit": "W"}}, "a miner needs a driver of its own"),
        ("sensor", {"contact": {"mask": 1, "table": "coil"}}, "mask is for u16 and u32"),
        ("sensor", {"power_w": {"unit": "W", "type": "f32", "address": 65_535}}, "beyond the last register"),
    ],
)
def test_a_wrong_map_is_refused_at_the_start(kind: str, registers: Map, problem: str) -> None:
    filled = {
        name: [{"table": "input", "address": 0, **one} for one in (ones if isinstance(ones, list) else [ones])]
        for name, ones in registers.items()
    }
    with pytest.raises(ValidationError, match=problem):
        options(filled, kind=kind)


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ({"transport": "tcp"}, "transport tcp needs host"),
        ({"transport": "rtu"}, "transport rtu needs serial_port"),
        ({"transport": "rtu", "serial_port": "socket://10.0.0.1:99"}, "serial_port"),
        ({"host": "10.0.0.256"}, "host"),
    ],
)
def test_a_place_that_cannot_be_is_refused_at_the_start(place: Map, problem: str) -> None:
    one = {"contact": {"table": "coil", "address": 0}}
    with pytest.raises(ValidationError, match=problem):
        ModbusDeviceOptions.model_validate({"kind": "sensor", "registers": one, **place})


def test_a_span_says_what_it_is() -> None:
    assert str(Span(Table.HOLDING, 1000, 2)) == "holding 1000..1001"
