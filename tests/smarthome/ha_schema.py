"""What Home Assistant takes in a device discovery message: the options of each platform by its documentation.

Source: https://www.home-assistant.io/integrations/mqtt/ and the pages of its platforms, as of release 2025.4. Home
Assistant drops what it does not know without a word, so here that is an error.
"""

import json
import re
from typing import Any


def _words(text: str) -> set[str]:
    return set(text.split())


ENTITY = _words(
    """
    availability availability_mode availability_template availability_topic device enabled_by_default
    entity_category entity_picture icon json_attributes_template json_attributes_topic object_id origin
    payload_available payload_not_available unique_id name qos encoding
    """
)

OPTIONS = {
    "sensor": _words(
        "device_class expire_after force_update last_reset_value_template options state_class state_topic "
        "suggested_display_precision unit_of_measurement value_template"
    ),
    "binary_sensor": _words(
        "device_class expire_after force_update off_delay payload_off payload_on state_topic value_template"
    ),
    "number": _words(
        "command_template command_topic device_class max min mode optimistic payload_reset retain state_topic "
        "step unit_of_measurement value_template"
    ),
    "switch": _words(
        "command_template command_topic device_class optimistic payload_off payload_on retain state_off "
        "state_on state_topic value_template"
    ),
    "select": _words("command_template command_topic optimistic options retain state_topic value_template"),
    "button": _words("command_template command_topic device_class payload_press retain"),
    "climate": _words(
        "action_template action_topic current_temperature_template current_temperature_topic initial max_temp "
        "min_temp mode_command_template mode_command_topic mode_state_template mode_state_topic modes "
        "optimistic precision preset_mode_command_template preset_mode_command_topic preset_mode_state_topic "
        "preset_mode_value_template preset_modes retain temp_step temperature_command_template "
        "temperature_command_topic temperature_state_template temperature_state_topic temperature_unit"
    ),
}

REQUIRED = {
    "sensor": {"state_topic"},
    "binary_sensor": {"state_topic"},
    "number": {"command_topic"},
    "switch": {"command_topic"},
    "select": {"command_topic", "options"},
    "button": {"command_topic"},
    "climate": set[str](),
}

UNITS: dict[str | None, Any] = {
    "power": {"mW", "W", "kW", "MW"},
    "energy": {"Wh", "kWh", "MWh"},
    "temperature": {"°C", "°F", "K"},
    "frequency": {"Hz", "kHz", "MHz", "GHz"},
    "voltage": {"mV", "V", "kV"},
    "current": {"mA", "A"},
    "volume_flow_rate": {"L/min", "m³/h"},
    "pressure": {"Pa", "hPa", "kPa", "bar", "mbar"},
    "duration": {"ms", "s", "min", "h", "d"},
    "battery": {"%"},
    "humidity": {"%"},
    "timestamp": {None},
    "enum": {None},
    None: None,
}

STATE_CLASSES: dict[str | None, set[str | None]] = {
    "energy": {"total", "total_increasing"},
    "timestamp": {None},
    "enum": {None},
}

CLASSES: dict[str, set[str | None]] = {
    "binary_sensor": {"opening", "window", "occupancy", "power", "moisture", "smoke", "connectivity", "problem", None},
    "button": {"restart", "identify", "update", None},
    "number": {"power", None},
    "switch": {"outlet", "switch", None},
}

ROOT = {"device", "origin", "components", "availability", "availability_mode", "state_topic", "command_topic", "qos"}
DEVICE = _words(
    """
    identifiers connections manufacturer model model_id name hw_version serial_number sw_version
    via_device suggested_area configuration_url
    """
)


def check(config: dict[str, Any]) -> None:
    """Assert that Home Assistant takes the whole message as it is meant."""
    assert set(config) <= ROOT
    assert config["origin"]["name"]
    device = config["device"]
    assert set(device) <= DEVICE
    assert device["identifiers"]
    assert all(
        isinstance(value, str) and value for key, value in device.items() if key not in ("identifiers", "connections")
    )
    assert config["components"]
    for one in config.get("availability", []):
        check_availability(one)
    ids = [component["unique_id"] for component in config["components"].values()]
    assert len(set(ids)) == len(ids)
    for key, component in config["components"].items():
        try:
            check_component(component)
        except AssertionError as error:
            raise AssertionError(f"{key}: {error}\n{json.dumps(component, indent=1)}") from error


def check_availability(one: dict[str, Any]) -> None:
    assert set(one) <= {"topic", "value_template", "payload_available", "payload_not_available"}
    check_topic(one["topic"])


def check_component(component: dict[str, Any]) -> None:
    platform = component["platform"]
    options = set(component) - {"platform"}
    assert options <= OPTIONS[platform] | ENTITY, f"unknown: {options - OPTIONS[platform] - ENTITY}"
    assert REQUIRED[platform] <= options
    assert component.get("entity_category") in (
        (None, "diagnostic") if platform in ("sensor", "binary_sensor") else (None, "diagnostic", "config")
    )
    assert component.get("device_class") in CLASSES.get(platform, {component.get("device_class")})
    assert component["name"] is None or component["name"] == component["name"].strip() != ""
    for key, value in component.items():
        if key.endswith("topic"):
            check_topic(value)
    for one in component.get("availability", []):
        check_availability(one)
    _OF_PLATFORM.get(platform, lambda _: None)(component)


def check_topic(topic: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*", topic), topic


def _sensor(component: dict[str, Any]) -> None:
    device_class, unit = component.get("device_class"), component.get("unit_of_measurement")
    known = UNITS[device_class]
    assert known is None or unit in known, f"{unit} is no unit of {device_class}"
    allowed = STATE_CLASSES.get(device_class, {"measurement", "total", "total_increasing", None})
    assert component.get("state_class") in allowed
    if device_class not in ("energy", None):
        assert component.get("state_class") != "total_increasing" or device_class == "duration"
    if "options" in component:
        assert device_class == "enum"
        assert component["options"]
    if "expire_after" in component:
        assert isinstance(component["expire_after"], int)
        assert component["expire_after"] > 0


def _number(component: dict[str, Any]) -> None:
    assert component["min"] < component["max"]
    assert component.get("step", 1) >= 1e-3
    if component.get("device_class"):
        assert component["unit_of_measurement"] in (UNITS[component["device_class"]] or ())


def _select(component: dict[str, Any]) -> None:
    assert component["options"]
    assert len(set(component["options"])) == len(component["options"])


def _climate(component: dict[str, Any]) -> None:
    assert set(component["modes"]) <= {"off", "heat", "cool", "auto", "dry", "fan_only", "heat_cool"}
    assert "none" not in component["preset_modes"]
    assert component["min_temp"] < component["max_temp"]
    assert component["precision"] in (0.1, 0.5, 1.0)
    assert component["temperature_unit"] in ("C", "F")


_OF_PLATFORM = {"sensor": _sensor, "number": _number, "select": _select, "climate": _climate}
