"""From Zigbee2MQTT's list of devices to what each of them measures. Pure.

Source: https://www.zigbee2mqtt.io/guide/usage/exposes.html. A device in `bridge/devices` that is not understood is left
out, and the others are taken.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

NUMBERS: Mapping[str, str] = MappingProxyType(
    {
        "temperature": "temperature_c",
        "local_temperature": "temperature_c",
        "occupied_heating_setpoint": "target_c",
        "current_heating_setpoint": "target_c",
        "position": "position_pct",
        "valve_position": "position_pct",
        "pi_heating_demand": "position_pct",
        "humidity": "humidity_pct",
        "pressure": "pressure_bar",
        "flow": "flow_lpm",
        "power": "power_w",
        "energy": "energy_wh",
        "voltage": "voltage_v",
        "current": "current_a",
        "battery": "battery_pct",
        "linkquality": "link_pct",
    }
)
"""What a number is called there and here; of two that are the same here the first counts."""

FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "contact": "contact",
        "occupancy": "occupancy",
        "presence": "occupancy",
        "state": "is_on",
        "water_leak": "is_wet",
        "smoke": "has_smoke",
    }
)
"""The same for what is on or off."""

FACTORS: Mapping[str, Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "_c": {"°C": (1, 0), "°F": (5 / 9, -160 / 9)},
        "_pct": {"%": (1, 0), "lqi": (100 / 255, 0)},
        "_bar": {"hPa": (1e-3, 0), "mbar": (1e-3, 0), "kPa": (1e-2, 0), "Pa": (1e-5, 0), "bar": (1, 0)},
        "_lpm": {"L/min": (1, 0), "m³/h": (1000 / 60, 0), "L/h": (1 / 60, 0), "l/h": (1 / 60, 0)},
        "_w": {"W": (1, 0), "kW": (1e3, 0), "mW": (1e-3, 0)},
        "_wh": {"kWh": (1e3, 0), "Wh": (1, 0)},
        # A battery's voltage is given in mV and is none of the mains.
        "_v": {"V": (1, 0)},
        "_a": {"A": (1, 0), "mA": (1e-3, 0)},
    }
)
"""By the unit of ours: `value * factor + shift` of each unit there."""

USUAL: Mapping[str, str] = MappingProxyType({"linkquality": "lqi", "energy": "kWh", "pressure": "hPa", "flow": "m³/h"})
"""Units where a device does not say one; else that of ours."""

WITH_FEATURES = ("switch", "climate")
"""Of compound things only plugs and thermostats are read: the position of a blind is not that of a valve."""

PUBLISHED = 1
"""Bit of `access`: the value is found in what the device says."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
LONGEST_ID = 64


@dataclass(frozen=True, slots=True)
class Value:
    """One value: its name in the payload, the field of ours, and how it is converted; `on` and `off` are words."""

    name: str
    field: str
    factor: float = 1.0
    shift: float = 0.0
    is_flag: bool = False
    on: str | None = None
    off: str | None = None


@dataclass(frozen=True, slots=True)
class ZigbeeSensor:
    """One sensor of ours: a Zigbee device, or one endpoint of it."""

    id: str
    name: str
    topic_name: str
    ieee: str
    values: tuple[Value, ...]
    is_disabled: bool = False


def sensors_of(devices: Any, leave_out: Iterable[str] = ()) -> list[ZigbeeSensor]:
    """Return the sensors in what `bridge/devices` says; those that measure nothing for us are not among them."""
    if not isinstance(devices, list):
        return []
    unwanted = set(leave_out)
    found = [sensor for device in devices for sensor in _sensors(device) if sensor.topic_name not in unwanted]
    twice = {one for one, count in Counter(sensor.id for sensor in found).items() if count > 1}
    return [_told_apart(sensor) if sensor.id in twice else sensor for sensor in found]


def safe_id(name: str, ieee: str) -> str:
    """Return an id for a name: `cellar/pump plug` is `cellar-pump-plug`; in another script it is the address."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    # Of a name in another script only its digits would be left: no two of them would differ.
    is_other_script = sum(map(str.isalpha, name)) > 2 * sum(map(str.isalpha, plain))
    made = _UNSAFE.sub("-", plain).strip("-")[:LONGEST_ID].strip("-")
    return _UNSAFE.sub("-", ieee) if is_other_script or not made else made


def _told_apart(sensor: ZigbeeSensor) -> ZigbeeSensor:
    ending = f"-{sensor.ieee[-6:]}"
    made = sensor.id[: LONGEST_ID - len(ending)] + ending
    return ZigbeeSensor(made, sensor.name, sensor.topic_name, sensor.ieee, sensor.values, sensor.is_disabled)


def _sensors(device: Any) -> Iterator[ZigbeeSensor]:
    if not isinstance(device, dict):
        return
    name, ieee, definition = device.get("friendly_name"), device.get("ieee_address"), device.get("definition")
    if not (_is_topic(name) and isinstance(ieee, str) and re.fullmatch(r"0x[0-9a-fA-F]{1,16}", ieee)):
        return
    if device.get("type") == "Coordinator" or not isinstance(definition, dict):
        return
    by_endpoint: dict[str, dict[str, Value]] = {}
    for endpoint, value in _in_order(_values(definition.get("exposes"))):
        by_endpoint.setdefault(endpoint, {}).setdefault(value.field, value)
    shared = by_endpoint.pop("", {})
    if not by_endpoint:
        by_endpoint = {"": {}}
    for endpoint, own in by_endpoint.items():
        values = tuple({**shared, **own}.values())
        if any(value.field not in ("link_pct", "battery_pct") for value in values):
            title = f"{name} {endpoint}".strip()
            yield ZigbeeSensor(
                safe_id(title, ieee), title, str(name), ieee, values, is_disabled=device.get("disabled") is True
            )


def _is_topic(name: Any) -> bool:
    """Say whether a friendly name can be listened to: Zigbee2MQTT allows slashes, MQTT no wildcards in a topic."""
    return isinstance(name, str) and 0 < len(name) <= 200 and not any(bad in name for bad in "+#\x00")


def _in_order(values: Iterable[tuple[str, Value]]) -> list[tuple[str, Value]]:
    order = [*NUMBERS, *FLAGS]

    def place(pair: tuple[str, Value]) -> int:
        name = pair[1].name.removesuffix(f"_{pair[0]}") if pair[0] else pair[1].name
        return order.index(name) if name in order else len(order)

    return sorted(values, key=place)


def _values(exposes: Any) -> Iterator[tuple[str, Value]]:
    """Return the endpoint and the value of everything that is exposed and known here."""
    for one in exposes if isinstance(exposes, list) else ():
        if not isinstance(one, dict):
            continue
        if one.get("type") in WITH_FEATURES:
            yield from _values(one.get("features"))
            continue
        value = _value(one)
        if value is not None:
            endpoint = one.get("endpoint")
            yield (endpoint if isinstance(endpoint, str) else ""), value


def _value(one: Mapping[str, Any]) -> Value | None:
    name, access = one.get("name"), one.get("access")
    prop = one.get("property", name)
    if not (isinstance(name, str) and isinstance(prop, str) and isinstance(access, int) and access & PUBLISHED):
        return None
    if one.get("type") == "binary" and name in FLAGS:
        on, off = one.get("value_on"), one.get("value_off")
        words = (on if isinstance(on, str) else None, off if isinstance(off, str) else None)
        return Value(prop, FLAGS[name], is_flag=True, on=words[0], off=words[1])
    if one.get("type") != "numeric" or name not in NUMBERS:
        return None
    field = NUMBERS[name]
    suffix = next(suffix for suffix in FACTORS if field.endswith(suffix))
    ours = next(iter(FACTORS[suffix]))
    unit = USUAL["linkquality"] if name == "linkquality" else one.get("unit") or USUAL.get(name, ours)
    conversion = FACTORS[suffix].get(unit) if isinstance(unit, str) else None
    return None if conversion is None else Value(prop, field, *conversion)
