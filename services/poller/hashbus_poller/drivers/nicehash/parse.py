"""What NiceHash tells of a rig: from its JSON to identity and reading; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from hashbus.messages import Capability, MinerError, MinerIdentity, MinerReading, MinerState
from hashbus_poller.drivers.contract import Refused, Unreachable
from hashbus_poller.nested import objects
from hashbus_poller.readings import (
    efficiency_j_per_th,
    json_object,
    number_or_none,
    sensor_c,
    shown,
    text_or_none,
    understanding,
)

Told = Mapping[str, Any]

MAKE, FIRMWARE = "NiceHash rig", "NiceHash"
CAPABILITIES = (Capability.SLEEP,)

STATES: Mapping[str, MinerState] = MappingProxyType(
    {
        "MINING": MinerState.MINING,
        "BENCHMARKING": MinerState.TUNING,
        "PENDING": MinerState.TUNING,
        "STOPPED": MinerState.SLEEPING,
        "DISABLED": MinerState.SLEEPING,
        "ERROR": MinerState.FAULT,
    }
)
"""By the rig's `minerStatus`; what is not here (TRANSFERRED, UNKNOWN) is unknown."""

OFFLINE = "OFFLINE"
BITCOIN = frozenset({"SHA256", "SHA256ASICBOOST"})
PER_TERAHASH: Mapping[str, float] = MappingProxyType(
    {"H": 1e-12, "KH": 1e-9, "MH": 1e-6, "GH": 1e-3, "TH": 1.0, "PH": 1e3, "EH": 1e6}
)

PACKED = 65_536
"""Above it a temperature holds that of the memory too: chip + 65536 x memory."""

LONGEST_TEXT = 1000


def identity(answer: bytes) -> MinerIdentity:
    """Return who the rig is; of a single kind of device its name is the model."""
    rig = json_object(answer)
    with understanding(answer):
        names = {name for device in objects(rig, "devices") if (name := text_or_none(device, "name"))}
        return MinerIdentity(
            make=MAKE,
            model=names.pop()[:200] if len(names) == 1 else None,
            firmware=FIRMWARE,
            firmware_version=text_or_none(rig, "softwareVersions"),
            capabilities=CAPABILITIES,
        )


def reading(answer: bytes) -> MinerReading:
    """Return what NiceHash last heard of the rig; Unreachable while it hears nothing."""
    rig = json_object(answer)
    with understanding(answer):
        status = (text_or_none(rig, "minerStatus") or "").upper()
        if status == OFFLINE:
            raise Unreachable(f"NiceHash has not heard of the rig since {_moment(rig)}")
        devices = objects(rig, "devices")
        power_w, hashrate_ths = _power_w(devices), _hashrate_ths(devices)
        chips_c = [chip_c for device in devices if (chip_c := _chip_c(device)) is not None]
        errors = _errors(rig)
        return MinerReading(
            state=STATES.get(status, MinerState.UNKNOWN),
            hashrate_ths=hashrate_ths,
            power_w=power_w,
            efficiency_j_per_th=efficiency_j_per_th(power_w, hashrate_ths),
            chip_max_c=max(chips_c, default=None),
            fans_rpm=tuple(rpm for device in devices if (rpm := _known(device, "revolutionsPerMinute"))),
            errors=errors,
            error_message="; ".join(error.text or error.code for error in errors)[:LONGEST_TEXT] or None,
        )


def check_order(answer: bytes) -> None:
    """Refused when NiceHash answers an order with anything but success."""
    said = json_object(answer)
    if said.get("success") is not True:
        raise Refused(f"NiceHash did not take the order: {shown(said.get('message') or said.get('successType'))}")


def _known(device: Told, key: str) -> float | None:
    """Return a figure; below zero means that nothing measures it."""
    value = number_or_none(device, key)
    return None if value is None or value < 0 else value


def _power_w(devices: Sequence[Told]) -> float | None:
    """Return the power of all devices together; unknown where one is not known."""
    powers = [_known(device, "powerUsage") for device in devices]
    return sum(power for power in powers if power is not None) if powers and None not in powers else None


def _hashrate_ths(devices: Iterable[Told]) -> float | None:
    speeds = [speed for device in devices for speed in objects(device, "speeds") if _algorithm(speed) in BITCOIN]
    rates = [
        rate * PER_TERAHASH[suffix]
        for speed in speeds
        if (rate := number_or_none(speed, "speed")) is not None
        and (suffix := (text_or_none(speed, "displaySuffix") or "").upper()) in PER_TERAHASH
    ]
    return round(sum(rates), 6) if rates else None


def _algorithm(speed: Told) -> str | None:
    found = speed.get("algorithm")
    if isinstance(found, dict):
        found = found.get("enumName")
    return found.upper() if isinstance(found, str) else None


def _chip_c(device: Told) -> float | None:
    value = _known(device, "temperature")
    return None if value is None or value > 256 * PACKED else sensor_c(value % PACKED)


def _errors(rig: Told) -> tuple[MinerError, ...]:
    notes = rig.get("notifications") or ()
    codes = [note for note in notes if isinstance(note, str) and note.strip()] if isinstance(notes, list) else []
    return tuple(
        MinerError(
            code=code[:200],
            text=f"NiceHash notes: {code.replace('_', ' ').lower()}; its page of the rig says more"[:LONGEST_TEXT],
        )
        for code in codes
    )


def _moment(rig: Told) -> str:
    told_ms = number_or_none(rig, "statusTime")
    # 2**40 s is beyond what a date can say.
    if not told_ms or not 0 < told_ms / 1000 < 2**40:
        return "it knows it"
    try:
        return datetime.fromtimestamp(told_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return "it knows it"
