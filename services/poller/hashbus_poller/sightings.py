"""What a scan found, made of what it saw: each device once, under a name of its own, ready for a configuration."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from ipaddress import IPv4Address
from typing import Any, get_args

import yaml
from pydantic import SecretStr, ValidationError

from hashbus_poller.drivers.contract import DeviceOptions, DriverSpec, Sighting

TAILS = (4, 6, 12)
"""Digits of the MAC at the end of a name: as few as tell the devices of a site apart."""

LONGEST_STEM = 40

_REVISION = re.compile(r"_v[a-z]*\d+$")
"""A WhatsMiner's hardware revision, which says nothing to its owner: M64_VL40 is an M64."""


def merged(sightings: Iterable[Sighting]) -> list[Sighting]:
    """Make one of all sightings of a device on one host; what the first does not know, the others tell.

    The first is the driver that knows the device best. Two MACs or two makes are two devices behind one address.
    """
    devices: list[Sighting] = []
    for sighting in sightings:
        known = next((place for place, device in enumerate(devices) if _may_be_one(device, sighting)), None)
        if known is None:
            devices.append(sighting)
        else:
            devices[known] = _completed(devices[known], sighting)
    return devices


def _may_be_one(device: Sighting, other: Sighting) -> bool:
    if device.mac and other.mac:
        return device.mac == other.mac
    if device.driver is None or other.driver is None:
        return True  # a web page alone is no reason to see a second device beside one that a driver knows
    return device.make is None or other.make is None or device.make == other.make


def _completed(device: Sighting, other: Sighting) -> Sighting:
    """Fill in what is not known. Options and the note belong to the driver, so they stay."""
    missing = {
        field.name: getattr(other, field.name)
        for field in fields(Sighting)
        if getattr(device, field.name) is None and field.name != "note"
    }
    return replace(device, **missing)


class Findings:
    """The devices found so far, each once."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._devices: list[Sighting] = []
        self.also_at: dict[str, str] = {}
        """Addresses under which a device answers a second time, by the address under which it is listed."""

    def add(self, sighting: Sighting) -> bool:
        """Note a device; False when it has been found under another address already."""
        known = next((one for one in self._devices if sighting.mac and one.mac == sighting.mac), None)
        if known is not None:
            self.also_at[sighting.host] = known.host
            return False
        self._devices.append(sighting)
        return True

    def devices(self) -> list[Sighting]:
        """Return the devices by address."""
        return sorted(self._devices, key=lambda one: IPv4Address(one.host))


def names(devices: Iterable[Sighting], taken: Collection[str] = ()) -> list[str]:
    """Return an id for each device: its model and the end of its MAC, so that it keeps it under another address.

    A device without a MAC is called after its address. Names that would be the same, or are taken, get more digits.
    """
    devices = list(devices)
    for digits in TAILS:
        candidates = [_name(one, digits) for one in devices]
        if len(set(candidates)) == len(candidates) and not set(candidates) & set(taken):
            return candidates
    return [f"{_name(one, TAILS[-1])}-{number}" for number, one in enumerate(devices, 1)]


def _name(device: Sighting, digits: int) -> str:
    tail = device.mac.replace(":", "")[-digits:] if device.mac else "-".join(device.host.split(".")[-2:])
    return f"{_stem(device)}-{tail}"


def _stem(device: Sighting) -> str:
    model = (device.model or "").lower()
    if device.make:
        model = model.removeprefix(device.make.lower())
    model = _REVISION.sub("", model).replace("+", "p")
    stem = re.sub(r"[^a-z0-9]+", "-", model).strip("-")
    return stem[:LONGEST_STEM] or device.driver or "device"


def configuration(devices: Iterable[Sighting], specs: Mapping[str, DriverSpec], taken: Collection[str] = ()) -> str:
    """Return the devices as YAML for a site's file; what a person has to add stands there as a comment.

    What a driver has to say of several devices stands at the first of them. A device stands there as a comment whole
    when no driver speaks with it, or when the driver needs what only a person can tell.
    """
    devices = list(devices)
    said: set[str | None] = {None}
    ready, others = [], []
    for name, device in zip(names(devices, taken), devices, strict=True):
        note = [] if device.note in said else [f"  # {_one_line(device.note or '')}"]
        said.add(device.note)
        settings = _settings(device)
        lines = [f"{name}:{_remark(device)}", *note, *(f"  {line}" for line in _entry(name, device, settings, specs))]
        if _is_whole(settings, specs):
            ready += [f"    {line}" for line in lines]
        else:
            others += [f"    # {line}" for line in lines]
    return "\n".join(["poller:", "  devices:" if ready else "  devices: {}", *ready, *others]) + "\n"


def _remark(device: Sighting) -> str:
    known = " ".join(_one_line(word) for word in (device.make, device.model or device.firmware) if word)
    words = [word for word in (known, device.mac) if word]
    return f"  # {', '.join(words)}" if words else ""


def _settings(device: Sighting) -> dict[str, Any]:
    return {"driver": device.driver, "host": device.host, **device.options}


def _is_whole(settings: Mapping[str, Any], specs: Mapping[str, DriverSpec]) -> bool:
    """Say whether a driver can be made of the settings as they are."""
    spec = specs.get(settings["driver"])
    if spec is None:
        return settings["driver"] is not None  # of a plugin that is not installed here
    try:
        spec.options.model_validate({name: value for name, value in settings.items() if name != "driver"})
    except ValidationError:
        return False
    return True


def _entry(name: str, device: Sighting, settings: Mapping[str, Any], specs: Mapping[str, DriverSpec]) -> Iterator[str]:
    if device.driver is None:
        yield f"host: {device.host}"
        return
    yield from yaml.safe_dump(dict(settings), sort_keys=False).splitlines()
    spec = specs.get(device.driver)
    for option in secret_options(spec.options) if spec else ():
        yield f"# {option}_file: secrets/{name}"


def secret_options(options: type[DeviceOptions]) -> list[str]:
    """Return the options of a driver that hold a password or the like."""
    return [
        name
        for name, field in options.model_fields.items()
        if SecretStr in (field.annotation, *get_args(field.annotation))
    ]


def _one_line(text: str) -> str:
    """Return text from a device as it may stand in a comment: nothing in it ends the line."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
