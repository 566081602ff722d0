"""Who a miner with Braiins OS is, and what this version can do; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hashbus.messages import Capability, MinerIdentity, PowerChange
from hashbus.models import RatedModel, rated
from hashbus_poller.drivers.cgminer.identity import normal_mac, split_name
from hashbus_poller.nested import inner
from hashbus_poller.readings import json_object, number_or_none, text_or_none, understanding

FIRMWARE = "Braiins OS"
POWER_CHANGE = PowerChange(restarts_mining=False, ramp_s=600, min_interval_s=300)
"""Mining goes on while the tuner looks for the new power. With a profile from before it is there within minutes; to
make one takes hours, at a power that is near the target all the while."""

SETS_COOLING_FROM = (25, 1)
"""API 1.4 of January 2025 brought `cooling/mode`."""

_RELEASE = re.compile(r"(?:^|-)(\d\d)\.(\d\d)(?:\.\d+)?(?:-|$)")
_BOARDS_OF_CONTROL = {1: "CVITEK", 2: "BeagleBone", 3: "Amlogic", 4: "Zynq", 5: "Braiins"}
_BRANDS = {1: "Antminer", 2: "WhatsMiner"}
_LIQUID = ("hyd", "imm")


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be set, in watts and degrees Celsius; None where the miner does not say."""

    min_w: float | None = None
    max_w: float | None = None
    target_c: float | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """One miner as it was last identified."""

    identity: MinerIdentity
    limits: Limits


def release(version: str | None) -> tuple[int, int]:
    """Return year and month in "2025-08-06-0-3881c51d-25.07-plus"; (0, 0) where there is none: nothing is assumed."""
    found = _RELEASE.search(version or "")
    return (int(found[1]), int(found[2])) if found else (0, 0)


def limits_of(constraints: bytes) -> Limits:
    """Return what may be set."""
    said = json_object(constraints)
    with understanding(constraints):
        power = inner(said, "tuner_constraints", "power_target")
        cooling = inner(said, "cooling_constraints", "target_temperature", "default")
        return Limits(
            min_w=number_or_none(inner(power, "min"), "watt"),
            max_w=number_or_none(inner(power, "max"), "watt"),
            target_c=number_or_none(cooling, "degree_c"),
        )


def known_of(details: bytes, limits: Limits) -> Known:
    """Put together what the miner says of itself and what it lets be set."""
    said = json_object(details)
    with understanding(details):
        make, model = _name(said)
        sheet = rated(make, model or "")
        version = text_or_none(inner(said, "bos_version"), "current")
        return Known(_identity(said, (make, model), sheet, version, limits), limits)


def _identity(
    said: Mapping[str, Any],
    name: tuple[str | None, str | None],
    sheet: RatedModel | None,
    version: str | None,
    limits: Limits,
) -> MinerIdentity:
    make, model = name
    is_liquid = sheet.is_liquid_cooled if sheet else any(word in (model or "").lower() for word in _LIQUID)
    year, month = release(version)
    return MinerIdentity(
        make=make or FIRMWARE,
        model=model,
        serial=text_or_none(said, "serial_number"),
        mac=normal_mac(text_or_none(said, "mac_address")),
        firmware=FIRMWARE,
        firmware_version=f"{year:02d}.{month:02d}" if year else version,
        control_board=_BOARDS_OF_CONTROL.get(said.get("control_board_soc_family") or 0),
        psu_model=text_or_none(inner(said, "psu_info"), "model_name"),
        is_liquid_cooled=is_liquid,
        boards_total=sheet.boards if sheet else None,
        rated_hashrate_ths=_rated_ths(said, sheet),
        rated_power_w=sheet.rated_power_w if sheet else None,
        min_power_w=limits.min_w,
        max_power_w=limits.max_w,
        power_step_w=1.0 if limits.max_w else None,
        power_change=POWER_CHANGE,
        capabilities=_capabilities((year, month), limits, is_liquid=is_liquid),
    )


def _rated_ths(said: Mapping[str, Any], sheet: RatedModel | None) -> float | None:
    """Return what stands on the sticker, as the miner has it; a data sheet knows less of a single machine."""
    sticker_ghs = number_or_none(inner(said, "sticker_hashrate"), "gigahash_per_second")
    if sticker_ghs:
        return round(sticker_ghs / 1000, 3)
    return sheet.rated_hashrate_ths if sheet else None


def _capabilities(version: tuple[int, int], limits: Limits, *, is_liquid: bool) -> tuple[Capability, ...]:
    offers = {
        Capability.POWER_LIMIT: limits.max_w is not None,
        Capability.SLEEP: True,
        Capability.RESTART: True,
        Capability.REBOOT: True,
        Capability.FAN: version >= SETS_COOLING_FROM and not is_liquid,
        Capability.POOL: True,
        Capability.BLINK: True,
    }
    return tuple(capability for capability, is_offered in offers.items() if is_offered)


def _name(said: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return make and model: "Antminer S19 XP" is ("Antminer", "S19 XP"); newer versions number the brand beside it."""
    who = inner(said, "miner_identity")
    make, model = split_name(text_or_none(who, "miner_model") or text_or_none(who, "name"))
    brand = who.get("brand")
    return make or (_BRANDS.get(brand) if isinstance(brand, int) else None), model
