"""Who a Bitaxe is and what its firmware can do; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from hashbus.messages import Capability, MinerIdentity, MinerState, PowerChange, PowerLevel
from hashbus.models import RatedModel, rated
from hashbus_poller.drivers.bitaxe.boards import CHIPS, family
from hashbus_poller.drivers.bitaxe.parse import Info, reading
from hashbus_poller.drivers.bitaxe.steps import Curve, Options, Step, by_data_sheet, measured, steps
from hashbus_poller.drivers.contract import Garbled
from hashbus_poller.readings import count_or_none, number_or_none, shown, text_or_none, understanding

POWER_CHANGE = PowerChange(restarts_mining=False, ramp_s=30, min_interval_s=60)
"""A new frequency takes effect at once; the hashrate that is shown is a mean that follows within half a minute."""

STEADY_SHARE = 0.8
"""Below this share of the expected hashrate the power is not that of a board that runs as it should."""

_VERSION = re.compile(r"v?(\d+)\.(\d+)")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


@dataclass(frozen=True, slots=True)
class Board:
    """One board with its firmware: what it is, and how each thing is asked of it."""

    identity: MinerIdentity
    steps: tuple[Step, ...]
    options: Options | None
    curve: Curve | None
    chips: int | None
    fan_key: str
    knows_tls: bool


def asks_options(said: Info) -> bool:
    """Say whether this firmware has `/api/system/asic`: AxeOS from 2.8 on, and the NerdAxe, which counts from 1."""
    return _version(said) >= (2, 8) or _is_nerdaxe(said)


def board(said: Info, asic: dict[str, Any] | None, answer: bytes, before: Curve | None) -> Board:
    """Put together what `info` and `asic` say; `asic` is None where the firmware has no such page.

    `before` is the curve that was drawn the last time: it stays while the core voltage does, so that the steps of one
    miner do not move under a controller that has chosen one of them.
    """
    with understanding(answer):
        chips = count_or_none(asic or {}, "asicCount") or count_or_none(said, "asicCount")
        name = _family(said, asic or {}, chips)
        sheet = rated(_make(said), name or "")
        options = _options(said, asic)
        curve = _curve(said, chips, options, sheet, before)
        taken = steps(options, curve, number_or_none(said, "maxPower")) if options and curve else ()
        return Board(
            identity=_identity(said, name, sheet, taken),
            steps=taken,
            options=options,
            curve=curve,
            chips=chips or (sheet.chips if sheet else None),
            fan_key="manualFanSpeed" if "manualFanSpeed" in said else "fanspeed",
            knows_tls="stratumTLS" in said,
        )


def _identity(said: Info, name: str | None, sheet: RatedModel | None, taken: tuple[Step, ...]) -> MinerIdentity:
    mac = (text_or_none(said, "macAddr") or "").lower()
    return MinerIdentity(
        make=_make(said),
        model=name,
        mac=mac if _MAC.fullmatch(mac) else None,
        firmware="AxeOS",
        firmware_version=(text_or_none(said, "version") or "").removeprefix("v") or None,
        control_board=text_or_none(said, "boardVersion"),
        is_liquid_cooled=False,
        boards_total=1,
        rated_hashrate_ths=sheet.rated_hashrate_ths if sheet else None,
        rated_power_w=sheet.rated_power_w if sheet else None,
        min_power_w=taken[0].power_w if taken else None,
        max_power_w=taken[-1].power_w if taken else None,
        power_levels=tuple(PowerLevel(name=f"{step.frequency_mhz:g} MHz", power_w=step.power_w) for step in taken),
        power_change=POWER_CHANGE,
        capabilities=_capabilities(said, has_steps=bool(taken)),
    )


def _capabilities(said: Info, *, has_steps: bool) -> tuple[Capability, ...]:
    """List what this firmware really has (PROTOCOLS.md 4.1, 4.3)."""
    can = [Capability.RESTART, Capability.REBOOT, Capability.FAN, Capability.POOL]
    if has_steps:
        can += [Capability.POWER_LIMIT, Capability.FREQUENCY]
    if "miningPaused" in said:
        can.append(Capability.SLEEP)
    if _version(said) >= (2, 12):
        can.append(Capability.BLINK)
    return tuple(can)


def _make(said: Info) -> str:
    return "NerdAxe" if _is_nerdaxe(said) else "Bitaxe"


def _is_nerdaxe(said: Info) -> bool:
    return "nerd" in (text_or_none(said, "deviceModel") or "").lower()


def _version(said: Info) -> tuple[int, int]:
    """Return the version as far as features hang on it; (0, 0) where there is none, so that nothing new is assumed."""
    found = _VERSION.match(text_or_none(said, "version") or "")
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _family(said: Info, asic: dict[str, Any], chips: int | None) -> str | None:
    told = text_or_none(said, "deviceModel") or text_or_none(asic, "deviceModel")
    chip = text_or_none(said, "ASICModel") or ""
    return told or family(chip, text_or_none(said, "boardVersion") or "", chips) or chip or None


def _options(said: Info, asic: dict[str, Any] | None) -> Options | None:
    """Return what the firmware offers; before 2.8 what every board of that chip can do."""
    if asic is None:
        known = CHIPS.get(text_or_none(said, "ASICModel") or "")
        return known.options if known else None
    listed = asic.get("frequencyOptions")
    if listed is None:
        return None
    if not isinstance(listed, list):
        raise Garbled(f"frequencyOptions is {shown(listed)}, which is not a list")
    options = [number_or_none({"frequencyOptions": one}, "frequencyOptions") for one in listed]
    frequencies = tuple(sorted({mhz for mhz in options if mhz is not None and mhz > 0}))
    default_mhz = number_or_none(asic, "defaultFrequency") or 0.0
    return Options(frequencies, default_mhz, number_or_none(asic, "defaultVoltage") or 0.0)


def _curve(
    said: Info, chips: int | None, options: Options | None, sheet: RatedModel | None, before: Curve | None
) -> Curve | None:
    now = reading(said, b"", chips=chips)
    core_mv = number_or_none(said, "coreVoltage") or 0.0
    if before is not None and before.core_mv == core_mv and before.is_measured:
        return before
    nominal_v = count_or_none(said, "nominalVoltage") or round(now.input_v or 5.0)
    expected_ths, power_w, mhz = now.hashrate_expected_ths, now.power_w, now.frequency_mhz
    is_steady = now.state is MinerState.MINING and (now.hashrate_ths or 0.0) >= STEADY_SHARE * (
        expected_ths or float("inf")
    )
    if is_steady and power_w and mhz:
        return measured(power_w, mhz, core_mv, nominal_v)
    if sheet is None or sheet.rated_power_w is None or options is None:
        return None
    return by_data_sheet(sheet.rated_power_w, options, core_mv, nominal_v)
