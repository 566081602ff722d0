"""Who a miner with VNish is, and what this version can do with this login; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hashbus.messages import Capability, MinerIdentity, PowerChange
from hashbus.models import RatedModel, rated
from hashbus_poller.drivers.cgminer.identity import normal_mac, split_name
from hashbus_poller.drivers.vnish.parse import Facts, per_terahash
from hashbus_poller.drivers.vnish.presets import Level
from hashbus_poller.nested import inner
from hashbus_poller.readings import count_or_none, json_object, number_or_none, text_or_none, understanding

FIRMWARE = "VNish"
POWER_CHANGE = PowerChange(restarts_mining=True, ramp_s=300, min_interval_s=600)
"""Another preset is taken up by a restart of mining."""

IMMERSION = frozenset({"immers", "immersion"})
"""Its cooling mode for miners without fans is called by one name in the settings and by another elsewhere."""

_PLATFORMS = {"aml": "Amlogic", "bb": "BeagleBone", "cv": "CVITEK", "stm": "STM", "xil": "Xilinx"}


@dataclass(frozen=True, slots=True)
class Asked:
    """The answers by which a miner is known; those that need a login are None without one."""

    info: bytes
    status: bytes
    model: bytes | None = None
    factory: bytes | None = None


@dataclass(frozen=True, slots=True)
class Rights:
    """What the login opens: the presets that can be chosen, and how the miner is cooled now."""

    levels: tuple[Level, ...] = ()
    cooling: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """One miner as it was last identified."""

    identity: MinerIdentity
    levels: tuple[Level, ...]
    facts: Facts


def facts_of(info: bytes, model: bytes | None) -> Facts:
    """Return what readings need to know."""
    with understanding(info):
        unit = per_terahash(json_object(info))
    if model is None:
        return Facts(unit)
    said = json_object(model)
    with understanding(model):
        return Facts(unit, count_or_none(inner(said, "chain"), "chips_per_chain") or None)


def known_of(asked: Asked, rights: Rights | None) -> Known:
    """Put together what the miner says of itself, and what may be done with it; `rights` None: nothing."""
    info, status = json_object(asked.info), json_object(asked.status)
    with understanding(asked.info):
        make, model = split_name(text_or_none(info, "miner"))
        sheet = rated(make, model or "")
        extras = _extras(asked, sheet)
        levels = rights.levels if rights else ()
        identity = MinerIdentity(
            make=make or FIRMWARE,
            model=model,
            serial=text_or_none(info, "serial"),
            mac=normal_mac(text_or_none(inner(info, "system", "network_status"), "mac")),
            firmware=FIRMWARE,
            firmware_version=text_or_none(info, "fw_version"),
            control_board=_PLATFORMS.get(str(info.get("platform"))),
            is_liquid_cooled=_is_liquid(sheet, rights),
            rated_power_w=sheet.rated_power_w if sheet else None,
            min_power_w=levels[0].power_w if levels else None,
            max_power_w=levels[-1].power_w if levels else None,
            power_levels=tuple(level.as_message() for level in levels),
            power_change=POWER_CHANGE,
            capabilities=_capabilities(status, rights, sheet),
            **extras,
        )
    return Known(identity, levels, facts_of(asked.info, asked.model))


def _extras(asked: Asked, sheet: RatedModel | None) -> dict[str, Any]:
    """Return what only some versions tell: boards, the power supply, the hashrate that the factory promised."""
    model, factory = _object(asked.model), _object(asked.factory)
    stock = number_or_none(factory, "hr_stock")
    stock_ths = stock / per_terahash(json_object(asked.info)) if stock else None
    return {
        "boards_total": count_or_none(inner(model, "chain"), "num_chains") or (sheet.boards if sheet else None),
        "psu_model": text_or_none(factory, "psu_model"),
        "rated_hashrate_ths": stock_ths or (sheet.rated_hashrate_ths if sheet else None),
    }


def _object(answer: bytes | None) -> Mapping[str, Any]:
    return {} if answer is None else json_object(answer)


def _is_liquid(sheet: RatedModel | None, rights: Rights | None) -> bool | None:
    if rights and rights.cooling in IMMERSION:
        return True
    return sheet.is_liquid_cooled if sheet else None


def _capabilities(status: Mapping[str, Any], rights: Rights | None, sheet: RatedModel | None) -> tuple[Capability, ...]:
    if rights is None:
        return ()
    offers = {
        Capability.POWER_LIMIT: len(rights.levels) > 1,
        Capability.POWER_PERCENT: "throttled" in status,
        Capability.SLEEP: True,
        Capability.RESTART: True,
        Capability.REBOOT: True,
        Capability.FAN: not _is_liquid(sheet, rights),
        Capability.POOL: True,
        Capability.BLINK: True,
    }
    return tuple(capability for capability, is_offered in offers.items() if is_offered)
