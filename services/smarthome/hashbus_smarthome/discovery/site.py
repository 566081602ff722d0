"""The site as a whole, as a device of Home Assistant: its profile, its automatic control, its services."""

from __future__ import annotations

from collections.abc import Iterable

from hashbus.messages import ControlState, HeatState, PowerRequest, Profile, ServiceStatus
from hashbus_smarthome.discovery.place import ACCOUNT, CONTROLLER, STATE_TEMPLATE, Component, Place

PROFILE, AUTOMATIC, ACKNOWLEDGE = "profile", "automatic", "acknowledge"
POWER_LIMIT, RELEASE = "power_limit", "release"
SITE, OVERRIDE = "site", "override"
"""Scope of a request that means all miners together, and the name of what a person asks."""

SCHEDULE = "schedule"
"""No profile is chosen: each zone follows its schedule."""


def of_site(place: Place, services: Iterable[str], *, has_heating: bool, most_w: float) -> dict[str, Component]:
    """Return the controls of the site, and a sensor for each service that was ever there.

    `most_w` is what all miners together can draw, as far as they say it.
    """
    known = sorted(services)
    found: dict[str, Component] = {}
    if CONTROLLER in known:
        found[AUTOMATIC] = _automatic(place)
    if CONTROLLER in known and most_w > 0:
        found |= _power(place, most_w)
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


def _power(place: Place, most_w: float) -> dict[str, Component]:
    """Return the cap on all miners together. It shows our own request while that holds."""
    return {
        POWER_LIMIT: {
            **place.control(POWER_LIMIT, "Power limit of all miners", "number", needs=(CONTROLLER,)),
            "state_topic": place.address(PowerRequest, source=ACCOUNT, scope=SITE, name=OVERRIDE),
            "command_topic": place.command(POWER_LIMIT),
            # A request that has lapsed is taken off its topic: what comes then is no JSON.
            "value_template": (
                "{{ value_json.cap_w if value_json is defined and value_json.until > value_json.at else none }}"
            ),
            "device_class": "power",
            "unit_of_measurement": "W",
            "min": 0,
            "max": most_w,
            "step": 10,
            "mode": "box",
        },
        RELEASE: {
            **place.control(RELEASE, "Give control back", "button", needs=(CONTROLLER,)),
            "command_topic": place.command(RELEASE),
            "payload_press": "PRESS",
            "entity_category": "config",
        },
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
