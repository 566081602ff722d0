"""What Home Assistant is shown: made from the messages alone, right by its documentation, and true."""

import itertools
import json
from datetime import timedelta
from typing import Any

import jinja2
import pytest

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import (
    BatteryTelemetry,
    Capability,
    EquipmentCommand,
    EquipmentInfo,
    EquipmentKind,
    HeatState,
    Level,
    Message,
    MinerInfo,
    MinerState,
    MinerTelemetry,
    PowerLevel,
    PowerPrice,
    Profile,
    SensorAvailability,
    SensorTelemetry,
    Setting,
    SiteSummary,
    ZoneActivity,
    ZoneState,
)
from hashbus.messages.heat import HeatingCurve, ZoneControl, ZoneTargets
from hashbus_smarthome.discovery.controls import of_miner
from hashbus_smarthome.discovery.devices import KIND_OF, KINDS
from hashbus_smarthome.discovery.facts import fact, keys_of
from hashbus_smarthome.discovery.place import Place
from hashbus_smarthome.discovery.words import name_of
from hashbus_smarthome.house import HEARS, House
from hashbus_smarthome.settings import HomeAssistantSection
from tests.contract.samples import AT, filled
from tests.smarthome.ha_schema import check
from tests.smarthome.homes import controller, info, present, reading

SITE = "home"


def house_of(*messages: Message, **settings: Any) -> House:
    house = House(SITE, HomeAssistantSection(**settings))
    for message in messages:
        house.hear(message.model_copy(update={"site": SITE}))
    return house


def shown(house: House) -> dict[str, dict[str, Any]]:
    """The discovery messages that are news, by device."""
    found = {}
    for topic, payload in house.changed(10_000):
        found[topic.split("/")[-2]] = json.loads(payload) if payload else {}
    return found


def rendered(template: str, message: Message | dict[str, Any]) -> str:
    """What Home Assistant's template engine, which is Jinja, makes of a payload."""
    payload = message if isinstance(message, dict) else json.loads(message.encode())
    return jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(template).render(value_json=payload)  # noqa: S701 (no web page)


def everything() -> list[Message]:
    """A full message of every type that is heard, and a controller."""
    messages = [filled(kind) for kind in HEARS]
    from_poller = [
        filled(kind).model_copy(update={"source": "poller"}) for kind in (SensorTelemetry, SensorAvailability)
    ]
    return [*messages, *from_poller, controller(SITE), equipment("a-battery"), filled(SiteSummary)]


def equipment(device: str, kind: EquipmentKind = EquipmentKind.BATTERY) -> EquipmentInfo:
    return EquipmentInfo(
        site=SITE,
        at=AT,
        equipment=device,
        kind=kind,
        driver="modbus",
        level=Level.GOLD,
        title="Boiler",
        host="192.168.1.40",
        commands=tuple(EquipmentCommand),
        settings=(
            Setting(name="target_c", title="Target", unit="°C", lowest=5, highest=60, step=0.5, shown_by="battery_c"),
            Setting(name="boost", title="Boost", shown_by="is_on"),
            Setting(name="mode", title="Mode", words=("eco", "fast")),
        ),
    )


def zone(**more: Any) -> ZoneState:
    usual = {"control": ZoneControl.ROOM, "activity": ZoneActivity.HEATING, "profile": Profile.ECO}
    return ZoneState(site=SITE, at=AT, zone="bath", profile_by="web", reason="cold", **{**usual, **more})


def test_every_discovery_message_is_right_by_the_documentation() -> None:
    found = {name: config for name, config in shown(house_of(*everything())).items() if config}
    assert {name.split("_")[0] for name in found} == {kind.name for kind in KINDS}
    for config in found.values():
        check(config)


def test_every_template_renders_for_a_full_message_and_for_one_of_nulls() -> None:
    messages = {message.model_copy(update={"site": SITE}).address(): message for message in everything()}
    rendered_ones = 0
    for config in shown(house_of(*everything())).values():
        for component in config.get("components", {}).values():
            message = messages.get(component.get("state_topic", ""))
            if message is None or "value_template" not in component:
                continue
            full = json.loads(message.encode())
            nulls: dict[str, Any] = {name: [] if isinstance(value, list) else None for name, value in full.items()}
            for payload in (full, nulls):
                assert rendered(component["value_template"], payload) != "", component
                rendered_ones += 1
    assert rendered_ones > 400


@pytest.mark.parametrize("count", range(len(Capability) + 1))
def test_every_combination_of_capabilities_gives_controls_for_just_those(count: int) -> None:
    allowed = {
        Capability.POWER_LIMIT: {"power_limit", "release"},
        Capability.SLEEP: {"mining", "release"},
        Capability.FAN: {"fan", "fan_automatic", "order"},
        Capability.RESTART: {"restart", "order"},
        Capability.REBOOT: {"reboot", "order"},
        Capability.BLINK: {"blink", "blink_stop", "order"},
    }
    place = Place(SITE, "miner", (("miner", "attic"),))
    for can in itertools.combinations(Capability, count):
        found = of_miner(place, info(SITE, capabilities=can), frozenset({"power_limit_w"}), has_controller=True)
        assert set(found) == set().union(*(allowed.get(one, set()) for one in can))
        without = of_miner(place, info(SITE, capabilities=can), frozenset(), has_controller=False)
        assert set(without) == set(found) - {"power_limit", "release"}
        if found:
            check({"device": {"identifiers": ["x"], "name": "x"}, "origin": {"name": "x"}, "components": found})


def test_a_miner_that_cannot_be_told_anything_has_sensors_only() -> None:
    config = shown(house_of(info(SITE, capabilities=()), reading(SITE), controller(SITE)))["miner_attic"]
    assert {one["platform"] for one in config["components"].values()} == {"sensor", "binary_sensor"}


def test_the_power_limit_has_the_bounds_of_the_miner_and_shows_what_it_reads_back() -> None:
    number = shown(house_of(info(SITE), reading(SITE), controller(SITE)))["miner_attic"]["components"]["power_limit"]
    assert (number["min"], number["max"], number["step"]) == (1000, 3600, 50)
    assert rendered(number["value_template"], reading(SITE, power_limit_w=2150)) == "2150.0"
    assert number["state_topic"] == "hashbus/home/miner/attic/telemetry"
    assert number["command_topic"] == "hashbus/home/smarthome/miner/attic/power_limit/set"


@pytest.mark.parametrize("limit_w", [0, 999, 3601, None])
def test_a_limit_beyond_the_bounds_is_unknown_and_no_error(limit_w: float | None) -> None:
    number = shown(house_of(info(SITE), reading(SITE), controller(SITE)))["miner_attic"]["components"]["power_limit"]
    assert rendered(number["value_template"], reading(SITE, power_limit_w=limit_w)) == "None"


def test_a_miner_that_does_not_read_its_limit_back_shows_its_setpoint() -> None:
    house = house_of(info(SITE), reading(SITE, power_limit_w=None), controller(SITE))
    number = shown(house)["miner_attic"]["components"]["power_limit"]
    assert number["state_topic"] == "hashbus/home/miner/attic/setpoint"


def test_without_known_bounds_no_limit_is_offered() -> None:
    nameless = info(SITE, min_power_w=None, max_power_w=None, rated_power_w=None)
    assert "power_limit" not in shown(house_of(nameless, reading(SITE), controller(SITE)))["miner_attic"]["components"]


def test_levels_of_power_are_a_list_to_choose_from() -> None:
    levels = (PowerLevel(name="low", power_w=2000), PowerLevel(name="full", power_w=3250))
    house = house_of(info(SITE, power_levels=levels), reading(SITE), controller(SITE))
    select = shown(house)["miner_attic"]["components"]["power_level"]
    assert select["options"] == ["low", "full"]
    assert rendered(select["value_template"], reading(SITE, power_limit_w=3250)) == "full"
    assert rendered(select["value_template"], reading(SITE, power_limit_w=2500)) == "None"
    assert rendered(select["value_template"], reading(SITE, power_limit_w=None)) == "None"


@pytest.mark.parametrize(
    ("state", "position"), [(MinerState.MINING, "ON"), (MinerState.TUNING, "ON"), (MinerState.SLEEPING, "OFF")]
)
def test_the_switch_shows_whether_the_miner_sleeps(state: MinerState, position: str) -> None:
    switch = shown(house_of(info(SITE), reading(SITE), controller(SITE)))["miner_attic"]["components"]["mining"]
    assert rendered(switch["value_template"], reading(SITE, state=state)) == position


def test_energy_is_in_kilowatt_hours_that_only_rise_as_the_energy_dashboard_wants_it() -> None:
    energy = shown(house_of(info(SITE), reading(SITE)))["miner_attic"]["components"]["energy_wh"]
    assert (energy["device_class"], energy["state_class"]) == ("energy", "total_increasing")
    assert energy["unit_of_measurement"] == "kWh"
    assert rendered(energy["value_template"], reading(SITE, energy_wh=1234567)) == "1234.567"
    assert rendered(energy["value_template"], reading(SITE, energy_wh=None)) == "None"


def test_what_a_firmware_is_silent_about_is_not_shown_until_it_speaks() -> None:
    house = house_of(info(SITE), reading(SITE, liquid_c=None))
    assert "liquid_c" not in shown(house)["miner_attic"]["components"]
    house.hear(reading(SITE, liquid_c=41.5))
    assert shown(house)["miner_attic"]["components"]["liquid_c"]["name"] == "Liquid temperature"
    house.hear(reading(SITE, liquid_c=None))
    assert shown(house) == {}, "once shown it stays, and reads unknown"


def test_a_reading_that_tells_nothing_new_changes_nothing() -> None:
    house = house_of(info(SITE), reading(SITE))
    shown(house)
    for power_w in range(100):
        house.hear(reading(SITE, power_w=power_w))
    assert house.is_settled


def test_chips_by_the_hundred_are_not_shown_one_by_one() -> None:
    many = shown(house_of(info(SITE), reading(SITE, chips_c=tuple(range(100)))))["miner_attic"]["components"]
    assert not [key for key in many if key.startswith("chips_c")]
    few = shown(house_of(info(SITE), reading(SITE, fans_rpm=(1, 2, 3))))["miner_attic"]["components"]
    assert [few[f"fans_rpm_{number}"]["name"] for number in range(3)] == ["Fan 1", "Fan 2", "Fan 3"]


def test_a_fan_that_is_missing_in_one_reading_is_unknown_and_no_error() -> None:
    fan = shown(house_of(info(SITE), reading(SITE, fans_rpm=(1, 2))))["miner_attic"]["components"]["fans_rpm_1"]
    assert rendered(fan["value_template"], reading(SITE, fans_rpm=(1,))) == "None"


def test_yes_and_no_mean_the_same_there_as_here() -> None:
    sensor = filled(SensorTelemetry).model_copy(update={"source": "poller", "sensor": "window"})
    contact = shown(house_of(sensor))["sensor_window"]["components"]["contact"]
    assert contact["device_class"] == "opening"
    closed = rendered(contact["value_template"], sensor.model_copy(update={"contact": True}))
    assert closed == contact["payload_off"], "a closed contact is no opening"
    assert rendered(contact["value_template"], sensor.model_copy(update={"contact": None})) == "None"


def test_a_device_is_reached_by_its_own_word_and_its_controls_by_the_services_behind_them_too() -> None:
    config = shown(house_of(info(SITE), present(SITE), reading(SITE), controller(SITE)))["miner_attic"]
    alive = {"value_template": "{{ value_json.state }}"}
    own = {"topic": "hashbus/home/miner/attic/availability", **alive}
    ours = {"topic": "hashbus/home/service/smarthome/status", **alive}
    brain = {"topic": "hashbus/home/service/controller/status", **alive}
    assert config["availability"] == [own]
    assert config["availability_mode"] == "all"
    assert config["components"]["power_limit"]["availability"] == [own, ours, brain]
    assert config["components"]["restart"]["availability"] == [own, ours]
    assert rendered(own["value_template"], present(SITE)) == "online"


def test_values_go_stale_when_those_of_the_bus_do() -> None:
    components = shown(house_of(*everything()))["battery_a-battery"]["components"]
    shelf_life = BatteryTelemetry.topic.stale_after
    assert shelf_life is not None
    assert components["soc_pct"]["expire_after"] == shelf_life.total_seconds() == 600


def test_the_device_says_who_it_is() -> None:
    device = shown(house_of(info(SITE), reading(SITE)))["miner_attic"]["device"]
    assert device == {
        "identifiers": ["hashbus.home.miner.attic"],
        "name": "attic",
        "via_device": "hashbus.home.site.home",
        "manufacturer": "MicroBT",
        "model": "M64_VL40",
        "serial_number": "SN0001",
        "sw_version": "stock 20250415.11.REL",
        "configuration_url": "http://192.168.1.20/",
        "connections": [["mac", "c2:05:11:00:ab:cd"]],
    }


@pytest.mark.parametrize(
    ("host", "page"),
    [("10.0.0.1", "http://10.0.0.1/"), ("fe80::1", "http://[fe80::1]/"), ("miner.lan", "http://miner.lan/")],
)
def test_a_page_that_can_be_opened_is_linked(host: str, page: str) -> None:
    assert shown(house_of(info(SITE, host=host), reading(SITE)))["miner_attic"]["device"]["configuration_url"] == page


@pytest.mark.parametrize("host", ["a b", "x/../y", "http://evil", "", "ä.example", "-" * 300])
def test_an_address_that_home_assistant_would_refuse_is_left_out(host: str) -> None:
    assert (
        "configuration_url" not in shown(house_of(info(SITE, host=host[:200]), reading(SITE)))["miner_attic"]["device"]
    )


def test_a_zone_is_a_thermostat() -> None:
    one = shown(house_of(zone(target_c=19.5), controller(SITE)))["zone_bath"]["components"]["thermostat"]
    assert one["name"] is None, "it is called as its zone is"
    assert rendered(one["current_temperature_template"], zone(temperature_c=18.2)) == "18.2"
    assert rendered(one["temperature_state_template"], zone(target_c=19.5)) == "19.5"
    assert rendered(one["preset_mode_value_template"], zone()) == "eco"
    assert one["preset_modes"] == ["comfort", "eco", "away", "manual", "antifreeze"]


@pytest.mark.parametrize(
    ("profile", "by", "mode"),
    [
        (Profile.COMFORT, "schedule", "auto"),
        (Profile.ANTIFREEZE, "schedule", "auto"),
        (Profile.COMFORT, "site file", "auto"),
        (Profile.MANUAL, "smarthome", "heat"),
        (Profile.ANTIFREEZE, "web", "off"),
    ],
)
def test_the_mode_of_a_thermostat_says_who_decides(profile: Profile, by: str, mode: str) -> None:
    one = shown(house_of(zone()))["zone_bath"]["components"]["thermostat"]
    state = zone().model_copy(update={"profile": profile, "profile_by": by})
    assert rendered(one["mode_state_template"], state) == mode


@pytest.mark.parametrize("activity", ZoneActivity)
def test_every_activity_of_a_zone_is_an_action_that_home_assistant_knows(activity: ZoneActivity) -> None:
    one = shown(house_of(zone()))["zone_bath"]["components"]["thermostat"]
    assert rendered(one["action_template"], zone(activity=activity)) in ("off", "heating", "idle")


def test_where_a_zone_holds_its_water_people_see_the_room() -> None:
    water = zone(control=ZoneControl.SUPPLY, curve=HeatingCurve(), room_c=20.5, room_target_c=21, target_c=38)
    one = shown(house_of(water))["zone_bath"]["components"]["thermostat"]
    assert rendered(one["current_temperature_template"], water) == "20.5"
    assert rendered(one["temperature_state_template"], water) == "21.0"


def test_a_thermostat_reaches_as_far_as_the_targets_of_its_zone() -> None:
    plain = shown(house_of(zone()))["zone_bath"]["components"]["thermostat"]
    assert (plain["min_temp"], plain["max_temp"]) == (5, 30)
    hot = zone(targets=ZoneTargets(comfort_c=55))
    assert shown(house_of(hot))["zone_bath"]["components"]["thermostat"]["max_temp"] == 60


def test_settings_of_equipment_are_what_they_are() -> None:
    battery = filled(BatteryTelemetry).model_copy(update={"battery": "boiler"})
    config = shown(house_of(battery, equipment("boiler")))["battery_boiler"]
    kinds = {key: one["platform"] for key, one in config["components"].items() if key.startswith("set_")}
    assert kinds == {"set_target_c": "number", "set_boost": "switch", "set_mode": "select"}
    assert config["components"]["refresh_session"]["platform"] == "button"
    assert config["device"]["model"] == "Boiler"


def test_sensors_of_zigbee2mqtt_are_left_to_zigbee2mqtt() -> None:
    foreign = filled(SensorTelemetry).model_copy(update={"source": "zigbee2mqtt"})
    assert set(shown(house_of(foreign))) == {"site_home"}


def test_what_the_site_file_leaves_out_is_not_shown() -> None:
    assert set(shown(house_of(info(SITE), reading(SITE), leave_out=("attic",)))) == {"site_home"}


def test_a_farm_may_leave_its_miners_out_and_is_summed_up_all_the_same() -> None:
    house = house_of(info(SITE), present(SITE), reading(SITE), miners=False)
    assert set(shown(house)) == {"site_home"}
    assert house.known.summary(SITE, SYSTEM_CLOCK.now()).miners_online == 1


def test_what_can_be_set_on_a_sensor_of_the_poller_stands_with_it() -> None:
    boiler = filled(SensorTelemetry).model_copy(update={"source": "poller", "sensor": "boiler"})
    components = shown(house_of(boiler, equipment("boiler", EquipmentKind.SENSOR)))["sensor_boiler"]["components"]
    assert components["set_target_c"]["command_topic"] == "hashbus/home/smarthome/sensor/boiler/set_target_c/set"
    assert components["temperature_c"]["state_topic"] == "hashbus/home/sensor/poller/boiler/telemetry"


def test_a_stale_miner_is_in_no_sum_and_the_summary_says_so() -> None:
    house = house_of(info(SITE), reading(SITE, power_w=1000), info(SITE, "b"), reading(SITE, "b", power_w=2000))
    now = SYSTEM_CLOCK.now()
    fresh = house.known.summary(SITE, now)
    assert (fresh.power_w, fresh.completeness_pct) == (3000, 100)
    house.hear(reading(SITE, power_w=1000).model_copy(update={"at": now + timedelta(minutes=4)}))
    later = house.known.summary(SITE, now + timedelta(minutes=4))
    assert (later.power_w, later.completeness_pct, later.miners_total) == (1000, 50, 2)
    assert house.known.summary(SITE, now + timedelta(hours=1)).power_w is None, "stale is never zero"


def test_all_miners_together_have_a_limit_up_to_what_they_can_draw() -> None:
    house = house_of(info(SITE), reading(SITE), controller(SITE))
    number = shown(house)["site_home"]["components"]["power_limit"]
    assert (number["min"], number["max"]) == (0, 3600)
    house.hear(info(SITE, "cellar", max_power_w=3250))
    number = shown(house)["site_home"]["components"]["power_limit"]
    assert number["max"] == 6850
    said = {"cap_w": 5000.0, "at": "2026-03-01T12:00:00Z"}
    assert rendered(number["value_template"], {**said, "until": "2026-03-01T14:00:00Z"}) == "5000.0"
    assert rendered(number["value_template"], {**said, "until": said["at"]}) == "None", "it was given back"
    empty = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(number["value_template"])  # noqa: S701
    assert empty.render() == "None", "it was taken off the bus"


def test_a_price_is_in_its_currency() -> None:
    price = filled(PowerPrice).model_copy(update={"currency": "EUR"})
    components = shown(house_of(price))["site_home"]["components"]
    assert components["electricity_price_per_kwh"]["unit_of_measurement"] == "EUR/kWh"


def test_what_only_fills_the_record_is_there_but_switched_off() -> None:
    components = shown(house_of(info(SITE), reading(SITE, uptime_s=5, latency_ms=3)))["miner_attic"]["components"]
    off = {key for key, one in components.items() if one.get("enabled_by_default") is False}
    assert {"at", "uptime_s", "latency_ms", "driver"} <= off
    assert not {"power_w", "hashrate_ths", "state", "energy_wh"} & off


def test_no_two_entities_of_a_message_have_one_name() -> None:
    for config in shown(house_of(*everything())).values():
        names = [(one["platform"], one["name"]) for one in config.get("components", {}).values()]
        assert sorted(set(names), key=str) == sorted(names, key=str)


def test_a_profile_can_be_chosen_where_something_is_heated() -> None:
    assert "profile" not in shown(house_of(controller(SITE)))["site_home"]["components"]
    heat = HeatState(site=SITE, at=AT, zones=1)
    select = shown(house_of(controller(SITE), heat))["site_home"]["components"]["profile"]
    assert rendered(select["value_template"], heat) == "schedule"
    assert rendered(select["value_template"], heat.model_copy(update={"profile": Profile.AWAY})) == "away"


def test_a_device_that_was_silent_for_too_long_is_taken_out_and_comes_back_with_its_next_reading() -> None:
    house = house_of(info(SITE), reading(SITE).model_copy(update={"at": AT}), forget_days=1)
    house.age(AT)
    assert shown(house)["miner_attic"]
    house.age(AT.replace(day=AT.day + 2))
    assert shown(house) == {"miner_attic": {}}
    house.hear(reading(SITE))
    assert shown(house)["miner_attic"]["components"]["power_w"]


def test_a_device_whose_description_was_taken_away_is_gone() -> None:
    house = house_of(info(SITE), reading(SITE))
    shown(house)
    house.forget(Place(SITE, "miner", (("miner", "attic"),)))
    assert shown(house) == {"miner_attic": {}}
    house.hear(info(SITE))
    house.hear(reading(SITE))
    assert shown(house)["miner_attic"]["components"]


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("chip_max_c", "Chip max temperature"),
        ("power_limit_w", "Power limit"),
        ("mining_s", "Mining time"),
        ("uptime_s", "Uptime"),
        ("psu_fan_rpm", "PSU fan"),
        ("is_partial", "Partial"),
        ("at", "Updated"),
    ],
)
def test_fields_are_called_as_people_call_them(field: str, name: str) -> None:
    one = fact(MinerTelemetry, field)
    assert name_of(one.words, one.nature.unit) == name


def test_everything_that_is_heard_has_its_place() -> None:
    assert {kind.own for kind in KINDS} <= set(KIND_OF)
    assert set(KIND_OF) - {SiteSummary} <= set(HEARS)


@pytest.mark.parametrize(
    ("kind", "key"), [(kind, key) for kind in KIND_OF for key in sorted(keys_of(filled(kind))) if kind is not MinerInfo]
)
def test_every_fact_of_every_message_has_a_name(kind: type[Message], key: str) -> None:
    one = fact(kind, key)
    name = name_of(one.words, one.nature.unit)
    assert name
    assert "_" not in name
    assert name[0].isupper() or name[0].isdigit()
