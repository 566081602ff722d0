"""The rooms of the simulated house: one mass that miners warm and the weather cools, and a thermometer on the wall."""

import struct
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hashbus_simulator.devices.modbus.device import thermometer_registers
from hashbus_simulator.house import House
from hashbus_simulator.house_settings import HouseSettings, RoomSettings
from hashbus_simulator.rooms import OUTDOORS, Rooms, advance_room
from hashbus_simulator.settings import SimulatorSettings

ROOM = RoomSettings(id="living", miners=("attic",))
STARTS = datetime(2026, 1, 14, tzinfo=UTC)


def test_a_heated_room_comes_to_rest_where_heat_and_loss_are_equal() -> None:
    warm_c = advance_room(ROOM, 18, seconds=30 * 86_400, heat_w=2400, air_c=1)
    assert warm_c == pytest.approx(21)


def test_a_room_without_heat_halves_its_distance_to_the_weather_in_seven_tenths_of_its_time_constant() -> None:
    time_constant_s = 1.7 * 3.6e6 / 120
    assert advance_room(ROOM, 20, seconds=0.6931 * time_constant_s, heat_w=0, air_c=0) == pytest.approx(10, abs=0.01)


@given(st.floats(-10, 30), st.floats(0, 10_000), st.floats(-20, 30), st.integers(1, 20))
def test_many_small_steps_are_one_long_one(room_c: float, heat_w: float, air_c: float, pieces: int) -> None:
    long_c = advance_room(ROOM, room_c, seconds=7200, heat_w=heat_w, air_c=air_c)
    for _ in range(pieces):
        room_c = advance_room(ROOM, room_c, seconds=7200 / pieces, heat_w=heat_w, air_c=air_c)
    assert room_c == pytest.approx(long_c, abs=1e-6)


class Ticking:
    """A clock in the hand."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_rooms_follow_the_time_of_the_house_and_the_power_of_their_miners() -> None:
    clock, power = Ticking(), {"attic": 3500.0}
    house = House(HouseSettings(rooms=(ROOM, RoomSettings(id="hall", initial_c=18))), clock=clock, starts_at=STARTS)
    rooms = Rooms(house, power.__getitem__)
    clock.now_s = 6 * 3600
    warm = rooms.temperatures_c
    assert warm["living"] > 19
    assert warm["hall"] < 18
    power["attic"] = 0.0
    house.advance(6 * 3600)
    assert rooms.temperatures_c["living"] < warm["living"]
    assert rooms.measured_c(OUTDOORS) == house.outdoor_c


def test_an_open_window_lets_the_heat_out() -> None:
    clock = Ticking()
    house = House(HouseSettings(rooms=(ROOM,)), clock=clock, starts_at=STARTS)
    rooms = Rooms(house, lambda _: 2000.0)
    shut = Rooms(house, lambda _: 2000.0)
    rooms.turn_window("living", is_open=True)
    clock.now_s = 1800
    fallen_k = shut.temperatures_c["living"] - rooms.temperatures_c["living"]
    assert fallen_k > 1
    rooms.turn_window("living", is_open=False)
    clock.now_s += timedelta(hours=48).total_seconds()
    assert rooms.temperatures_c["living"] == pytest.approx(shut.temperatures_c["living"], abs=0.2)


@pytest.mark.parametrize("value_c", [21.34, 0.0, -7.25])
def test_the_thermometer_shows_tenths_as_a_signed_word(value_c: float) -> None:
    (shown,) = struct.unpack(">h", struct.pack(">H", thermometer_registers(value_c)[1]))
    assert shown / 10 == pytest.approx(value_c, abs=0.051)


THERMOMETER = {"family": "modbus", "host": "127.66.9.1", "model": "XY-MD02"}


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"devices": [{**THERMOMETER, "room": "cellar"}]}, "the room 'cellar', which the house does not have"),
        ({"devices": [THERMOMETER]}, "needs a room"),
        ({"house": {"rooms": [{"id": "living", "miners": ["attic"]}]}}, "heated by 'attic', which is not emulated"),
    ],
)
def test_a_room_that_is_not_there_is_named(settings: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        SimulatorSettings.model_validate(settings)
