"""The events of LuxOS, in words with a hint (the vendor's event list and troubleshooting page; PROTOCOLS.md 3.8); pure.

Events are what is out of the ordinary now: one that is over is listed no more. Some are no faults but states that
somebody wanted, or that pass by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hashbus.messages import MinerError
from hashbus_poller.drivers.cgminer.answer import Answer, Section

LONGEST_TEXT = 1000

STATES = frozenset({"SLEEP", "IDLE", "REBOOT_SYSINIT", "REBOOT_USER", "SHUTDOWN_USER", "REBOOT_PROFILE_CHANGE"})
"""What somebody wanted, and what is on its way."""

STARTING = frozenset({"REBOOT_SYSINIT", "REBOOT_USER", "REBOOT_PROFILE_CHANGE"})

HINTS: Mapping[str, str] = MappingProxyType(
    {
        "BAD_DOMAIN": "restart the board; if it stays, the board needs repair",
        "BOARD_ASIC_ENUMERATION_FAILURE": "look at the board; if all boards say so, at the power supply",
        "BOARD_ASIC_INIT_FAILURE": "restart the board; if it stays, it is probably damaged",
        "BOARD_CRITICAL_PIC_FAILURE": "the controller on the board is probably damaged",
        "BOARD_CRITICAL_SENSOR_FAILURE": "without a working sensor on its hot side a board does not run",
        "BOARD_HIGH_TEMPERATURE": "look at the air flow, or let the firmware's thermal management (ATM) work",
        "BOARD_NOT_DETECTED": "look at the cable between board and control board",
        "BOARD_NOT_ENOUGH_SENSORS_FAILURE": "too few temperature sensors of the board work",
        "BOARD_OVERTEMP_SHUTDOWN": "it was too hot: look at air flow, fans and surroundings",
        "CANT_READ_PSU_PROTOCOL": "look at the cable of the power supply",
        "CANT_READ_PSU_TYPE": "look at the cable of the power supply",
        "FAN_FAILURE": "a fan does not turn as it should: look at its plug, or replace it",
        "FAN_PANIC": "fewer fans turn than are needed, so mining has stopped",
        "INCOMPATIBLE_PIC": "boards of different kinds are mixed",
        "NO_ACTIVE_POOLS": "no pool answers: look at its address, and at the network",
        "NO_BOARDS": "look at the boards' cables and at the power supply",
        "NOPIC_PROTECTION": "a board failed, so all were stopped: find the bad one",
        "NOPIC_SHUTDOWN": "the board was stopped to protect it",
        "OVERTEMP_PROTECTION": "it was too hot: look at air flow, fans and surroundings",
        "PSU_PANIC": "the power supply failed: look at its cable and at the mains",
        "REBOOT_NOT_HASHING": "the board is started again because it made no hashes",
    }
)


def errors_of(events: Answer | None) -> tuple[MinerError, ...]:
    """Return the faults among the events; none where this version lists no events."""
    if events is None:
        return ()
    return tuple(_error(row, code) for row, code in _coded(events) if code not in STATES)


def is_starting(events: Answer | None) -> bool:
    """Say whether boards are being brought up."""
    return events is not None and any(code in STARTING for _, code in _coded(events))


def _coded(events: Answer) -> list[tuple[Section, str]]:
    return [(row, code) for row in events.sections("EVENTS") if (code := row.text("Code")) is not None]


def _error(row: Section, code: str) -> MinerError:
    number, target = row.count("ID"), (row.text("Target") or "").lower()
    place = f"{target} {number}: " if target and number is not None else ""
    said = (row.text("Description") or code).rstrip(".")
    hint = HINTS.get(code)
    return MinerError(code=code, text=f"{place}{said}{f'; {hint}' if hint else ''}"[:LONGEST_TEXT])
