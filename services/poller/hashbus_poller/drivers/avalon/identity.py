"""Who an Avalon is, and what can be done with it (PROTOCOLS.md 3.7)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hashbus.messages import Capability, MinerIdentity, PowerChange, PowerLevel
from hashbus.models import rated
from hashbus_poller.drivers.avalon import steps
from hashbus_poller.drivers.avalon.mm import Machine
from hashbus_poller.drivers.avalon.steps import MAKE
from hashbus_poller.drivers.cgminer.answer import Answer, Section
from hashbus_poller.drivers.cgminer.identity import Version
from hashbus_poller.readings import understanding

# A change makes the chips search their frequency anew; on models of the hall a reboot comes before that.
AT_ONCE = PowerChange(restarts_mining=True, ramp_s=180, min_interval_s=300)
AFTER_REBOOT = PowerChange(restarts_mining=True, ramp_s=480, min_interval_s=600)

_WORD = re.compile(r"[a-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Offers:
    """What this miner lets this computer do; `options` are those of `ascset`."""

    options: frozenset[str] = frozenset()
    cuts_power: bool = False
    reboots: bool = False
    restarts: bool = False
    adds_pools: bool = False
    sets_pools: bool = False

    @property
    def sleeps_softly(self) -> bool:
        """Whether it has a standby of its own, and not only boards without power."""
        return {"softoff", "softon"} <= self.options


def options_of(answer: Answer) -> frozenset[str]:
    """Return the options that `ascset 0,help` lists: "ASC 0 set info: help|voltage|fan-spd|"."""
    _, _, text = answer.status()
    return frozenset(_WORD.findall(text.rpartition(":")[2].lower()))


def identity(version: Version, told: Answer, machine: Machine | None, offers: Offers) -> MinerIdentity:
    """Tell who the miner is. `told` is the reply to `version`."""
    with understanding(told.raw):
        rows = told.sections("VERSION")
        return _identity(version, rows[0] if rows else None, machine, offers)


def _identity(version: Version, row: Section | None, machine: Machine | None, offers: Offers) -> MinerIdentity:
    unit = machine.first if machine else None
    model = model_of(version, row, machine)
    sheet = rated(MAKE, model) if model else None
    levels, is_at_once = _levels(machine, model)
    able = _capabilities(offers, machine, has_levels=len(levels) > 1)
    highest_w = max((level.power_w for level in levels), default=sheet.rated_power_w if sheet else None)
    return MinerIdentity(
        make=MAKE,
        model=model,
        serial=(row.text("DNA") if row else None) or (unit.text("DNA") if unit else None),
        mac=version.mac,
        firmware="stock",
        firmware_version=_firmware(row) or (unit.text("Ver") if unit else None),
        api_version=version.api_version,
        control_board=row.text("HWTYPE") if row else None,
        is_liquid_cooled=sheet.is_liquid_cooled if sheet else None,
        boards_total=sheet.boards if sheet else None,
        rated_hashrate_ths=sheet.rated_hashrate_ths if sheet else None,
        rated_power_w=sheet.rated_power_w if sheet else None,
        min_power_w=min((level.power_w for level in levels), default=None),
        max_power_w=highest_w,
        power_levels=levels if Capability.POWER_LIMIT in able else (),
        power_change=AT_ONCE if is_at_once else AFTER_REBOOT,
        capabilities=able,
    )


def model_of(version: Version, row: Section | None, machine: Machine | None) -> str | None:
    """Return the model that `version` names; a controller of the 7xx to 9xx does not know it, its units do."""
    is_named = row is not None and any(row.has(key) for key in ("PROD", "MODEL", "Type"))
    return version.model if is_named else steps.model_of(machine.first) if machine else None


def _levels(machine: Machine | None, model: str | None) -> tuple[tuple[PowerLevel, ...], bool]:
    """Return the power steps, and whether they are taken without a reboot."""
    ladder = steps.ladder_of(machine, model) if machine else None
    if machine is None or ladder is None:
        return (), True
    by_number = steps.watts(ladder, machine.first, model)
    levels = [PowerLevel(name=one.name, power_w=by_number[one.number]) for one in ladder.steps if by_number]
    return tuple(levels), ladder.at_once


def _capabilities(offers: Offers, machine: Machine | None, *, has_levels: bool) -> tuple[Capability, ...]:
    """List what the firmware offers and shows again in its readings; without an MM string nothing can be confirmed."""
    if machine is None:
        return ()
    unit = machine.first
    options = offers.options
    has_fans = unit.has("FanR") and (unit.has("Fan1") or unit.has("Fan"))
    wanted = {
        Capability.POWER_LIMIT: has_levels and bool(options & steps.FIELD_OF.keys()),
        Capability.SLEEP: offers.sleeps_softly or offers.cuts_power,
        Capability.RESTART: offers.restarts,
        Capability.REBOOT: offers.reboots,
        Capability.FAN: "fan-spd" in options and has_fans,
        Capability.POOL: offers.adds_pools or offers.sets_pools,
        Capability.BLINK: "led" in options,
    }
    return tuple(capability for capability, is_offered in wanted.items() if is_offered)


def _firmware(row: Section | None) -> str | None:
    return row.text("LVERSION") or row.text("VERSION") or row.text("BVERSION") if row else None
