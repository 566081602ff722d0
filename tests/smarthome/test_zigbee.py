"""What Zigbee2MQTT says, as sensors of ours: pure, from payloads composed by its documentation."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hashbus.messages import AvailabilityState, SensorAvailability, SensorReading, SensorTelemetry
from hashbus.topics import ID_PATTERN
from hashbus_smarthome.zigbee.exposes import FACTORS, FLAGS, NUMBERS, safe_id, sensors_of
from hashbus_smarthome.zigbee.network import Network
from hashbus_smarthome.zigbee.values import heard, moment
from tests.smarthome.zigbee_devices import (
    ALL,
    BATTERY,
    BLIND,
    BULB,
    COORDINATOR,
    LEAK,
    LINK,
    PLUG,
    ROOM,
    STRIP,
    UNSUPPORTED,
    VALVE,
    WINDOW,
    device,
    flag,
    number,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def values_of(one: dict[str, Any], **said: Any) -> dict[str, Any]:
    """What a device's first sensor reads in a payload."""
    found = heard(json.dumps(said).encode(), sensors_of([one])[0].values)
    assert not found.problems
    return dict(found.values)


def network(*devices: dict[str, Any], max_age: timedelta = HOUR) -> Network:
    found = Network("home", max_age)
    found.hear_bridge(b'{"state":"online"}')
    found.hear_devices(json.dumps(list(devices)).encode())
    return found


def states(found: Network, now: datetime = NOW) -> dict[str, tuple[str, str | None]]:
    return {one.sensor: (one.state.value, one.reason) for one in found.availabilities(now)}


def test_a_room_sensor_tells_temperature_humidity_and_pressure() -> None:
    said = {"temperature": 21.4, "humidity": 44.1, "pressure": 1013, "battery": 97, "voltage": 3000, "linkquality": 255}
    assert values_of(ROOM, **said) == {
        "temperature_c": 21.4,
        "humidity_pct": 44.1,
        "pressure_bar": 1.013,
        "battery_pct": 97,
        "link_pct": 100,
    }


def test_a_closed_contact_is_closed_although_its_value_on_is_false() -> None:
    assert values_of(WINDOW, contact=True) == {"contact": True}
    assert values_of(WINDOW, contact=False) == {"contact": False}


def test_a_plug_tells_power_energy_and_whether_it_is_on() -> None:
    said = {"state": "ON", "power": 1480.5, "current": 6.4, "voltage": 231, "energy": 812.3}
    assert values_of(PLUG, **said) == {
        "is_on": True,
        "power_w": 1480.5,
        "current_a": 6.4,
        "voltage_v": 231,
        "energy_wh": 812300,
    }


def test_a_thermostat_valve_tells_room_target_and_position() -> None:
    said = {"local_temperature": 19.5, "occupied_heating_setpoint": 21, "pi_heating_demand": 40, "system_mode": "heat"}
    assert values_of(VALVE, **said) == {"temperature_c": 19.5, "target_c": 21, "position_pct": 40}


def test_a_leak_is_told() -> None:
    assert values_of(LEAK, water_leak=True) == {"is_wet": True}


def test_each_socket_of_a_strip_is_a_sensor_of_its_own() -> None:
    sensors = {one.id: one for one in sensors_of([STRIP])}
    assert set(sensors) == {"two-sockets-l1", "two-sockets-l2"}
    said = json.dumps({"state_l1": "ON", "state_l2": "OFF", "power_l1": 10, "power_l2": 0, "linkquality": 51}).encode()
    assert dict(heard(said, sensors["two-sockets-l1"].values).values) == {"is_on": True, "power_w": 10, "link_pct": 20}
    assert dict(heard(said, sensors["two-sockets-l2"].values).values) == {"is_on": False, "power_w": 0, "link_pct": 20}


def test_what_measures_nothing_for_us_is_no_sensor() -> None:
    assert sensors_of([COORDINATOR, UNSUPPORTED, BULB, BLIND, device("remote", "0x1", [BATTERY, LINK])]) == []


def test_friendly_names_become_ids_that_topics_and_files_bear() -> None:
    assert [one.id for one in sensors_of(ALL)] == [
        "living-room-climate",
        "Kuche-Fenster",
        "pump-plug",
        "bath-valve",
        "two-sockets-l1",
        "two-sockets-l2",
        "cellar-leak",
    ]
    assert sensors_of([ROOM])[0].name == "living room/climate", "people know it by its name"


def test_a_name_in_another_script_is_known_by_its_address() -> None:
    assert safe_id("Кухня 1", "0x00158d00018255df") == "0x00158d00018255df"
    assert safe_id("///", "0x1") == "0x1"


def test_names_that_become_the_same_are_told_apart() -> None:
    twins = [
        device("a/b", "0x00158d0001000001", [number("temperature")]),
        device("a b", "0x00158d0001000002", [number("temperature")]),
    ]
    assert [one.id for one in sensors_of(twins)] == ["a-b-000001", "a-b-000002"]


@given(some.text(min_size=1, max_size=100), some.integers(min_value=0, max_value=2**64 - 1))
def test_any_name_gives_an_id(name: str, address: int) -> None:
    assert re.fullmatch(ID_PATTERN, safe_id(name, f"0x{address:016x}"))


def test_what_is_left_out_is_left_out() -> None:
    assert sensors_of([ROOM, PLUG], leave_out=("pump plug",))[0].id == "living-room-climate"
    assert len(sensors_of([ROOM, PLUG], leave_out=("pump plug",))) == 1


@pytest.mark.parametrize(
    ("given_unit", "value", "expected"),
    [("°F", 70.7, 21.5), (None, 21.5, 21.5), ("°C", 21.5, 21.5)],
)
def test_units_of_the_device_become_ours(given_unit: str | None, value: float, expected: float) -> None:
    one = device("x", "0x1", [number("temperature", given_unit)])
    assert values_of(one, temperature=value) == {"temperature_c": expected}


def test_a_unit_that_is_not_known_is_not_guessed() -> None:
    assert sensors_of([device("x", "0x1", [number("temperature", "furlong")])]) == []
    assert (
        sensors_of([device("x", "0x1", [number("power", "mV"), number("temperature")])])[0].values[0].field
        == "temperature_c"
    )


def test_every_field_that_is_read_is_one_of_a_reading_and_has_units() -> None:
    assert {*NUMBERS.values(), *FLAGS.values()} <= set(SensorReading.model_fields)
    assert all(any(field.endswith(suffix) for suffix in FACTORS) for field in NUMBERS.values())


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"temperature": "warm"}, "temperature: 'warm' is no number"),
        ({"temperature": True}, "temperature: 'True' is no number"),
        ({"temperature": 1e300}, "temperature_c: Input should be less than or equal to 250"),
        ({"temperature": [21]}, "temperature: '[21]' is no number"),
        ({"temperature": 10**400}, "beyond any bounds"),
        ({"humidity": -1}, "greater than or equal to 0"),
    ],
)
def test_a_value_that_is_garbage_is_left_out_and_the_others_are_taken(said: dict[str, Any], problem: str) -> None:
    [sensor] = sensors_of([ROOM])
    found = heard(json.dumps({"pressure": 1000, **said}).encode(), sensor.values)
    assert dict(found.values) == {"pressure_bar": 1}
    assert problem in found.problems[0]


def test_a_word_that_is_neither_on_nor_off_is_refused() -> None:
    found = heard(b'{"state":"MAYBE","power":5}', sensors_of([PLUG])[0].values)
    assert dict(found.values) == {"power_w": 5}
    assert found.problems == ("state: 'MAYBE' is neither ON nor OFF",)


@pytest.mark.parametrize("payload", [b"", b"\xff", b"{", b"[]", b"21.5", b"null", b'"x"', b"[" * 100_000, b"9" * 5000])
def test_a_payload_that_is_no_object_is_refused(payload: bytes) -> None:
    found = heard(payload, sensors_of([ROOM])[0].values)
    assert not found.values
    assert "output" in found.problems[0]


@given(some.binary(max_size=200))
def test_no_payload_raises(payload: bytes) -> None:
    found = network(ROOM)
    found.hear_device("living room/climate", payload, NOW, is_retained=False)
    found.hear_bridge(payload)
    found.hear_availability("living room/climate", payload)
    found.hear_devices(payload)
    found.availabilities(NOW)


JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=10),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@given(
    some.lists(
        JSON
        | some.fixed_dictionaries(
            {
                "friendly_name": JSON,
                "ieee_address": some.just("0x1") | JSON,
                "definition": some.fixed_dictionaries(
                    {
                        "exposes": JSON
                        | some.lists(
                            some.fixed_dictionaries(
                                {
                                    "type": some.sampled_from(["numeric", "binary", "switch"]),
                                    "name": some.sampled_from([*NUMBERS, *FLAGS]),
                                },
                                optional={
                                    "access": JSON,
                                    "unit": JSON,
                                    "property": JSON,
                                    "features": JSON,
                                    "endpoint": JSON,
                                },
                            ),
                            max_size=4,
                        )
                    }
                ),
            }
        ),
        max_size=3,
    )
)
def test_no_list_of_devices_raises(devices: list[Any]) -> None:
    for sensor in sensors_of(devices):
        assert sensor.values


@pytest.mark.parametrize("name", ["a+b", "a/#", "", "x\x00", "n" * 300, None, 7])
def test_a_name_that_cannot_be_listened_to_is_left_out(name: Any) -> None:
    assert sensors_of([device(name, "0x1", [number("temperature")])]) == []


@pytest.mark.parametrize(
    ("given_time", "expected"),
    [
        ("2025-10-09T08:53:20+00:00", datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)),
        ("2025-10-09T08:53:20Z", datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)),
        ("2025-10-09T08:53:20.123Z", datetime(2025, 10, 9, 8, 53, 20, 123000, tzinfo=UTC)),
        ("2025-10-09T10:53:20+02:00", datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)),
        (1760000000000, datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)),
        ("2025-10-09T08:53:20", None),
        ("yesterday", None),
        (None, None),
        (True, None),
        (1e40, None),
    ],
)
def test_last_seen_is_read_in_each_of_its_forms(given_time: Any, expected: datetime | None) -> None:
    assert moment(given_time) == expected


def reading(found: Network, at: datetime = NOW, *, is_retained: bool = False, **said: Any) -> list[SensorTelemetry]:
    return found.hear_device("living room/climate", json.dumps(said).encode(), at, is_retained=is_retained)


def test_a_reading_is_as_old_as_the_device_was_seen() -> None:
    [one] = reading(network(ROOM), temperature=21, last_seen="2026-03-01T11:58:00+00:00")
    assert one.at == one.taken_at == NOW - timedelta(minutes=2)
    assert (one.source, one.sensor, one.name) == ("zigbee2mqtt", "living-room-climate", "living room/climate")


def test_a_clock_that_is_ahead_makes_nothing_younger() -> None:
    [one] = reading(network(ROOM), temperature=21, last_seen="2026-03-01T13:00:00+00:00")
    assert one.at == NOW


def test_without_last_seen_a_reading_is_as_old_as_its_arrival() -> None:
    [one] = reading(network(ROOM), temperature=21)
    assert (one.at, one.taken_at) == (NOW, None)


def test_a_retained_value_of_unknown_age_is_nothing_to_go_by() -> None:
    found = network(ROOM)
    assert reading(found, is_retained=True, temperature=21) == []
    assert states(found) == {"living-room-climate": ("offline", "nothing heard yet")}


def test_a_retained_value_that_says_when_counts_once() -> None:
    found = network(ROOM)
    seen = "2026-03-01T11:58:00+00:00"
    assert len(reading(found, is_retained=True, temperature=21, last_seen=seen)) == 1
    assert reading(found, is_retained=True, temperature=21, last_seen=seen) == []


def test_a_sensor_is_there_once_it_has_spoken_and_gone_when_it_is_silent_for_too_long() -> None:
    found = network(ROOM)
    assert states(found) == {"living-room-climate": ("offline", "nothing heard yet")}
    reading(found, temperature=21)
    assert states(found) == {"living-room-climate": ("online", None)}
    assert states(found, NOW + HOUR) == {}
    late = NOW + HOUR + timedelta(seconds=1)
    assert states(found, late) == {"living-room-climate": ("offline", "nothing heard since 2026-03-01 12:00 UTC")}
    reading(found, late, temperature=21)
    assert states(found, late) == {"living-room-climate": ("online", None)}


@pytest.mark.parametrize("payload", [b'{"state":"offline"}', b"offline"])
def test_what_zigbee2mqtt_does_not_reach_is_offline(payload: bytes) -> None:
    found = network(ROOM)
    reading(found, temperature=21)
    found.hear_availability("living room/climate", payload)
    assert states(found) == {"living-room-climate": ("offline", "Zigbee2MQTT does not reach it")}
    found.hear_availability("living room/climate", b'{"state":"online"}')
    assert states(found) == {"living-room-climate": ("online", None)}


@pytest.mark.parametrize("payload", [b'{"state":"offline"}', b"offline"])
def test_when_the_bridge_is_away_all_are_offline(payload: bytes) -> None:
    found = network(ROOM, PLUG)
    reading(found, temperature=21)
    states(found)
    found.hear_bridge(payload)
    assert {state for state, _ in states(found).values()} == {"offline"}
    found.hear_bridge(b"online")
    assert states(found)["living-room-climate"] == ("online", None)


def test_a_device_that_is_disabled_is_not_listened_to() -> None:
    found = network({**ROOM, "disabled": True})
    assert found.names == set()
    assert states(found) == {"living-room-climate": ("offline", "it is disabled in Zigbee2MQTT")}


def test_the_time_since_when_stays_while_the_state_does() -> None:
    found = network(ROOM)
    [first] = found.availabilities(NOW)
    found.hear_bridge(b"offline")
    [second] = found.availabilities(NOW + HOUR)
    assert (second.reason, second.since) == ("Zigbee2MQTT is offline", first.since)


def test_a_sensor_that_left_the_network_is_taken_off_also_after_a_restart() -> None:
    found = network(ROOM, PLUG)
    assert list(found.gone()) == []
    states(found)
    found.hear_devices(json.dumps([ROOM]).encode())
    assert list(found.gone()) == ["pump-plug"]
    assert list(found.gone()) == []
    later = Network("home", HOUR)
    later.recall(
        SensorAvailability(
            site="home", at=NOW, source="zigbee2mqtt", sensor="sold", state=AvailabilityState.ONLINE, since=NOW
        )
    )
    assert list(later.gone()) == [], "the list of devices has not come yet"
    later.hear_devices(json.dumps([ROOM]).encode())
    assert list(later.gone()) == ["sold"]


def test_after_a_restart_a_sensor_is_as_old_as_it_was() -> None:
    found = Network("home", HOUR)
    found.recall(
        SensorTelemetry(site="home", at=NOW, source="zigbee2mqtt", sensor="living-room-climate", temperature_c=20)
    )
    found.recall(SensorTelemetry(site="home", at=NOW, source="poller", sensor="pump-plug", temperature_c=20))
    found.hear_devices(json.dumps([ROOM, PLUG]).encode())
    assert states(found, NOW + HOUR / 2) == {
        "living-room-climate": ("online", None),
        "pump-plug": ("offline", "nothing heard yet"),
    }


def test_a_list_of_devices_that_is_garbage_changes_nothing() -> None:
    found = network(ROOM)
    assert not found.hear_devices(b"{")
    assert set(found.sensors) == {"living-room-climate"}
    assert found.problems
    found.hear_devices(json.dumps([ROOM]).encode())
    assert not found.problems


def test_two_flags_of_one_meaning_count_once() -> None:
    one = device("x", "0x1", [flag("presence"), flag("occupancy")])
    assert [value.name for value in sensors_of([one])[0].values] == ["occupancy"]
