"""A heated zone through the controller's real step: profiles, windows, frost, caps of others, silence, restarts."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from hashbus.messages import (
    BidEffect,
    ControlRequest,
    Decision,
    HeatingCurve,
    HeatProgram,
    HeatState,
    MinerState,
    Profile,
    Rank,
    SensorTelemetry,
    SwitchPoint,
    ZoneActivity,
    ZoneState,
    ZoneTargets,
)
from hashbus_controller.registry import beginning
from tests.controller.heated import EVERY_DAY, HeatedHome, heater
from tests.controller.home import DAY

OUTDOOR = {"outdoor": {"inputs": [{"sensor": "garden"}]}}
WINDOW = {"window": {"contacts": ["zigbee2mqtt/window"], "after_s": 60, "longest_s": 1800}}


def weather(home: HeatedHome, outdoor_c: float) -> None:
    """Let the thermometer in the garden tell."""
    said = SensorTelemetry(site="home", at=home.now, source="poller", sensor="garden", temperature_c=outdoor_c)
    home.home.hear(said)


def program(home: HeatedHome, **more: Any) -> None:
    """Let a page write a zone's program."""
    home.hears(HeatProgram(site="home", at=home.now, zone="living", source="web", **more))


class TestWarmth:
    def test_a_cold_room_is_heated_and_the_decision_says_the_figures(self) -> None:
        home = HeatedHome(room_c=18.6, zone={"targets": {"comfort_c": 19.5}})
        home.lives(minutes=45)
        assert (home.home.setpoint_w() or 0) > 1000
        assert home.home.decision().winner == "controller/attic/heat"
        assert re.fullmatch(r"living 18\.\d °C, 1\.\d below 19\.5: 2,\d{3} W wanted", home.home.decision().reason)

    def test_a_warm_room_lets_its_miner_sleep(self) -> None:
        home = HeatedHome(room_c=22, outdoor_c=lambda _: 20.0)
        home.lives(minutes=30)
        assert home.home.setpoint_w() == 0
        assert home.zone.activity is ZoneActivity.IDLE
        assert home.zone.reason == "21.9 °C, 0.9 above 21.0: nothing wanted"

    def test_a_miner_that_runs_in_a_cold_room_is_taken_over_without_a_restart(self) -> None:
        home = HeatedHome(room_c=17, is_running=True)
        home.lives(hours=2)
        assert home.switches == 0
        assert home.home.setpoint_w() == 3500

    def test_needed_and_given_heat_are_counted(self) -> None:
        home = HeatedHome(room_c=17)
        home.lives(hours=4)
        zone = home.zone
        hours_w = sum(home.power_w.values()) * 4
        assert zone.needed_wh == zone.needed_today_wh > 0.8 * hours_w
        assert zone.delivered_wh == pytest.approx(zone.delivered_today_wh)
        assert 0.7 * hours_w < zone.delivered_wh < hours_w
        assert zone.delivered_w == pytest.approx(sum(home.power_w.values()), abs=1)
        assert home.house.delivered_wh == zone.delivered_wh
        assert home.house.zones == 1

    def test_a_day_begins_at_midnight_of_the_site(self) -> None:
        home = HeatedHome(room_c=17, starts=datetime(2026, 1, 14, 22, 30, tzinfo=UTC), time_zone="Europe/Berlin")
        home.lives(minutes=25)
        assert home.zone.today == "2026-01-14"
        before = home.zone.needed_today_wh
        home.lives(minutes=15)
        assert home.zone.today == "2026-01-15"
        assert home.zone.needed_today_wh < before < home.zone.needed_wh

    def test_heat_in_the_loop_is_what_was_measured_there(self) -> None:
        home = HeatedHome(zone={"measured_by": "loop"})
        home.home.hear(home.home.reading(power_w=3000, heat_w=2700))
        home.home.passes(40)
        assert home.zone.loop_heat_w == home.zone.delivered_w == 2700

    def test_a_temperature_that_drifts_makes_a_decision_every_five_minutes_at_most(self) -> None:
        home = HeatedHome(room_c=17)
        home.lives(hours=2)
        home.home.said.clear()
        home.lives(minutes=30)
        assert 1 <= sum(isinstance(said, Decision) for said in home.home.said) <= 6
        assert sum(isinstance(said, ZoneState) for said in home.home.said) == 60


class TestProfiles:
    """S4.31, S4.49, S4.50, S4.54."""

    SCHEDULE: ClassVar = [
        {"days": EVERY_DAY, "local_time": "06:00", "profile": "comfort"},
        {"days": EVERY_DAY, "local_time": "22:00", "profile": "eco"},
    ]

    def test_the_week_sets_the_target_by_the_local_clock(self) -> None:
        home = HeatedHome(
            zone={"schedule": self.SCHEDULE}, starts=DAY + timedelta(hours=4, minutes=50), time_zone="Europe/Berlin"
        )
        home.lives(minutes=5)
        assert (home.zone.profile, home.zone.target_c) == (Profile.ECO, 18)
        home.lives(minutes=10)
        assert (home.zone.profile, home.zone.target_c) == (Profile.COMFORT, 21)
        assert home.zone.profile_by == "schedule"
        assert home.zone.profile_until == DAY + timedelta(hours=21)

    def test_a_person_chooses_for_a_while_and_the_schedule_goes_on(self) -> None:
        home = HeatedHome(zone={"schedule": self.SCHEDULE}, starts=DAY + timedelta(hours=12))
        home.chooses(Profile.AWAY, until=home.now + timedelta(hours=1))
        assert (home.zone.profile, home.zone.target_c, home.zone.profile_by) == (Profile.AWAY, 15, "web")
        assert home.house.profile is Profile.AWAY
        home.lives(minutes=61)
        assert (home.zone.profile, home.zone.profile_by) == (Profile.COMFORT, "schedule")
        assert home.house.profile is None

    def test_a_temperature_for_one_zone(self) -> None:
        home = HeatedHome()
        home.asks(target_c=23.5)
        assert (home.zone.profile, home.zone.target_c) == (Profile.MANUAL, 23.5)
        home.asks(is_cancelled=True)
        assert (home.zone.profile, home.zone.target_c) == (Profile.COMFORT, 21)

    def test_a_choice_for_a_zone_that_is_not_there_changes_nothing(self) -> None:
        home = HeatedHome()
        home.chooses(Profile.AWAY, zone="cellar")
        assert home.zone.profile is Profile.COMFORT

    def test_a_program_from_the_page_replaces_the_site_file_until_it_is_taken_back(self) -> None:
        home = HeatedHome(zone={"schedule": self.SCHEDULE}, starts=DAY + timedelta(hours=12))
        night = SwitchPoint(days=("sun",), local_time="10:00", profile="eco")
        home.lives(minutes=1)
        program(home, schedule=(night,), targets=ZoneTargets(eco_c=17))
        assert (home.zone.profile, home.zone.target_c) == (Profile.ECO, 17)
        assert home.zone.schedule == (night,)
        home.lives(minutes=1)
        program(home)
        assert (home.zone.profile, home.zone.target_c) == (Profile.COMFORT, 21)
        assert len(home.zone.schedule) == 2

    def test_an_older_program_does_not_replace_a_newer_one(self) -> None:
        home = HeatedHome()
        program(home, targets=ZoneTargets(comfort_c=22))
        older = HeatProgram(
            site="home",
            at=home.now - timedelta(hours=1),
            zone="living",
            source="telegram",
            targets=ZoneTargets(comfort_c=25),
        )
        home.home.hear(older)
        home.lives(minutes=1)
        assert home.zone.target_c == 22


class TestInputs:
    """S4.11: never a stale value."""

    def test_the_next_thermometer_takes_over_without_a_jump(self) -> None:
        zone = {"inputs": [{"sensor": "living", "max_age_s": 600}, {"sensor": "hall", "correction_k": 1.5}]}
        home = HeatedHome(zone=zone, room_c=20)
        home.lives(hours=1)
        before_w = home.zone.needed_w
        home.is_silent = True
        hall = SensorTelemetry(site="home", at=home.now, source="poller", sensor="hall", temperature_c=18.0)
        for _ in range(12):
            home.home.hear(hall.model_copy(update={"at": home.now}))
            home.lives(minutes=1)
            if home.zone.input == "poller/hall":
                break
        assert home.zone.input == "poller/hall"
        assert home.zone.temperature_c == 19.5
        assert home.zone.needed_w == pytest.approx(before_w, abs=150)

    def test_without_any_temperature_the_zone_is_off_and_says_so(self) -> None:
        home = HeatedHome(zone={"inputs": [{"sensor": "living", "max_age_s": 600}]}, room_c=17)
        home.lives(hours=1)
        home.is_silent = True
        home.lives(minutes=12)
        assert home.zone.activity is ZoneActivity.BLIND
        assert home.zone.temperature_c is None
        assert home.zone.limited_by == "poller/living is 12 min old"
        assert home.home.setpoint_w() == 0
        assert home.house.zones_blind == 1

    @pytest.mark.parametrize(("outdoor_c", "setpoint_w"), [(12.0, 0), (-4.0, 1750), (-15.0, 3500)])
    def test_blind_in_the_cold_it_protects_from_frost_by_the_weather(self, outdoor_c: float, setpoint_w: float) -> None:
        home = HeatedHome(heat=OUTDOOR, room_c=17)
        home.is_silent = True
        home.home.now += timedelta(hours=2)
        weather(home, outdoor_c)
        home.lives(minutes=5)
        assert home.home.setpoint_w() == setpoint_w
        if setpoint_w:
            assert home.zone.activity is ZoneActivity.FROST
            assert home.home.decision().winner == "controller/attic/frost"
            assert f"and {outdoor_c:.1f} °C outdoors: frost protection" in home.home.decision().reason

    def test_blind_without_the_weather_too_it_is_off_unless_its_owner_says_otherwise(self) -> None:
        for floor_w, setpoint_w in [(0, 0), (800, 800)]:
            home = HeatedHome(zone={"frost": {"blind_floor_w": floor_w}}, room_c=17)
            home.is_silent = True
            home.home.now += timedelta(hours=2)
            home.lives(minutes=5)
            assert home.home.setpoint_w() == setpoint_w

    def test_it_goes_on_when_the_thermometer_is_back(self) -> None:
        home = HeatedHome(zone={"inputs": [{"sensor": "living", "max_age_s": 600}]}, room_c=17)
        home.is_silent = True
        home.lives(minutes=15)
        assert home.zone.activity is ZoneActivity.BLIND
        home.is_silent = False
        home.lives(hours=1)
        assert home.zone.activity is ZoneActivity.HEATING
        assert (home.home.setpoint_w() or 0) > 3000


class TestWindow:
    """S4.53."""

    def test_an_open_window_pauses_and_a_closed_one_goes_on(self) -> None:
        home = HeatedHome(zone=WINDOW, room_c=19)
        home.lives(hours=1)
        home.contact(closed=False)
        home.lives(minutes=2)
        assert home.zone.activity is ZoneActivity.PAUSED
        assert home.zone.is_window_open
        assert home.home.setpoint_w() == 0
        assert "paused, window zigbee2mqtt/window is open, until 01:3" in home.zone.reason
        home.contact(closed=True)
        home.lives(hours=1)
        assert home.zone.activity is ZoneActivity.HEATING
        assert (home.home.setpoint_w() or 0) > 1500

    def test_a_forgotten_window_does_not_stop_the_heating_for_ever(self) -> None:
        home = HeatedHome(zone=WINDOW, room_c=19)
        home.contact(closed=False)
        home.lives(minutes=29)
        assert home.zone.activity is ZoneActivity.PAUSED
        home.lives(hours=1)
        assert home.zone.activity is ZoneActivity.HEATING
        assert home.zone.is_window_open

    def test_an_open_window_does_not_let_the_house_freeze(self) -> None:
        home = HeatedHome(zone=WINDOW, room_c=6.5)
        home.contact(closed=False)
        home.lives(minutes=5)
        assert home.zone.activity is ZoneActivity.FROST
        assert (home.home.setpoint_w() or 0) > 0


class TestRanks:
    """S4.14, S4.15: the heat wishes within what others leave."""

    def test_frost_protection_stands_above_the_grid_and_below_safety(self) -> None:
        home = HeatedHome(room_c=6, controller={"miners": {}})
        home.home.request("order", Rank.GRID, cap_w=0.0, lasts_s=86_400)
        home.lives(minutes=5)
        assert home.home.setpoint_w() == 3500
        assert home.home.decision().reason == "living 6.0 °C, frost protection from 7 °C"
        hot = home.home.reading(chip_max_c=110, power_limit_w=3500)
        home.home.hear(hot)
        home.home.passes(2)
        assert home.home.setpoint_w() == 0

    def test_against_frost_another_miner_heats_in_place_of_one_that_is_too_hot_or_gone(self) -> None:
        two = (heater("attic"), heater("cellar", rated_hashrate_ths=100))
        home = HeatedHome(room_c=6.8, heaters=two)
        home.lives(minutes=5)
        assert (home.home.setpoint_w("attic"), home.home.setpoint_w("cellar")) == (3500, 701)
        home.home.hear(home.home.reading("attic", chip_max_c=110))
        home.home.passes(20)
        assert home.home.setpoint_w("attic") == 0
        assert home.home.setpoint_w("cellar") == 3500

    def test_frost_protection_ends_a_kelvin_above_its_limit(self) -> None:
        home = HeatedHome(room_c=6.9, zone={"profile": "antifreeze"})
        home.lives(minutes=1)
        assert home.zone.activity is ZoneActivity.FROST
        home.room_c = 7.5
        home.lives(minutes=2)
        assert home.zone.activity is ZoneActivity.FROST
        home.room_c = 8.2
        home.lives(minutes=2)
        assert home.zone.activity is not ZoneActivity.FROST

    def test_a_cap_of_another_limits_it_and_the_zone_says_whose(self) -> None:
        home = HeatedHome(room_c=17)
        home.home.request("night", Rank.SITE_LIMIT, cap_w=1200.0, lasts_s=86_400)
        home.lives(hours=2)
        assert home.home.setpoint_w() == 1200
        assert home.zone.limited_by == "attic: web/attic/night leaves 1,200 of 3,500 W"
        assert home.zone.capacity_w == 1200
        assert home.zone.integral_w <= 1200

    def test_another_miner_helps_when_one_is_capped(self) -> None:
        two = (heater("attic"), heater("cellar", rated_hashrate_ths=100))
        home = HeatedHome(room_c=19, heaters=two)
        home.home.request("noise", Rank.SITE_LIMIT, cap_w=500.0, lasts_s=86_400, scope="attic")
        home.lives(hours=2)
        assert home.home.setpoint_w("attic") == 500
        assert (home.home.setpoint_w("cellar") or 0) > 500

    def test_whoever_would_mine_in_a_room_that_is_too_warm_may_not(self) -> None:
        home = HeatedHome(room_c=24, outdoor_c=lambda _: 23.0)
        home.home.request("profit", Rank.ECONOMICS, wish_w=3500.0, lasts_s=86_400)
        home.lives(minutes=5)
        assert home.home.setpoint_w() == 0
        assert home.zone.reason == "24.0 °C, 3.0 above 21.0: too warm for anybody to mine here"
        heat = next(bid for bid in home.home.decision().bids if bid.name == "heat")
        assert heat.cap_w == 0
        assert heat.effect in (BidEffect.WON, BidEffect.NARROWED)

    def test_a_room_that_is_too_warm_is_relieved_also_when_the_restarts_of_the_day_are_used_up(self) -> None:
        home = HeatedHome(room_c=17, is_running=True, controller={"restarts_per_day": 0})
        home.lives(minutes=10)
        assert home.home.setpoint_w() == 3500
        home.room_c = 23.5
        home.lives(minutes=5)
        assert home.home.setpoint_w() == 0

    def test_a_zone_that_lets_others_mine_while_it_is_warm_enough(self) -> None:
        home = HeatedHome(room_c=21.5, outdoor_c=lambda _: 20.0, zone={"when_warm": "free"})
        home.home.request("profit", Rank.ECONOMICS, wish_w=3000.0, lasts_s=86_400)
        home.lives(minutes=5)
        assert home.home.setpoint_w() == 3000
        home.room_c = 23.2
        home.lives(minutes=5)
        assert home.home.setpoint_w() == 0

    def test_a_person_may_overrule_the_heat(self) -> None:
        home = HeatedHome(room_c=24)
        home.home.request("me", Rank.OVERRIDE, floor_w=2000.0, cap_w=2000.0)
        home.lives(minutes=5)
        assert home.home.setpoint_w() == 2000

    def test_with_automatic_control_off_only_frost_is_fought(self) -> None:
        home = HeatedHome(room_c=17)
        home.lives(minutes=45)
        home.home.hear(ControlRequest(site="home", at=home.now, source="web", is_enabled=False))
        home.lives(minutes=2)
        assert home.zone.activity is ZoneActivity.OFF
        assert home.zone.limited_by == "automatic control is off"
        home.room_c = 6.0
        home.lives(minutes=2)
        assert home.zone.activity is ZoneActivity.FROST
        assert home.home.decision().winner == "controller/attic/frost"


class TestZones:
    def test_a_miner_that_is_named_stays_with_its_zone_whatever_its_group_heats(self) -> None:
        both = (heater("attic", group="house"), heater("cellar", group="house"))
        bath = {"miners": ["attic"], "inputs": [{"sensor": "bath"}]}
        living = {"miners": ["house"], "inputs": [{"sensor": "living"}]}
        home = HeatedHome(heaters=both, heat={"zones": {"living": living, "bath": bath}})
        home.lives(minutes=2)
        zones = {m.zone: m for m in home.home.said if isinstance(m, ZoneState)}
        assert zones["living"].miners == ("cellar",)
        assert zones["bath"].miners == ("attic",)
        assert home.house.zones == 2
        assert home.house.zones_blind == 1

    def test_water_follows_the_weather_by_its_curve(self) -> None:
        zone = {"control": "supply", "room_inputs": [{"sensor": "room"}], "curve": {"slope": 1.0, "exponent": 1}}
        home = HeatedHome(zone=zone, heat=OUTDOOR, room_c=30)
        assert home.zone.target_c == 42
        assert home.zone.limited_by == "the weather is not known: water as for 0 °C"
        weather(home, -5.0)
        home.lives(minutes=2)
        assert home.zone.target_c == 47
        assert home.house.outdoor_c == home.house.mean_outdoor_c == -5
        program(home, curve=HeatingCurve(slope=0.5, exponent=1, highest_c=40))
        assert home.zone.target_c == 34
        assert home.zone.curve == HeatingCurve(slope=0.5, exponent=1, highest_c=40)


class TestMemory:
    """Item 8: kill -9 at any step keeps what was learnt, chosen and counted."""

    def restarts(self, home: HeatedHome, *, after_s: float) -> None:
        """Kill the controller; another one knows what the broker kept, and the miners go on meanwhile."""
        kept = {message.address(): message for message in home.home.said if message.topic.retain}
        mine = [message for message in kept.values() if isinstance(message, ZoneState | HeatState)]
        home.home.now += timedelta(seconds=after_s)
        home.home.restarts()
        for message in mine:
            home.home.hear(message)

    def test_the_heating_goes_on_where_it_was(self) -> None:
        home = HeatedHome(room_c=19.5)
        home.lives(hours=3)
        before, switches = home.zone, home.switches
        self.restarts(home, after_s=20)
        home.home.said = [one for one in home.home.said if not isinstance(one, ZoneState)]
        home.lives(minutes=2)
        after = home.zone
        assert after.integral_w == pytest.approx(before.integral_w, abs=20)
        assert after.needed_w == pytest.approx(before.needed_w, abs=100)
        assert after.wished_w == before.wished_w
        assert home.switches == switches
        assert 0 <= after.delivered_wh - before.delivered_wh < 200
        assert after.switches_today == before.switches_today

    def test_a_choice_survives_the_next_choice_of_the_same_person_for_another_place(self) -> None:
        bath = {"miners": ["cellar"], "inputs": [{"sensor": "bath"}]}
        living = {"miners": ["attic"], "inputs": [{"sensor": "living"}]}
        home = HeatedHome(heaters=(heater(), heater("cellar")), heat={"zones": {"living": living, "bath": bath}})
        home.chooses(Profile.AWAY, zone="living")
        home.lives(minutes=1)
        home.chooses(Profile.ECO, zone="bath")
        home.lives(minutes=1)
        self.restarts(home, after_s=5)
        home.lives(minutes=2)
        zones = {m.zone: m.profile for m in home.home.said if isinstance(m, ZoneState)}
        assert zones == {"living": Profile.AWAY, "bath": Profile.ECO}

    def test_after_days_off_it_begins_anew_but_keeps_its_counters(self) -> None:
        home = HeatedHome(room_c=19.5)
        home.lives(hours=3)
        before = home.zone
        self.restarts(home, after_s=3 * 86_400)
        home.power_w["attic"] = home.asked_w["attic"] = 0.0
        home.measures()
        home.lives(minutes=2)
        assert home.zone.needed_w < 0.3 * before.needed_w
        assert home.zone.delivered_wh >= before.delivered_wh
        assert home.zone.delivered_today_wh < before.delivered_today_wh

    def test_a_thermometer_that_is_slower_than_the_start_does_not_put_the_miner_to_sleep(self) -> None:
        home = HeatedHome(room_c=17)
        home.lives(hours=2)
        switches = home.switches
        thermometer = next(address for address in home.home.heard if address.endswith("sensor/poller/living/telemetry"))
        del home.home.heard[thermometer]
        home.is_silent = True
        self.restarts(home, after_s=5)
        home.lives(minutes=0.7)
        home.is_silent = False
        home.measures()
        home.lives(minutes=5)
        assert home.zone.activity is ZoneActivity.HEATING
        assert home.switches == switches

    def test_its_own_echo_is_no_memory(self) -> None:
        home = HeatedHome(room_c=19.5)
        home.lives(hours=1)
        echo = home.zone.model_copy(update={"integral_w": 3000.0, "delivered_wh": 1e9})
        home.home.hear(echo)
        home.lives(minutes=1)
        assert home.zone.delivered_wh < 1e6

    def test_a_policy_without_zones_says_nothing_of_zones(self) -> None:
        home = HeatedHome(heat={"zones": {}})
        home.lives(minutes=2)
        assert beginning(home.home.settings).memories["heat"].rooms == {}
        assert home.house.zones == 0


def test_a_miner_that_is_at_fault_is_not_counted_on() -> None:
    home = HeatedHome(room_c=17)
    home.home.hear(home.home.reading(state=MinerState.FAULT))
    home.home.passes(31)
    assert home.zone.limited_by == "attic is not there"
    assert home.zone.capacity_w == 0
