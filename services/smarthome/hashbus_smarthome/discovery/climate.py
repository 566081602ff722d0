"""A heating zone as a thermostat of Home Assistant."""

from __future__ import annotations

from hashbus.messages import Profile, ZoneActivity, ZoneControl, ZoneState
from hashbus_smarthome.discovery.place import CONTROLLER, Component, Place

TARGET, MODE, PRESET = "target", "mode", "preset"
AUTO, HEAT, OFF = "auto", "heat", "off"
MODES = (AUTO, HEAT, OFF)
"""Follow the schedule; hold a temperature until told otherwise; only protect from frost."""

COLDEST_C, WARMEST_C = 5.0, 30.0
"""What a room's thermostat offers, unless the zone's own targets go further."""

HOTTEST_C = 95.0
"""The most that a zone may be asked for, as ZoneRequest has it."""

MARGIN_C = 5.0
BY_ITSELF = ("schedule", "site file")
"""Who chose the profile of a zone when no person did: its week, or the profile it has without one."""

_OF_ROOM, _OF_WATER = ("temperature_c", "target_c"), ("room_c", "room_target_c")
ACTIONS = {ZoneActivity.HEATING: "heating", ZoneActivity.FROST: "heating", ZoneActivity.OFF: "off"}
"""Everything else is `idle`: Home Assistant knows no other word that fits."""


def of_zone(place: Place, zone: ZoneState) -> dict[str, Component]:
    """Return the thermostat of a zone."""
    topic = place.address(ZoneState)
    coldest_c, warmest_c = range_c(zone)
    is_room = zone.control is ZoneControl.ROOM
    # Where water is held by a curve, people set and read the room.
    current, target = (f"value_json.{name}" for name in (_OF_ROOM if is_room else _OF_WATER))
    return {
        "thermostat": {
            **place.control("thermostat", None, "climate", needs=(CONTROLLER,)),
            "modes": list(MODES),
            "mode_state_topic": topic,
            "mode_state_template": _mode_template(),
            "mode_command_topic": place.command(MODE),
            "temperature_state_topic": topic,
            "temperature_state_template": f"{{{{ {target} | default(none) }}}}",
            "temperature_command_topic": place.command(TARGET),
            "current_temperature_topic": topic,
            "current_temperature_template": f"{{{{ {current} | default(none) }}}}",
            "action_topic": topic,
            "action_template": _action_template(),
            "preset_modes": [profile.value for profile in Profile],
            "preset_mode_state_topic": topic,
            "preset_mode_value_template": "{{ value_json.profile }}",
            "preset_mode_command_topic": place.command(PRESET),
            "min_temp": coldest_c,
            "max_temp": warmest_c,
            "temp_step": 0.5,
            "precision": 0.1,
            "temperature_unit": "C",
        }
    }


def range_c(zone: ZoneState) -> tuple[float, float]:
    """Return the lowest and the highest temperature in °C that a person can set."""
    targets = [zone.targets.of(profile) for profile in Profile]
    hottest_c = max(targets)
    warmest_c = WARMEST_C if hottest_c < WARMEST_C else min(HOTTEST_C, hottest_c + MARGIN_C)
    return min(COLDEST_C, *targets), warmest_c


def _mode_template() -> str:
    return (
        f"{{{{ '{AUTO}' if value_json.profile_by in {BY_ITSELF} "
        f"else '{OFF}' if value_json.profile == '{Profile.ANTIFREEZE.value}' else '{HEAT}' }}}}"
    )


def _action_template() -> str:
    pairs = ", ".join(f"'{activity.value}': '{word}'" for activity, word in ACTIONS.items())
    return f"{{{{ {{{pairs}}}.get(value_json.activity, 'idle') }}}}"
