"""The parts of the heating: which thermometer counts, the curve, the week, choices, windows, counters, settings."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hashbus.messages import (
    HeatingCurve,
    HeatProgram,
    MinerState,
    MinerTelemetry,
    PolicyMemory,
    Profile,
    ProfileRequest,
    SensorTelemetry,
    SwitchPoint,
    ZoneRequest,
    ZoneTargets,
)
from hashbus_controller.heat import choices, window
from hashbus_controller.heat.counters import Counters, counted
from hashbus_controller.heat.curve import supply_c
from hashbus_controller.heat.inputs import ROOM_C, Thermometers, chosen, why_none
from hashbus_controller.heat.settings import HeatSettings, InputSettings, WindowSettings
from hashbus_controller.heat.week import in_force

NOW = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)  # a Wednesday
BERLIN = ZoneInfo("Europe/Berlin")
UTC_ZONE = ZoneInfo("UTC")


def sensor(name: str, *, age_s: float = 0, **fields: Any) -> dict[str, SensorTelemetry]:
    source, _, one = name.partition("/")
    at = NOW - timedelta(seconds=age_s)
    return {name: SensorTelemetry(site="home", at=at, source=source, sensor=one, **fields)}


def miner(name: str, *, age_s: float = 0, **fields: Any) -> dict[str, MinerTelemetry]:
    at = NOW - timedelta(seconds=age_s)
    said = MinerTelemetry(site="home", at=at, miner=name, driver="x", state=MinerState.MINING, **fields)
    return {name: said}


INPUTS = (
    InputSettings(sensor="zigbee2mqtt/living", correction_k=-0.5, max_age_s=1800),
    InputSettings(sensor="hall"),
    InputSettings(miner="attic", correction_k=-4),
)


class TestInputs:
    """S4.11: the first of the list that is usable."""

    @pytest.mark.parametrize(
        ("living", "hall", "attic", "found"),
        [
            ({"temperature_c": 20}, {"temperature_c": 18}, {"ambient_c": 25}, (19.5, "zigbee2mqtt/living")),
            ({"temperature_c": 20, "age_s": 1801}, {"temperature_c": 18}, {"ambient_c": 25}, (18, "poller/hall")),
            ({"temperature_c": 20, "age_s": 1801}, {}, {"ambient_c": 25}, (21, "attic ambient_c")),
            ({"humidity_pct": 40}, {"temperature_c": 18}, {"ambient_c": 25}, (18, "poller/hall")),
            # 85 °C is what a DS18B20 says after it lost its power.
            ({"temperature_c": 85}, {"temperature_c": 18}, {"ambient_c": 25}, (18, "poller/hall")),
            ({"temperature_c": 20, "age_s": -400}, {"temperature_c": 18}, {"ambient_c": 25}, (18, "poller/hall")),
            (
                {"temperature_c": 20, "taken_at": NOW - timedelta(hours=2)},
                {},
                {"ambient_c": 25},
                (21, "attic ambient_c"),
            ),
            # A miner's reading is worth believing for three minutes, whatever age the input allows.
            ({}, {}, {"ambient_c": 25, "age_s": 200}, None),
        ],
    )
    def test_the_first_usable_thermometer_counts(
        self, living: dict[str, Any], hall: dict[str, Any], attic: dict[str, Any], found: tuple[float, str] | None
    ) -> None:
        known = Thermometers(
            sensor("zigbee2mqtt/living", **living) | sensor("poller/hall", **hall), miner("attic", **attic)
        )
        one = chosen(INPUTS, known, NOW, within_c=ROOM_C)
        assert (one and (one.value_c, one.key)) == found

    def test_when_none_is_usable_it_says_of_each_why(self) -> None:
        known = Thermometers(sensor("zigbee2mqtt/living", temperature_c=20, age_s=7200), miner("attic", ambient_c=99))
        assert why_none(INPUTS, known, NOW, within_c=ROOM_C) == (
            "zigbee2mqtt/living is 120 min old; poller/hall never told; attic ambient_c tells 95.0 °C, which cannot be"
        )


class TestCurve:
    """S4.13: the water follows the weather."""

    @pytest.mark.parametrize(
        ("curve", "outdoor_c", "room_c", "supply"),
        [
            ({"slope": 1.0, "exponent": 1}, -10, None, 50),
            ({"slope": 1.0, "exponent": 1}, 5, None, 35),
            ({"slope": 1.0, "exponent": 1, "shift_k": 3}, 5, None, 38),
            ({"slope": 1.0, "exponent": 1, "room_influence": 4}, 5, 19, 39),
            ({"slope": 1.0, "exponent": 1.3}, 5, None, 37.6),  # radiators need more on mild days than a straight line
            ({"slope": 2.0, "exponent": 1}, -20, None, 55),  # never above its limit
            ({"slope": 1.0}, 25, None, 20),  # summer
            ({"slope": 1.0, "exponent": 1}, None, None, 40),  # no weather: made for freezing point
        ],
    )
    def test_the_curve_in_figures(
        self, curve: dict[str, float], outdoor_c: float | None, room_c: float | None, supply: float
    ) -> None:
        assert supply_c(HeatingCurve(**curve), 20, outdoor_c, room_c) == pytest.approx(supply, abs=0.05)

    @given(st.floats(0, 5), st.floats(1, 2), st.floats(-40, 40), st.floats(0, 20))
    def test_colder_weather_never_means_colder_water(
        self, slope: float, exponent: float, outdoor_c: float, less_k: float
    ) -> None:
        curve = HeatingCurve(slope=slope, exponent=exponent)
        assert supply_c(curve, 20, outdoor_c - less_k, None) >= supply_c(curve, 20, outdoor_c, None) - 1e-9


WEEK = (
    SwitchPoint(days=("mon", "tue", "wed", "thu", "fri"), local_time="06:00", profile="comfort"),
    SwitchPoint(days=("sat", "sun"), local_time="08:30", profile="comfort"),
    SwitchPoint(days=("mon", "tue", "wed", "thu", "fri", "sat", "sun"), local_time="22:00", profile="eco"),
)


class TestWeek:
    """S4.49: weekdays and weekends, on the clock of the wall."""

    @pytest.mark.parametrize(
        ("local", "profile", "until"),
        [
            ("2026-01-14 05:59", "eco", "2026-01-14 06:00"),
            ("2026-01-14 06:00", "comfort", "2026-01-14 22:00"),
            ("2026-01-16 23:00", "eco", "2026-01-17 08:30"),  # Friday night to Saturday
            ("2026-01-18 22:00", "eco", "2026-01-19 06:00"),
            ("2026-03-29 01:59", "eco", "2026-03-29 08:30"),  # the night that loses an hour
            ("2026-10-25 03:00", "eco", "2026-10-25 08:30"),  # the night that has one twice
        ],
    )
    def test_the_week_switches_by_the_local_clock(self, local: str, profile: str, until: str) -> None:
        now = datetime.fromisoformat(local).replace(tzinfo=BERLIN).astimezone(UTC)
        expected = datetime.fromisoformat(until).replace(tzinfo=BERLIN).astimezone(UTC)
        assert in_force(WEEK, now, BERLIN) == (Profile(profile), expected)

    def test_a_time_that_summer_time_skips_comes_an_hour_later(self) -> None:
        week = (
            SwitchPoint(days=("sun",), local_time="02:30", profile="comfort"),
            SwitchPoint(days=("sun",), local_time="12:00", profile="eco"),
        )
        skipped = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 03:30 by the clock
        assert in_force(week, skipped - timedelta(minutes=1), BERLIN) == (Profile.ECO, skipped)
        assert in_force(week, skipped, BERLIN) == (Profile.COMFORT, datetime(2026, 3, 29, 10, 0, tzinfo=UTC))

    def test_a_single_point_holds_all_week(self) -> None:
        week = (SwitchPoint(days=("mon",), local_time="07:00", profile="away"),)
        now = datetime(2026, 1, 12, 7, 0, tzinfo=UTC)
        assert in_force(week, now - timedelta(seconds=1), UTC_ZONE) == (Profile.AWAY, now)
        assert in_force(week, now, UTC_ZONE) == (Profile.AWAY, now + timedelta(days=7))

    def test_without_a_schedule_there_is_none(self) -> None:
        assert in_force((), NOW, BERLIN) is None


def house(profile: Profile, *, at: datetime, **more: Any) -> ProfileRequest:
    return ProfileRequest(site="home", at=at, source="web", profile=profile, **more)


def living(*, at: datetime, **more: Any) -> ZoneRequest:
    return ZoneRequest(site="home", at=at, source="telegram", zone="living", **more)


class TestChoices:
    """S4.50 and S4.54: profiles and overrides with an end."""

    @pytest.mark.parametrize(
        ("requests", "profile", "by", "room_c"),
        [
            ([], "comfort", "schedule", 21),
            ([house(Profile.AWAY, at=NOW)], "away", "web", 15),
            ([house(Profile.AWAY, at=NOW, until=NOW + timedelta(minutes=30))], "comfort", "schedule", 21),
            ([living(at=NOW, target_c=22.5)], "manual", "telegram", 22.5),
            ([living(at=NOW, profile=Profile.ECO), house(Profile.AWAY, at=NOW + timedelta(1))], "away", "web", 15),
            ([house(Profile.AWAY, at=NOW), living(at=NOW + timedelta(1), profile=Profile.ECO)], "eco", "telegram", 18),
            (
                [house(Profile.AWAY, at=NOW), house(Profile.AWAY, at=NOW + timedelta(1), is_cancelled=True)],
                "comfort",
                "schedule",
                21,
            ),
            ([house(Profile.AWAY, at=NOW, zone="living")], "away", "web", 15),
            ([house(Profile.AWAY, at=NOW, zone="bath")], "comfort", "schedule", 21),
            # What was chosen before is over with the next choice, also when that one has ended.
            (
                [house(Profile.AWAY, at=NOW), house(Profile.ECO, at=NOW + timedelta(1), until=NOW + timedelta(2))],
                "comfort",
                "schedule",
                21,
            ),
        ],
    )
    def test_the_newest_choice_counts_until_it_ends(
        self, requests: list[ProfileRequest | ZoneRequest], profile: str, by: str, room_c: float
    ) -> None:
        for known in (requests, requests[::-1]):
            made: choices.Choices = {}
            for request in known:
                made = choices.with_request(made, request)
            aim = choices.aim(
                "living",
                made,
                targets=ZoneTargets(),
                schedule=WEEK,
                otherwise=Profile.MANUAL,
                time_zone=UTC_ZONE,
                now=NOW + timedelta(days=2, hours=1),
            )
            assert (aim.profile, aim.by, aim.room_c) == (profile, by, room_c)

    def test_choices_come_back_from_memory(self) -> None:
        made = choices.with_request({}, house(Profile.AWAY, at=NOW, until=NOW + timedelta(days=3)))
        made = choices.with_request(made, living(at=NOW, target_c=22.5))
        made = choices.with_request(made, house(Profile.ECO, at=NOW, zone="bath", is_cancelled=True))
        memory = PolicyMemory.model_validate_json(choices.kept(made).model_dump_json())
        assert choices.recalled(memory) == made

    def test_a_memory_of_another_time_is_no_mistake(self) -> None:
        odd = PolicyMemory(words={"house": "sauna web", "zone-bath": "eco"}, moments={"house_at": NOW})
        assert choices.recalled(odd) == {}


SETTINGS = WindowSettings(contacts=("zigbee2mqtt/window",), after_s=60, longest_s=1800, drop_k=1.5)


class TestWindow:
    """S4.53: an open window pauses the heating, for a while."""

    def play(self, rows: str) -> None:
        state = window.Window()
        for row in rows.strip().splitlines():
            minute, contact, value_c, expected = row.split("#")[0].split()
            now = NOW + timedelta(minutes=float(minute))
            state = window.watched(
                state,
                SETTINGS,
                contact="zigbee2mqtt/window" if contact == "open" else None,
                temperature_c=None if value_c == "-" else float(value_c),
                source="living",
                now=now,
            )
            pause = window.pause(state, SETTINGS, now)
            assert (pause is not None) == (expected == "paused"), row

    def test_a_contact_pauses_after_a_minute_and_for_half_an_hour_at_most(self) -> None:
        self.play("""
            0     shut  21    -
            1     open  21    -
            1.5   open  21    -
            2     open  21    paused
            30    open  21    paused
            31    open  21    -         # forgotten: better waste heat than freeze the house
            50    open  21    -
            51    shut  21    -
            52    open  21    -
            53    open  21    paused    # opened anew
            54    shut  21    -
        """)

    def test_a_sudden_fall_pauses_once(self) -> None:
        self.play("""
            0     shut  21.0  -
            1     shut  20.6  -
            2     shut  20.1  -
            3     shut  19.5  paused
            10    shut  18.9  paused
            17    shut  18.5  paused
            18    shut  18.4  -         # the cold that came in is no new fall
            19    shut  18.3  -
        """)

    def test_a_slow_fall_is_weather(self) -> None:
        self.play("""
            0     shut  21.0  -
            4     shut  20.0  -
            8     shut  19.0  -
            12    shut  18.0  -
        """)

    def test_two_thermometers_are_not_compared(self) -> None:
        state = window.Window()
        for minute, source, value_c in [(0, "living", 21.0), (1, "hall", 17.0), (2, "hall", 17.0)]:
            now = NOW + timedelta(minutes=minute)
            state = window.watched(state, SETTINGS, contact=None, temperature_c=value_c, source=source, now=now)
            assert window.pause(state, SETTINGS, now) is None

    def test_an_old_word_of_a_contact_counts(self) -> None:
        said = sensor("zigbee2mqtt/window", age_s=3 * 86_400, contact=False)
        assert window.open_contact(SETTINGS, said) == "zigbee2mqtt/window"
        assert window.open_contact(SETTINGS, sensor("zigbee2mqtt/window", contact=True)) is None
        assert window.open_contact(SETTINGS, {}) is None


class TestCounters:
    def test_energy_is_counted_by_day_of_the_site_and_in_all(self) -> None:
        counters = Counters()
        night = datetime(2026, 1, 14, 22, 59, 30, tzinfo=UTC)  # half a minute to midnight in Berlin
        for seconds in range(0, 91, 30):
            now = night + timedelta(seconds=seconds)
            counters = counted(counters, needed_w=1200, delivered_w=600, switches=1, now=now, zone=BERLIN)
        assert counters.needed_wh == pytest.approx(30)
        assert counters.delivered_wh == pytest.approx(15)
        assert counters.today == "2026-01-15"
        assert counters.delivered_today_wh == pytest.approx(15)
        assert counters.switches_today == 3

    def test_a_pause_of_the_program_and_a_clock_that_goes_back_add_nothing_made_up(self) -> None:
        counters = counted(Counters(), needed_w=1000, delivered_w=1000, switches=0, now=NOW, zone=BERLIN)
        for now in (NOW + timedelta(hours=8), NOW):
            counters = counted(counters, needed_w=1000, delivered_w=1000, switches=0, now=now, zone=BERLIN)
        assert counters.delivered_wh == pytest.approx(1000 / 60)

    def test_unknown_heat_is_not_counted(self) -> None:
        counters = counted(Counters(), needed_w=1000, delivered_w=None, switches=0, now=NOW, zone=BERLIN)
        later = NOW + timedelta(seconds=30)
        counters = counted(counters, needed_w=1000, delivered_w=None, switches=0, now=later, zone=BERLIN)
        assert counters.delivered_wh == 0
        assert counters.needed_wh > 0


ZONE = {"miners": ["attic"], "inputs": [{"sensor": "living"}]}


class TestSettings:
    @pytest.mark.parametrize(
        ("zones", "problem"),
        [
            ({"a": ZONE, "b": ZONE}, "attic heats two zones; it can heat one"),
            ({"a": {**ZONE, "miners": ["attic", "attic"]}}, "zone a names a miner twice"),
            ({"a": {**ZONE, "inputs": [{}]}}, "an input needs either sensor or miner"),
            ({"a": {**ZONE, "inputs": [{"sensor": "x", "field": "ambient_c"}]}}, "a sensor has no ambient_c; it has "),
            ({"a": {**ZONE, "room_inputs": [{"sensor": "x"}]}}, "room_inputs belong to a zone with control: supply"),
            ({"a": {**ZONE, "targets": {"eco_c": 5}}}, "eco_c 5 is below antifreeze_c 7"),
            ({"a": {**ZONE, "curve": {"lowest_c": 60}}}, "lowest_c 60 is above highest_c 55"),
            ({"a": {**ZONE, "target": {}}}, "Extra inputs are not permitted"),
            (
                {
                    "a": {
                        **ZONE,
                        "schedule": [
                            {"days": ["mon"], "local_time": "06:00", "profile": "eco"},
                            {"days": ["sun", "mon"], "local_time": "06:00", "profile": "comfort"},
                        ],
                    }
                },
                "the schedule switches twice on mon at 06:00",
            ),
        ],
    )
    def test_a_mistake_is_named(self, zones: dict[str, Any], problem: str) -> None:
        with pytest.raises(ValidationError, match=problem):
            HeatSettings.model_validate({"zones": zones})

    def test_a_time_without_quotes_is_the_time(self) -> None:
        # YAML 1.1 reads 22:00 as the sexagesimal number 1320.
        point = {"days": ["mon"], "local_time": 1320, "profile": "eco"}
        settings = HeatSettings.model_validate({"zones": {"a": {**ZONE, "schedule": [point]}}})
        assert settings.zones["a"].schedule[0].local_time == "22:00"

    def test_a_program_with_a_mistake_is_refused(self) -> None:
        point = SwitchPoint(days=("mon",), local_time="06:00", profile="eco")
        with pytest.raises(ValidationError, match="twice on mon at 06:00"):
            HeatProgram(site="home", at=NOW, zone="a", source="web", schedule=(point, point))
        with pytest.raises(ValidationError, match="local_time"):
            SwitchPoint(days=("mon",), local_time="24:00", profile="eco")
