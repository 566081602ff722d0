"""The site as a whole, as a device of Home Assistant: its profile, its automatic control, its services."""

from __future__ import annotations

from collections.abc import Iterable

from hashbus.messages import ControlState, HeatState, Profile, ServiceStatus
from hashbus_smarthome.discovery.place import CONTROLLER, STATE_TEMPLATE, Component, Place

PROFILE, AUTOMATIC, ACKNOWLEDGE = "profile", "automatic", "acknowledge"
SCHEDULE = "schedule"
"""No profile is chosen: each zone follows its schedule."""


def of_site(place: Place, services: Iterable[str], *, has_heating: bool) -> dict[str, Component]:
    """Return the controls of the site, and a sensor for each service that was ever there."""
    known = sorted(services)
    found: dict[str, Component] = {}
    if CONTROLLER in known:
        found[AUTOMATIC] = _automatic(place)
    if CONTROLLER in known and has_heating:
        found[PROFILE] = _profile(place)
    found[ACKNOWLEDGE] = {
        **place.control(ACKNOWLEDGE, "Acknowledge alerts", "button"),
        "command_topic": place.command(ACKNOWLEDGE),
        "payload_press": "PRESS",
    }
    return found | {f"service_{name}": _service(place, name) for name in known}


def _automatic(place: Place) -> Component:
    return {
        **place.control(AUTOMATIC, "Automatic control", "switch", needs=(CONTROLLER,)),
        "state_topic": place.address(ControlState),
        "command_topic": place.command(AUTOMATIC),
        "value_template": "{{ 'ON' if value_json.is_enabled else 'OFF' }}",
        "payload_on": "ON",
        "payload_off": "OFF",
    }


def _profile(place: Place) -> Component:
    return {
        **place.control(PROFILE, "Profile", "select", needs=(CONTROLLER,)),
        "state_topic": place.address(HeatState),
        "command_topic": place.command(PROFILE),
        "options": [SCHEDULE, *(profile.value for profile in Profile)],
        "value_template": f"{{{{ value_json.profile or '{SCHEDULE}' }}}}",
    }


def _service(place: Place, name: str) -> Component:
    return {
        "platform": "binary_sensor",
        "name": f"Service {name}",
        "unique_id": place.unique_id(f"service_{name}"),
        "state_topic": ServiceStatus.topic.address({"site": place.site, "service": name}),
        "value_template": STATE_TEMPLATE,
        "payload_on": "online",
        "payload_off": "offline",
        "device_class": "connectivity",
        "entity_category": "diagnostic",
    }
