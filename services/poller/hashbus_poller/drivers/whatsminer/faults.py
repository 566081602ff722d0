"""The faults that a WhatsMiner reports of itself (PROTOCOLS.md 1.5, and 2.3 for the families of codes)."""

from __future__ import annotations

from typing import Any

from hashbus.messages import MinerError
from hashbus_poller.drivers.contract import Garbled
from hashbus_poller.readings import shown

LONGEST_SENTENCE = 1000
"""Characters of a text for people in our messages."""

_FAMILIES = {
    "1": "fans",
    "2": "power supply",
    "3": "temperature",
    "4": "memory of a hashboard",
    "5": "hashboard",
    "6": "surroundings too warm or too cold",
    "7": "control board",
}
_LONG_FAMILIES = {"201": "all pools off", "202": "pool failed", "231": "hashrate too low", "232": "hashrate too low"}


def errors_of(listed: Any) -> tuple[MinerError, ...]:
    """Return the errors in the section `error-code`; none when it is empty or missing.

    Each is an object with the code as a key and the time as its value; a `reason` may stand beside it. The time is the
    miner's local one in a zone that it does not name, so it is told in words only.
    """
    if listed is None:
        return ()
    if not isinstance(listed, list):
        raise Garbled(f"error-code is {shown(listed)}, not a list")
    return tuple(error for entry in listed for error in _errors(entry))


def _errors(entry: Any) -> list[MinerError]:
    if not isinstance(entry, dict):
        raise Garbled(f"error-code holds {shown(entry)}, not an object")
    reason = str(entry.get("reason") or "").strip().rstrip(".")
    return [
        MinerError(code=code, text=f"{reason or family_of(code)}, since {since} by its own clock"[:LONGEST_SENTENCE])
        for code, since in entry.items()
        if code.isascii() and code.isdigit()
    ]


def family_of(code: str) -> str:
    """Return in words what a code is about, by its family; the firmware does not always give a reason."""
    if len(code) == 3:
        return _FAMILIES.get(code[0], "fault")
    return _LONG_FAMILIES.get(code[:3], "hashboard" if code[0] == "5" else "fault")
