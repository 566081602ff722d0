"""The faults that a WhatsMiner reports of itself (PROTOCOLS.md 1.5, and 2.3 for the families of codes)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from hashbus.messages import MinerError
from hashbus_poller.drivers.contract import Garbled
from hashbus_poller.readings import shown

LONGEST_SENTENCE = 1000
"""Characters of a text for people in our messages."""

_HINTS: Mapping[str, str] = MappingProxyType(
    {
        "11": "a fan does not turn; clean it, look at its plug, replace it",
        "12": "a fan does not reach its speed; clean it or replace it",
        "13": "a fan does not reach its speed; clean it or replace it",
        "14": "a fan turns too fast; is it one of another type?",
        "200": "no power supply is found; look at its data cable",
        "201": "the power supply does not fit the model; replace it by one that does",
        "202": "the power supply gives a wrong voltage; replace it if that lasts",
        "203": "the power supply is too warm; let in cooler air",
        "204": "the power supply is too warm for its current; let in cooler air",
        "205": "the power supply gives a wrong current; replace it if that lasts",
        "206": "the mains voltage is too low; look at cable and socket",
        "207": "the power supply protects itself from bad mains; look at cable and phase",
        "218": "the mains voltage is too low for this power mode; take a lower one",
        "30": "a hashboard's temperature sensor is not found; look at its cables",
        "32": "a hashboard's temperature cannot be read; look at its cables",
        "35": "a hashboard is too hot and protects itself; look at cooling, fans or flow",
        "41": "a hashboard's memory is not found; look at its cables",
        "42": "a hashboard's memory cannot be understood; the board needs repair",
        "51": "a hashboard is of another type than the miner; fit boards of one type",
        "53": "a hashboard is not found; look at its cables",
        "54": "a hashboard's chips do not answer; look at its cables, then have it repaired",
        "55": "a hashboard has bad chips; restart, then have it repaired",
        "56": "a hashboard is out of balance; restart, then have it repaired",
        "600": "the surroundings are too warm; let in cooler air or take less power",
        "610": "the surroundings are too warm for this power mode; take a lower one",
        "710": "the control board restarted by itself; look at the mains if that repeats",
    }
)
"""What to do about a code of three digits, by its beginning; the last digit of most is the number of a part.

Of the several hundred codes these are the ones that owners write about most; of the others the family is told.
"""

_LONG_HINTS: Mapping[str, str] = MappingProxyType(
    {
        "2000": "no pool is set; set one",
        "2010": "all pools are off; look at the pools and at the internet",
        "202": "a pool does not answer; look at its address and at the internet",
        "2030": "a pool rejects many shares; look at the connection to it",
        "231": "the hashrate is too low; look at boards and temperatures",
        "232": "the hashrate is too low; look at boards and temperatures",
    }
)
"""The same for codes of four digits."""

_FAMILIES = {
    "1": "fans",
    "2": "power supply",
    "3": "temperature",
    "4": "memory of a hashboard",
    "5": "hashboard",
    "6": "surroundings too warm or too cold",
    "7": "control board",
}


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
        MinerError(code=code, text=f"{_sentence(code, reason)}, since {since} by its own clock"[:LONGEST_SENTENCE])
        for code, since in entry.items()
        if code.isascii() and code.isdigit()
    ]


def _sentence(code: str, reason: str) -> str:
    """Return the firmware's own reason with our hint behind it, or what the code is about."""
    hint = hint_of(code)
    if not reason:
        return family_of(code)
    return f"{reason}: {hint}" if hint else reason


def family_of(code: str) -> str:
    """Return in words what a code is about and what to do; the firmware does not always give a reason."""
    hint = hint_of(code)
    if hint is not None:
        return hint
    if len(code) == 3:
        return _FAMILIES.get(code[0], "fault")
    return "hashboard" if code[0] == "5" else "fault"


def hint_of(code: str) -> str | None:
    """Return what a code means and what to do about it; None of a code that we do not know."""
    hints = _HINTS if len(code) == 3 else _LONG_HINTS
    return next((hint for start, hint in hints.items() if code.startswith(start)), None)
