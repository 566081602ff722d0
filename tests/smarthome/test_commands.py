"""What Home Assistant wants, as requests and orders on the bus; what is not right is refused with what would be."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hashbus.foreign import PlainCommand, covers, may_read, may_write
from hashbus.messages import (
    Alert,
    AlertAck,
    Capability,
    Command,
    ControlRequest,
    DeviceOrder,
    EquipmentInfo,
    EquipmentOrder,
    Message,
    MinerInfo,
    PowerLevel,
    PowerRequest,
    Profile,
    ProfileRequest,
    Rank,
    Severity,
    ZoneRequest,
    ZoneState,
)
from hashbus_smarthome.commands import Desk, NotUnderstood, messages_of
from hashbus_smarthome.settings import HomeAssistantSection
from tests.contract.samples import AT, filled
from tests.smarthome.homes import controller, info
from tests.smarthome.test_discovery import SITE, equipment, everything, house_of, shown, zone

SETTINGS = HomeAssistantSection()
LEVELS = (PowerLevel(name="low", power_w=2000), PowerLevel(name="full", power_w=3250))


def told(
    control: str,
    payload: str | bytes,
    *,
    about: MinerInfo | EquipmentInfo | ZoneState | None,
    kind: str = "miner",
    has_controller: bool = True,
    alerts: tuple[Alert, ...] = (),
) -> list[Message]:
    desk = Desk(SITE, AT, SETTINGS, about=about, has_controller=has_controller, most_w=6850, alerts=alerts)
    raw = payload if isinstance(payload, bytes) else payload.encode()
    return messages_of(PlainCommand(SITE, kind, "attic", control), raw, desk)


def bid(control: str, payload: str, **more: Any) -> PowerRequest:
    [message] = told(control, payload, about=info(SITE, **more))
    assert isinstance(message, PowerRequest)
    return message


def test_a_power_limit_is_an_override_with_an_end() -> None:
    one = bid("power_limit", "2000")
    assert (one.source, one.scope, one.name, one.rank) == ("smarthome", "attic", "override", Rank.OVERRIDE)
    assert (one.cap_w, one.floor_w) == (2000, 2000)
    assert one.until == AT + timedelta(seconds=SETTINGS.override_s)


def test_a_level_of_power_is_its_watts() -> None:
    assert bid("power_level", "full", power_levels=LEVELS).cap_w == 3250


def test_mining_off_is_sleep_and_on_is_at_least_the_least() -> None:
    off, on = bid("mining", "OFF"), bid("mining", "ON")
    assert (off.cap_w, off.floor_w) == (0, None)
    assert (on.cap_w, on.floor_w) == (None, 1000)
    assert off.address() == on.address() == bid("power_limit", "2000").address(), (
        "the last word replaces the one before"
    )


def test_a_miner_that_only_sleeps_or_runs_is_woken_to_all_it_draws() -> None:
    one = bid("mining", "ON", capabilities=(Capability.SLEEP,), min_power_w=None, max_power_w=3250)
    assert one.floor_w == 3250


def test_giving_control_back_ends_the_override_at_once() -> None:
    assert bid("release", "PRESS").until == AT


@pytest.mark.parametrize(("payload", "command"), [("ON", Command.ENABLE), ("OFF", Command.DISABLE)])
def test_without_a_controller_the_switch_orders_the_miner_itself(payload: str, command: Command) -> None:
    [order] = told("mining", payload, about=info(SITE), has_controller=False)
    assert isinstance(order, DeviceOrder)
    assert order.command is command


@pytest.mark.parametrize(
    ("control", "payload", "command", "params"),
    [
        ("restart", "PRESS", Command.RESTART, {}),
        ("reboot", "PRESS", Command.REBOOT, {}),
        ("blink", "PRESS", Command.BLINK, {"blink": True}),
        ("blink_stop", "PRESS", Command.BLINK, {"blink": False}),
        ("fan", "70", Command.SET_FAN, {"fan_pct": 70.0}),
        ("fan_automatic", "PRESS", Command.SET_FAN, {"fan_pct": None}),
    ],
)
def test_a_button_is_an_order_that_expires(
    control: str, payload: str, command: Command, params: dict[str, Any]
) -> None:
    [order] = told(control, payload, about=info(SITE))
    assert isinstance(order, DeviceOrder)
    assert (order.miner, order.source, order.command) == ("attic", "smarthome", command)
    assert params.items() <= order.params.model_dump().items()
    assert order.expires_at == AT + timedelta(seconds=SETTINGS.order_expires_s)


@pytest.mark.parametrize(
    ("control", "payload", "right"),
    [
        ("power_limit", "999", "'999' is not right; write a number from 1000 to 3600 W"),
        ("power_limit", "3601", "from 1000 to 3600 W"),
        ("power_limit", "much", "'much' is not right"),
        ("power_limit", "nan", "'nan' is not right"),
        ("power_limit", "inf", "from 1000 to 3600 W"),
        ("power_limit", "", "write a bare number or word"),
        ("power_limit", b"\xff\xfe", "no text"),
        ("power_limit", "1" * 300, "too long"),
        ("power_level", "medium", "write one of low, full"),
        ("mining", "maybe", "write one of ON, OFF"),
        ("fan", "101", "from 0 to 100 %"),
        ("restart", "now", "write one of PRESS"),
        ("explode", "PRESS", "'explode' is nothing that a miner can be told"),
    ],
)
def test_what_is_not_right_is_refused_with_what_would_be(control: str, payload: str | bytes, right: str) -> None:
    with pytest.raises(NotUnderstood) as refusal:
        told(control, payload, about=info(SITE, power_levels=LEVELS))
    assert right in str(refusal.value)


@pytest.mark.parametrize("control", ["power_limit", "mining", "fan", "restart", "reboot", "blink"])
def test_a_miner_is_not_told_what_it_cannot_do(control: str) -> None:
    payload = {"power_limit": "2000", "mining": "OFF", "fan": "50"}.get(control, "PRESS")
    with pytest.raises(NotUnderstood, match="cannot do this"):
        told(control, payload, about=info(SITE, capabilities=()))


def test_power_without_a_controller_is_refused() -> None:
    with pytest.raises(NotUnderstood, match="no controller is there"):
        told("power_limit", "2000", about=info(SITE), has_controller=False)


def test_a_device_that_is_not_known_takes_no_commands() -> None:
    with pytest.raises(NotUnderstood, match="there is no miner 'attic' here"):
        told("restart", "PRESS", about=None)


@pytest.mark.parametrize(
    ("control", "payload", "profile", "target_c", "is_cancelled"),
    [
        ("target", "21.5", Profile.MANUAL, 21.5, False),
        ("preset", "away", Profile.AWAY, None, False),
        ("mode", "auto", Profile.MANUAL, None, True),
        ("mode", "heat", Profile.MANUAL, None, False),
        ("mode", "off", Profile.ANTIFREEZE, None, False),
    ],
)
def test_a_thermostat_asks_for_its_zone(
    control: str, payload: str, profile: Profile, target_c: float | None, is_cancelled: bool
) -> None:
    [one] = told(control, payload, about=zone(), kind="zone")
    assert isinstance(one, ZoneRequest)
    assert (one.zone, one.source) == ("bath", "smarthome")
    assert (one.profile, one.target_c, one.is_cancelled) == (profile, target_c, is_cancelled)


@pytest.mark.parametrize(
    ("control", "payload", "right"),
    [("target", "40", "from 5 to 30 °C"), ("preset", "party", "one of comfort"), ("mode", "cool", "one of auto, heat")],
)
def test_a_thermostat_is_held_to_its_bounds(control: str, payload: str, right: str) -> None:
    with pytest.raises(NotUnderstood, match=right):
        told(control, payload, about=zone(), kind="zone")


@pytest.mark.parametrize(
    ("control", "payload", "setting", "value"),
    [
        ("set_target_c", "45.5", "target_c", 45.5),
        ("set_boost", "ON", "boost", True),
        ("set_boost", "OFF", "boost", False),
        ("set_mode", "fast", "mode", "fast"),
        ("refresh_session", "PRESS", None, None),
    ],
)
def test_a_setting_of_equipment_is_an_order(control: str, payload: str, setting: str | None, value: object) -> None:
    [order] = told(control, payload, about=equipment("attic"), kind="battery")
    assert isinstance(order, EquipmentOrder)
    assert (order.equipment, order.setting, order.value) == ("attic", setting, value)


@pytest.mark.parametrize(
    ("control", "payload", "right"),
    [
        ("set_target_c", "99", "from 5 to 60 °C"),
        ("set_mode", "slow", "one of eco, fast"),
        ("set_other", "1", "nothing that attic can be told"),
    ],
)
def test_a_setting_is_held_to_its_bounds(control: str, payload: str, right: str) -> None:
    with pytest.raises(NotUnderstood, match=right):
        told(control, payload, about=equipment("attic"), kind="battery")


def test_the_site_takes_its_profile_its_automatic_control_and_acknowledges_alerts() -> None:
    [chosen] = told("profile", "away", about=None, kind="site")
    assert isinstance(chosen, ProfileRequest)
    assert (chosen.profile, chosen.is_cancelled, chosen.zone) == (Profile.AWAY, False, None)
    [back] = told("profile", "schedule", about=None, kind="site")
    assert isinstance(back, ProfileRequest)
    assert back.is_cancelled
    [off] = told("automatic", "OFF", about=None, kind="site")
    assert isinstance(off, ControlRequest)
    assert not off.is_enabled
    alert = Alert(site=SITE, at=AT, key="hot", severity=Severity.CRITICAL, title="too hot", since=AT)
    [seen] = told("acknowledge", "PRESS", about=None, kind="site", alerts=(alert,))
    assert isinstance(seen, AlertAck)
    assert (seen.key, seen.since) == ("hot", AT)


def test_a_cap_on_all_miners_is_one_bid_for_the_site() -> None:
    [cap] = told("power_limit", "5000", about=None, kind="site")
    assert isinstance(cap, PowerRequest)
    assert (cap.scope, cap.cap_w, cap.floor_w, cap.rank) == ("site", 5000, None, Rank.OVERRIDE)
    [back] = told("release", "PRESS", about=None, kind="site")
    assert isinstance(back, PowerRequest)
    assert back.until == AT
    with pytest.raises(NotUnderstood, match="from 0 to 6850 W"):
        told("power_limit", "7000", about=None, kind="site")


def test_every_control_that_is_shown_is_understood() -> None:
    house = house_of(*everything(), controller(SITE))
    controls = 0
    for config in shown(house).values():
        for component in config.get("components", {}).values():
            for topic in (value for key, value in component.items() if key.endswith("command_topic")):
                command = PlainCommand.read(topic)
                assert command is not None, topic
                about = house.about(command.kind, command.device)
                desk = Desk(SITE, AT, SETTINGS, about=about, has_controller=True, most_w=house.most_w)
                payload = _sample(component, command.control)
                said = messages_of(command, payload.encode(), desk)
                assert said or command.control == "acknowledge"
                controls += 1
    assert controls > 8


def _sample(component: dict[str, Any], control: str) -> str:
    """A payload that Home Assistant would send."""
    if component["platform"] == "climate":
        return {"mode": "heat", "preset": "eco", "target": "21"}[control]
    return str(
        component.get("payload_press")
        or component.get("payload_on")
        or component.get("options", [None])[0]
        or component["max"]
    )


@given(
    payload=some.binary(max_size=300), control=some.text(max_size=20), kind=some.sampled_from(["miner", "zone", "site"])
)
def test_no_payload_does_anything_but_be_understood_or_refused(payload: bytes, control: str, kind: str) -> None:
    about = {"miner": info(SITE), "zone": zone(), "site": None}[kind]
    try:
        said = told(control, payload, about=about, kind=kind)
    except NotUnderstood:
        return
    assert all(message.site == SITE for message in said)


def test_a_command_has_its_address_and_back() -> None:
    one = PlainCommand("home", "miner", "attic", "power_limit")
    assert one.address == "hashbus/home/smarthome/miner/attic/power_limit/set"
    assert PlainCommand.read(one.address) == one
    assert covers(PlainCommand.filter("home"), one.address)


@pytest.mark.parametrize(
    "address",
    [
        "hashbus/home/smarthome/miner/attic/power_limit",
        "hashbus/home/miner/attic/telemetry",
        "other/home/smarthome/miner/attic/power_limit/set",
        "hashbus/home/smarthome/miner/at tic/power_limit/set",
        "hashbus/home/smarthome/miner//power_limit/set",
    ],
)
def test_what_is_no_command_is_not_taken_for_one(address: str) -> None:
    assert PlainCommand.read(address) is None


@pytest.mark.parametrize(
    ("account", "address", "is_allowed"),
    [
        ("smarthome", "homeassistant/device/hashbus-home/miner_attic/config", True),
        ("smarthome-2", "homeassistant/device/hashbus-home/miner_attic/config", True),
        ("smarthome", "homeassistant/sensor/x/config", False),
        ("smarthome", "zigbee2mqtt/plug/set", False),
        ("poller", "homeassistant/device/hashbus-home/miner_attic/config", False),
        ("homeassistant", "hashbus/home/smarthome/miner/attic/power_limit/set", True),
        ("homeassistant", "hashbus/home/miner/attic/setpoint", False),
        ("homeassistant", "hashbus/home/request/smarthome/attic/override", False),
        ("homeassistant", "homeassistant/status", True),
        ("zigbee2mqtt", "zigbee2mqtt/bridge/state", True),
        ("zigbee2mqtt", "hashbus/home/smarthome/miner/attic/power_limit/set", False),
    ],
)
def test_each_account_writes_beside_the_bus_only_what_it_needs(account: str, address: str, is_allowed: bool) -> None:
    assert may_write(account, address) is is_allowed


@pytest.mark.parametrize(
    ("account", "wanted", "is_allowed"),
    [
        ("smarthome", "homeassistant/status", True),
        ("smarthome", "zigbee2mqtt/kitchen/sensor", True),
        ("smarthome", "#", False),
        ("smarthome", "+/status", False),
        ("poller", "zigbee2mqtt/#", False),
        ("zigbee2mqtt", "hashbus/#", False),
        ("homeassistant", "hashbus/#", True),
    ],
)
def test_each_account_reads_beside_the_bus_only_what_it_needs(account: str, wanted: str, is_allowed: bool) -> None:
    assert may_read(account, wanted) is is_allowed


def test_a_filled_zone_of_any_kind_can_be_told_its_lowest_and_highest() -> None:
    state = filled(ZoneState)
    assert isinstance(state, ZoneState)
    thermostat = shown(house_of(state))["zone_a-zone"]["components"]["thermostat"]
    for target in (thermostat["min_temp"], thermostat["max_temp"]):
        assert told("target", f"{target:g}", about=state, kind="zone")
