"""What can be done with a miner, as controls of Home Assistant: only what its capabilities list, within its bounds."""

from __future__ import annotations

import json

from hashbus.messages import Capability, MinerInfo, MinerTelemetry, OrderResult, PowerSetpoint
from hashbus_smarthome.discovery.place import ACCOUNT, CONTROLLER, Component, Place, within

POWER_LIMIT, POWER_LEVEL, MINING, RELEASE = "power_limit", "power_level", "mining", "release"
FAN, FAN_AUTOMATIC = "fan", "fan_automatic"
RESTART, REBOOT, BLINK, BLINK_STOP = "restart", "reboot", "blink", "blink_stop"

LEVELS = range(2, 13)
"""So many levels of power make a list that a person can choose from."""

ON, OFF, PRESS = "ON", "OFF", "PRESS"


def of_miner(place: Place, info: MinerInfo, told: frozenset[str], *, has_controller: bool) -> dict[str, Component]:
    """Return the controls of a miner.

    `told` are the fields that its readings have. Power is asked of the controller; without one a miner can only be
    put to sleep and woken, and ordered about.
    """
    can = set(info.capabilities)
    found: dict[str, Component] = {}
    if Capability.POWER_LIMIT in can and has_controller:
        found |= _power(place, info, told)
    if Capability.SLEEP in can:
        found[MINING] = _mining(place, has_controller=has_controller)
    if can & {Capability.POWER_LIMIT, Capability.SLEEP} and has_controller:
        found[RELEASE] = _button(place, RELEASE, "Give control back", needs=(CONTROLLER,))
    if Capability.FAN in can:
        found |= _fan(place, told)
    orders = _orders(place, can)
    if orders or Capability.FAN in can:
        found["order"] = _last_order(place)
    return found | orders


def bounds_w(info: MinerInfo) -> tuple[float, float] | None:
    """Return the least and the most power that a person can set in W; None when the miner does not say the most."""
    levels = [level.power_w for level in info.power_levels if level.power_w > 0]
    most = info.max_power_w or max(levels, default=0.0) or info.rated_power_w or 0.0
    least = info.min_power_w or min(levels, default=0.0)
    return (least, most) if most > least else None


def least_running_w(info: MinerInfo) -> float:
    """Return the least power in W at which the miner mines: what it takes to wake it."""
    levels = [level.power_w for level in info.power_levels if level.power_w > 0]
    if Capability.POWER_LIMIT in info.capabilities:
        return min(levels, default=0.0) or info.min_power_w or info.rated_power_w or info.max_power_w or 1.0
    return info.max_power_w or info.rated_power_w or 1.0


def _power(place: Place, info: MinerInfo, told: frozenset[str]) -> dict[str, Component]:
    has_limit = "power_limit_w" in told
    shown_by = {
        "state_topic": place.address(MinerTelemetry if has_limit else PowerSetpoint),
        "command_topic": place.command(POWER_LIMIT),
    }
    field = "value_json.power_limit_w" if has_limit else "value_json.power_w"
    found: dict[str, Component] = {}
    if bounds := bounds_w(info):
        found[POWER_LIMIT] = {
            **place.control("power_limit", "Power limit", "number", needs=(CONTROLLER,)),
            **shown_by,
            "device_class": "power",
            "unit_of_measurement": "W",
            "min": bounds[0],
            "max": bounds[1],
            "step": info.power_step_w or 1,
            "mode": "box",
            "value_template": within(field, *bounds),
        }
    levels = [level for level in info.power_levels if level.power_w > 0]
    if len(levels) in LEVELS and len({level.name for level in levels}) == len(levels):
        found[POWER_LEVEL] = {
            **place.control(POWER_LEVEL, "Power level", "select", needs=(CONTROLLER,)),
            **shown_by,
            "command_topic": place.command(POWER_LEVEL),
            "options": [level.name for level in levels],
            "value_template": _level_template(field, {round(level.power_w): level.name for level in levels}),
        }
    return found


def _level_template(field: str, names: dict[int, str]) -> str:
    """Return the template that names the level of a power; between two levels none is named."""
    pairs = ", ".join(f"{watts}: {json.dumps(name, ensure_ascii=False)}" for watts, name in names.items())
    return f"{{{{ {{{pairs}}}.get({field} | default(0, true) | round | int) }}}}"


def _mining(place: Place, *, has_controller: bool) -> Component:
    return {
        **place.control(MINING, "Mining", "switch", needs=(CONTROLLER,) if has_controller else ()),
        "state_topic": place.address(MinerTelemetry),
        "command_topic": place.command(MINING),
        "value_template": "{{ 'OFF' if value_json.state == 'sleeping' else 'ON' }}",
        "payload_on": ON,
        "payload_off": OFF,
    }


def _fan(place: Place, told: frozenset[str]) -> dict[str, Component]:
    fan: Component = {
        **place.control(FAN, "Fan setting", "number"),
        "command_topic": place.command(FAN),
        "unit_of_measurement": "%",
        "min": 0,
        "max": 100,
        "step": 1,
        "entity_category": "config",
    }
    if "fan_pct" in told:
        fan["state_topic"] = place.address(MinerTelemetry)
        fan["value_template"] = within("value_json.fan_pct", 0, 100)
    return {FAN: fan, FAN_AUTOMATIC: _button(place, FAN_AUTOMATIC, "Automatic fan")}


def _orders(place: Place, can: set[Capability]) -> dict[str, Component]:
    found: dict[str, Component] = {}
    if Capability.RESTART in can:
        found[RESTART] = _button(place, RESTART, "Restart mining", device_class="restart")
    if Capability.REBOOT in can:
        found[REBOOT] = _button(place, REBOOT, "Reboot", device_class="restart")
    if Capability.BLINK in can:
        found[BLINK] = _button(place, BLINK, "Blink", device_class="identify")
        found[BLINK_STOP] = _button(place, BLINK_STOP, "Stop blinking")
    return found


def _button(
    place: Place, control: str, name: str, *, needs: tuple[str, ...] = (), device_class: str | None = None
) -> Component:
    found: Component = {
        **place.control(control, name, "button", needs=needs),
        "command_topic": place.command(control),
        "payload_press": PRESS,
        "entity_category": "config",
    }
    return found | ({"device_class": device_class} if device_class else {})


def _last_order(place: Place) -> Component:
    """Return the sensor that says what came of the last order."""
    return {
        "platform": "sensor",
        "name": "Last order",
        "unique_id": place.unique_id("order"),
        "state_topic": place.address(OrderResult, asker=ACCOUNT),
        "value_template": "{{ (value_json.command ~ ' ' ~ value_json.status ~ ': ' ~ value_json.message)[:255] }}",
        "entity_category": "diagnostic",
    }
