"""The simulated house: the sun where it belongs, people who use power, a battery, and a balance that closes."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from hashbus_simulator.clock import SimulatedClock
from hashbus_simulator.house import House, HouseState, advance_house, household_load_w, pv_available_w
from hashbus_simulator.house_settings import (
    BatterySettings,
    HabitSettings,
    HouseSettings,
    PlaceSettings,
    RoofSettings,
)
from hashbus_simulator.sun import clear_sky_plane_w_m2, sun_position
from hashbus_simulator.weather import cloud_cover, light_through_clouds, outdoor_c

MIDSUMMER = datetime(2025, 6, 21, tzinfo=UTC)
CLEAR = PlaceSettings(cloudiness=0)


def house_of(**changes: object) -> HouseSettings:
    return HouseSettings.model_validate({"place": CLEAR} | changes)


# --- sun and weather ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "at", "elevation_deg", "azimuth_deg"),
    [
        # Noon height is 90° - latitude + declination; declination is +23.44° and -23.44° at the solstices.
        ((51.48, 0.0), datetime(2025, 6, 21, 12, 2, tzinfo=UTC), 61.96, 180),
        ((51.48, 0.0), datetime(2025, 12, 21, 11, 58, tzinfo=UTC), 15.08, 180),
        ((0.0, 0.0), datetime(2025, 3, 20, 12, 7, tzinfo=UTC), 90, None),
        ((-33.87, 151.21), datetime(2025, 12, 21, 1, 53, tzinfo=UTC), 79.57, 0),
        # Sunrise in Munich on midsummer's day, 05:13 summer time: the disc's centre is at -0.83°.
        ((48.14, 11.58), datetime(2025, 6, 21, 3, 13, tzinfo=UTC), -0.83, 53),
    ],
)
def test_the_sun_stands_where_the_almanac_has_it(
    place: tuple[float, float], at: datetime, elevation_deg: float, azimuth_deg: float | None
) -> None:
    sun = sun_position(at, latitude_deg=place[0], longitude_deg=place[1])
    assert sun.elevation_deg == pytest.approx(elevation_deg, abs=0.6)
    if azimuth_deg is not None:
        apart = (sun.azimuth_deg - azimuth_deg + 180) % 360 - 180
        assert abs(apart) < 2.5


def test_a_clear_noon_gives_about_a_kilowatt_per_square_metre_and_the_night_nothing() -> None:
    noon = sun_position(MIDSUMMER.replace(hour=11, minute=15), latitude_deg=48.14, longitude_deg=11.58)
    night = sun_position(MIDSUMMER.replace(hour=23), latitude_deg=48.14, longitude_deg=11.58)
    assert 900 < clear_sky_plane_w_m2(noon, tilt_deg=30, azimuth_deg=180) < 1100
    assert clear_sky_plane_w_m2(night, tilt_deg=30, azimuth_deg=180) == 0


def test_a_roof_to_the_east_delivers_in_the_morning_and_one_to_the_west_in_the_evening() -> None:
    morning, evening = MIDSUMMER.replace(hour=6), MIDSUMMER.replace(hour=17)
    east = house_of(roof=RoofSettings(azimuth_deg=90))
    west = house_of(roof=RoofSettings(azimuth_deg=270))
    assert pv_available_w(east, morning) > 2 * pv_available_w(west, morning)
    assert pv_available_w(west, evening) > 2 * pv_available_w(east, evening)


@pytest.mark.parametrize(("cloudiness", "cover"), [(0.0, 0.0), (1.0, 1.0)])
def test_the_ends_of_cloudiness_are_always_clear_and_always_overcast(cloudiness: float, cover: float) -> None:
    moments = [MIDSUMMER + timedelta(minutes=7 * count) for count in range(200)]
    assert {cloud_cover(at, cloudiness=cloudiness, seed=3) for at in moments} == {cover}


def test_an_overcast_sky_lets_a_quarter_of_the_light_through() -> None:
    assert light_through_clouds(0) == 1
    assert light_through_clouds(1) == 0.25


def test_the_same_seed_has_the_same_weather_and_another_seed_another() -> None:
    moments = [MIDSUMMER + timedelta(minutes=13 * count) for count in range(300)]
    first, again, other = ([cloud_cover(at, cloudiness=0.5, seed=seed) for at in moments] for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert min(first) < 0.3
    assert max(first) > 0.7


def test_it_is_warmer_in_the_afternoon_and_in_summer() -> None:
    place = PlaceSettings()
    assert outdoor_c(MIDSUMMER.replace(hour=14), place=place, seed=1) > outdoor_c(
        MIDSUMMER.replace(hour=3), place=place, seed=1
    )
    assert outdoor_c(MIDSUMMER, place=place, seed=1) > outdoor_c(MIDSUMMER.replace(month=1), place=place, seed=1) + 8


# --- people ------------------------------------------------------------------------------------------------


def test_the_people_use_their_daily_energy_and_never_less_than_the_base() -> None:
    habits = HabitSettings(base_w=200, daily_kwh=14)
    loads = [
        household_load_w(habits, MIDSUMMER + timedelta(minutes=10 * count), utc_offset_h=1, seed=5)
        for count in range(144 * 30)
    ]
    assert min(loads) >= 200
    assert sum(loads) / len(loads) * 24 / 1000 == pytest.approx(14, rel=0.05)


def test_the_evening_takes_more_than_the_night() -> None:
    habits = HabitSettings()
    evening, night = (
        sum(
            household_load_w(habits, MIDSUMMER + timedelta(days=day, hours=hour), utc_offset_h=0, seed=1)
            for day in range(30)
        )
        for hour in (19, 3)
    )
    assert evening > 2 * night


# --- the balance -------------------------------------------------------------------------------------------

houses = st.builds(
    lambda seed, peak_w, cloudiness, capacity_kwh, charge_w, discharge_w, efficiency, export_w: HouseSettings(
        seed=seed,
        max_export_w=export_w,
        place=PlaceSettings(cloudiness=cloudiness),
        roof=RoofSettings(peak_w=peak_w),
        battery=BatterySettings(
            capacity_kwh=capacity_kwh,
            max_charge_w=charge_w,
            max_discharge_w=discharge_w,
            round_trip_efficiency=efficiency,
        ),
    ),
    seed=st.integers(0, 1000),
    peak_w=st.floats(0, 50_000),
    cloudiness=st.floats(0, 1),
    capacity_kwh=st.floats(0.1, 200),
    charge_w=st.floats(0, 30_000),
    discharge_w=st.floats(0, 30_000),
    efficiency=st.floats(0.5, 1),
    export_w=st.floats(0, 30_000),
)
states = st.builds(
    HouseState,
    at=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    soc_pct=st.floats(0, 100),
)
stretches = st.lists(st.tuples(st.floats(0.001, 4 * 3600), st.floats(0, 30_000)), min_size=1, max_size=6)


@given(house=houses, state=states, stretches=stretches)
@settings(max_examples=60, deadline=None)
def test_power_in_equals_power_out_at_every_moment(
    house: HouseSettings, state: HouseState, stretches: list[tuple[float, float]]
) -> None:
    for seconds, miners_w in stretches:
        state = advance_house(house, state, seconds=seconds, miners_w=miners_w)
        flows = state.flows
        sources_w = flows.pv_w + flows.import_w + flows.discharge_w
        sinks_w = flows.load_w + flows.miners_w + flows.charge_w + flows.export_w
        assert sources_w == pytest.approx(sinks_w, abs=1e-6)
        assert flows.miners_w == miners_w
        assert min(flows.pv_w, flows.import_w, flows.discharge_w, flows.charge_w, flows.export_w) >= 0
        assert flows.pv_w <= house.roof.peak_w + 1e-6
        assert flows.charge_w <= house.battery.max_charge_w
        assert flows.discharge_w <= house.battery.max_discharge_w
        assert flows.export_w <= house.max_export_w
        assert 0 <= state.soc_pct <= 100


@given(house=houses, state=states, stretches=stretches)
@settings(max_examples=60, deadline=None)
def test_the_counters_balance_and_the_battery_keeps_what_its_efficiency_leaves(
    house: HouseSettings, state: HouseState, stretches: list[tuple[float, float]]
) -> None:
    before_pct = state.soc_pct
    for seconds, miners_w in stretches:
        state = advance_house(house, state, seconds=seconds, miners_w=miners_w)
    total = state.total
    came_wh = total.pv_wh + total.import_wh + total.discharge_wh
    went_wh = total.usage_wh + total.charge_wh + total.export_wh
    assert came_wh == pytest.approx(went_wh, rel=1e-9, abs=1e-6)
    one_way = math.sqrt(house.battery.round_trip_efficiency)
    stored_wh = (state.soc_pct - before_pct) * house.battery.capacity_kwh * 10
    assert stored_wh == pytest.approx(total.charge_wh * one_way - total.discharge_wh / one_way, abs=0.01)


@given(house=houses, state=states)
@settings(max_examples=25, deadline=None)
def test_the_battery_keeps_its_limits_by_itself(house: HouseSettings, state: HouseState) -> None:
    after = advance_house(house, state, seconds=6 * 3600, miners_w=20_000)
    assert after.soc_pct >= min(state.soc_pct, house.battery.min_soc_pct) - 1e-6


def test_the_weather_does_not_depend_on_how_the_clock_is_stepped() -> None:
    house, start = HouseSettings(), HouseState(at=MIDSUMMER.replace(hour=9), soc_pct=40)
    at_once = advance_house(house, start, seconds=3600, miners_w=1000)
    in_steps = start
    for _ in range(60):
        in_steps = advance_house(house, in_steps, seconds=60, miners_w=1000)
    assert at_once == in_steps


# --- days --------------------------------------------------------------------------------------------------


def test_a_battery_fills_from_the_sun_and_empties_into_the_evening() -> None:
    house = house_of(roof=RoofSettings(peak_w=12_000), battery=BatterySettings(capacity_kwh=20))
    noon = advance_house(house, HouseState(at=MIDSUMMER.replace(hour=3), soc_pct=20), seconds=9 * 3600, miners_w=0)
    assert noon.soc_pct == pytest.approx(100)
    assert noon.flows.export_w > 0
    night = advance_house(house, noon, seconds=10 * 3600, miners_w=1500)
    assert night.soc_pct < 80
    assert night.flows.discharge_w == pytest.approx(night.flows.load_w + 1500)


def test_an_empty_battery_leaves_the_night_to_the_grid() -> None:
    house = house_of(battery=BatterySettings(capacity_kwh=5, min_soc_pct=10))
    night = advance_house(house, HouseState(at=MIDSUMMER.replace(hour=20), soc_pct=60), seconds=5 * 3600, miners_w=3000)
    assert night.soc_pct == pytest.approx(10)
    assert night.flows.discharge_w == pytest.approx(0, abs=1e-6)
    assert night.flows.import_w == pytest.approx(night.flows.load_w + 3000)


def test_sun_that_nobody_takes_is_throttled_where_export_is_forbidden() -> None:
    house = house_of(max_export_w=0, battery=BatterySettings(initial_soc_pct=100))
    noon = advance_house(house, HouseState(at=MIDSUMMER.replace(hour=11), soc_pct=100), seconds=60, miners_w=0)
    assert noon.flows.export_w == 0
    assert noon.flows.pv_w == pytest.approx(noon.flows.load_w)


def test_the_counters_of_the_day_start_again_at_local_midnight_and_the_totals_do_not() -> None:
    house = house_of(place=PlaceSettings(utc_offset_h=2))
    evening = HouseState(at=datetime(2025, 6, 21, 21, 0, tzinfo=UTC), soc_pct=50)
    just_before = advance_house(house, evening, seconds=3599, miners_w=1000)
    after = advance_house(house, just_before, seconds=61, miners_w=1000)
    assert just_before.today.usage_wh > 1000
    assert 0 < after.today.usage_wh < 30
    assert after.total.usage_wh > just_before.total.usage_wh


# --- the house on its clock --------------------------------------------------------------------------------


def test_the_house_runs_as_fast_as_its_speed_on_the_simulated_clock() -> None:
    now_s = [0.0]
    house = House(
        HouseSettings(speed=60), clock=SimulatedClock(speed=10, monotonic=lambda: now_s[0]), starts_at=MIDSUMMER
    )
    now_s[0] = 6.0
    assert house.state.at == MIDSUMMER + timedelta(hours=1)


def test_the_miners_are_a_load_of_the_house() -> None:
    now_s = [0.0]
    house = House(HouseSettings(), clock=lambda: now_s[0], starts_at=MIDSUMMER, miners_w=lambda: 3456.0)
    now_s[0] = 1.0
    assert house.state.flows.miners_w == 3456.0


def test_the_battery_can_be_set_but_only_to_what_a_battery_can_hold() -> None:
    house = House(HouseSettings(), clock=lambda: 0.0, starts_at=MIDSUMMER)
    house.set_soc(29.5)
    assert house.state.soc_pct == 29.5
    with pytest.raises(ValueError, match="0 to 100"):
        house.set_soc(100.5)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"battery": {"min_soc_pct": 90, "max_soc_pct": 80}}, "min_soc_pct must be below max_soc_pct"),
        ({"habits": {"base_w": 2000, "daily_kwh": 10}}, "more than daily_kwh"),
        ({"battery": {"capacity_kwh": 0}}, "greater than 0"),
        ({"roof": {"peak_kw": 12}}, "Extra inputs are not permitted"),
        ({"starts_at": "2025-06-21T12:00:00"}, "timezone"),
    ],
)
def test_a_mistake_in_the_house_is_named(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        HouseSettings.model_validate(changes)
