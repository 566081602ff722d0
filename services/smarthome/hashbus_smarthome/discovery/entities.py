"""What a message tells, as sensors of Home Assistant. Source: its documentation of MQTT sensors and binary sensors."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hashbus.messages import Message
from hashbus.units import Unit
from hashbus_smarthome.discovery.facts import Fact, Shape, fact
from hashbus_smarthome.discovery.place import Component, Place
from hashbus_smarthome.discovery.words import name_of

LONGEST_STATE = 255
"""Characters that Home Assistant keeps of a state."""

TICKING = frozenset({"duration", "latency"})
"""Quantities that are another with each reading and that few look at: in Home Assistant's record they are ballast."""

MADE_AT = frozenset({"at", "taken_at"})
"""When a message was made or its values were taken: as much ballast."""

IN_A_PART = 3
"""Steps to a value in one of several parts: `boards`, the second, its `board_c`."""


def entities(
    place: Place, kind: type[Message], keys: frozenset[str], *, words: tuple[str, ...] = (), currency: str | None = None
) -> dict[str, Component]:
    """Return the sensors of what a message tells, in the order of its fields.

    `words` go before the name of each when the message is not the device's own reading: those are put aside as
    diagnostic, and parts of them left out. `currency` is what amounts of the message are in.
    """
    facts = sorted((fact(kind, key) for key in keys), key=lambda one: one.place)
    topic = place.address(kind)
    shelf_life = kind.topic.stale_after
    found = {}
    for one in facts:
        if words and len(one.place) == IN_A_PART:
            continue
        key = "_".join((*words, *one.key.split(".")))
        component = {
            **_entity(one, currency),
            "name": name_of(one.words, one.nature.unit, words),
            "unique_id": place.unique_id(key),
            "state_topic": topic,
        }
        if shelf_life and component["platform"] in ("sensor", "binary_sensor"):
            component["expire_after"] = int(shelf_life.total_seconds())
        found[key] = _put_aside(component) if words else component
    return _told_apart(found)


def _told_apart(components: dict[str, Component]) -> dict[str, Component]:
    """Add the unit to names that stand twice: what is earned in a day may be said in two currencies."""
    often = Counter(component["name"] for component in components.values())
    for component in components.values():
        unit = component.get("unit_of_measurement")
        if often[component["name"]] > 1 and unit:
            component["name"] += f" in {unit}"
    return components


def _entity(one: Fact, currency: str | None) -> Component:
    component = _OF_SHAPE[one.nature.shape](one, currency)
    if one.is_of_part and one.nature.shape is not Shape.NUMBER:
        component["enabled_by_default"] = False
    if len(one.place) == IN_A_PART:
        # One of many hashboards or pools: there for who looks for it.
        component |= {"entity_category": "diagnostic", "enabled_by_default": False}
    return component


def _put_aside(component: Component) -> Component:
    component["entity_category"] = "diagnostic"
    if component.get("device_class") == "timestamp":
        component["enabled_by_default"] = False
    return component


def _number(one: Fact, currency: str | None) -> Component:
    unit = one.nature.unit
    if unit is None:
        raise ValueError(f"{one.key} has no unit")
    component: dict[str, Any] = {"platform": "sensor", "state_class": unit.state_class}
    symbol, decimals, value = unit.symbol, unit.decimals, f"{one.value} | default(none)"
    if unit.at_home:
        symbol, decimals = unit.at_home.symbol, unit.at_home.decimals
        value = f"({one.value} * {unit.at_home.factor:g}) | round({decimals}) if {one.value} is number else none"
    if unit.device_class:
        component["device_class"] = unit.device_class
    if symbol := _with_currency(symbol, unit, currency):
        component["unit_of_measurement"] = symbol
    if unit.is_diagnostic:
        component["entity_category"] = "diagnostic"
    if unit.quantity in TICKING:
        component["enabled_by_default"] = False
    return component | {"suggested_display_precision": decimals, "value_template": f"{{{{ {value} }}}}"}


def _with_currency(symbol: str, unit: Unit, currency: str | None) -> str:
    """Return the unit of an amount of money: the table of units leaves its currency open."""
    is_open = symbol.startswith("/") or unit.quantity == "money"
    return f"{currency or ''}{symbol}" if is_open else symbol


def _flag(one: Fact, _: str | None) -> Component:
    # Jinja writes Python's words: True, False and None, which Home Assistant takes as unknown.
    component: Component = {
        "platform": "binary_sensor",
        "payload_on": "True",
        "payload_off": "False",
        "value_template": f"{{{{ {one.value} | default(none) }}}}",
    }
    flag = one.nature.flag
    if flag is None:
        return component | {"entity_category": "diagnostic", "enabled_by_default": False}
    if flag.is_inverted:
        component |= {"payload_on": "False", "payload_off": "True"}
    return component | {"device_class": flag.device_class}


def _choice(one: Fact, _: str | None) -> Component:
    return {
        "platform": "sensor",
        "device_class": "enum",
        "options": list(one.nature.options),
        "value_template": f"{{{{ {one.value} | default(none) }}}}",
    }


def _moment(one: Fact, _: str | None) -> Component:
    return ({"enabled_by_default": False} if one.key in MADE_AT else {}) | {
        "platform": "sensor",
        "device_class": "timestamp",
        "entity_category": "diagnostic",
        "value_template": f"{{{{ {one.value} | default(none) }}}}",
    }


def _text(one: Fact, _: str | None) -> Component:
    return {
        "platform": "sensor",
        "entity_category": "diagnostic",
        "value_template": f"{{{{ ({one.value} | default(none) or 'None')[:{LONGEST_STATE}] }}}}",
    }


def _word(one: Fact, currency: str | None) -> Component:
    return _text(one, currency) | {"enabled_by_default": False}


_OF_SHAPE = {
    Shape.NUMBER: _number,
    Shape.FLAG: _flag,
    Shape.CHOICE: _choice,
    Shape.MOMENT: _moment,
    Shape.WORD: _word,
    Shape.TEXT: _text,
}
