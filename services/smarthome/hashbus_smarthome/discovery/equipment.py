"""What can be set on a battery, an inverter, a boiler or a plug: each setting that its description lists."""

from __future__ import annotations

from hashbus.messages import (
    BatteryTelemetry,
    EquipmentCommand,
    EquipmentInfo,
    EquipmentKind,
    Message,
    MeterTelemetry,
    SensorTelemetry,
    Setting,
)
from hashbus_smarthome.discovery.place import Component, Place, within

SET, REFRESH = "set_", "refresh_session"
"""Controls: `set_target_c` sets the setting `target_c`."""

TELEMETRY: dict[EquipmentKind, type[Message]] = {
    EquipmentKind.BATTERY: BatteryTelemetry,
    EquipmentKind.METER: MeterTelemetry,
    EquipmentKind.SENSOR: SensorTelemetry,
}


def of_equipment(place: Place, info: EquipmentInfo) -> dict[str, Component]:
    """Return the controls of a device that is no miner."""
    found: dict[str, Component] = {}
    if EquipmentCommand.SET in info.commands:
        found = {SET + one.name: _setting(place, TELEMETRY[info.kind], one) for one in info.settings}
    if EquipmentCommand.REFRESH_SESSION in info.commands:
        found[REFRESH] = {
            **place.control(REFRESH, "Log in again", "button"),
            "command_topic": place.command(REFRESH),
            "payload_press": "PRESS",
            "entity_category": "config",
        }
    return found


def _setting(place: Place, telemetry: type[Message], one: Setting) -> Component:
    control = SET + one.name
    bounds = _bounds(one)
    found: Component = {
        **place.control(control, one.title, _platform(one)),
        "command_topic": place.command(control),
        "entity_category": "config",
    }
    if one.shown_by:
        value = f"value_json.{one.shown_by}"
        is_number = "max" in bounds
        found["state_topic"] = place.address(telemetry)
        found["value_template"] = (
            within(value, bounds["min"], bounds["max"]) if is_number else f"{{{{ {value} | default(none) }}}}"
        )
    return found | bounds


def _platform(one: Setting) -> str:
    return "select" if one.words else "switch" if one.is_switch else "number"


def _bounds(one: Setting) -> Component:
    if one.words:
        return {"options": list(one.words)}
    if one.is_switch:
        # A reading says True and False; what we are told is ON and OFF.
        shown = {"state_on": "True", "state_off": "False"} if one.shown_by else {}
        return {"payload_on": "ON", "payload_off": "OFF", **shown}
    bounds: Component = {"min": one.lowest, "max": one.highest, "mode": "box"}
    if one.highest is None:
        bounds["max"] = max(1e6, 10 * abs(one.lowest or 0))
    if one.step:
        bounds["step"] = max(one.step, 1e-3)
    return bounds | ({"unit_of_measurement": one.unit} if one.unit else {})
