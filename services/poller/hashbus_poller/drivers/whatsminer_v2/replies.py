"""What every reply of API v2 has in common: two envelopes, the codes, and what they mean (PROTOCOLS.md 2.2)."""

from __future__ import annotations

from hashbus_poller.drivers.cgminer.answer import Answer, decode
from hashbus_poller.drivers.contract import DeviceError, Garbled, Refused, Unreachable, Unsupported
from hashbus_poller.drivers.whatsminer_v2.mend import mended

INVALID_COMMAND = 14
INVALID_JSON = 23
MISSING_COMMAND = 24
DENIED = 45
FAILED = 132
BAD_TOKEN = 135
LOCKED = 136

NOT_HERE = frozenset({INVALID_COMMAND, INVALID_JSON, MISSING_COMMAND})
"""Codes of a request that came to the wrong one of two processes, or that the firmware does not know at all."""

WRITE_CLOSED = (
    "writing is closed: the owner opens the API with WhatsminerTool and gives `admin` a password of its own, "
    "of at most 8 characters"
)


def understood(name: str, raw: bytes) -> Answer:
    """Return what a reply says; Garbled when even mended it says nothing, MinerDown when only the board is up."""
    try:
        return decode(name, raw)
    except Garbled:
        text = raw.decode("utf-8", "replace")
        repaired = mended(text)
        if repaired == text:
            raise
    answer = decode(name, repaired.encode())
    return Answer(answer.question, raw, answer.fields, answer.is_partial)


def code_of(answer: Answer) -> int | None:
    """Return the code of a no; None where the miner says yes."""
    letter, code, _ = answer.status()
    return (code or 0) if letter in {"E", "F"} else None


def succeeded(answer: Answer) -> Answer:
    """Return the answer itself unless the miner says no: then raise what that means."""
    error = failure(answer)
    if error is not None:
        raise error
    return answer


def failure(answer: Answer) -> DeviceError | None:
    """Return the error that a reply means; None for success."""
    code = code_of(answer)
    if code is None:
        return None
    _, _, msg = answer.status()
    said = f"{answer.question}: the miner answers {msg[:200]!r} (code {code})"
    if code in NOT_HERE or "deprecated" in msg.lower():
        return Unsupported(f"{said}; this firmware does not do that")
    if code == LOCKED or "over max connect" in msg.lower():
        return Unreachable(f"{said}; its service is locked for three minutes")
    if code == DENIED:
        return Refused(f"{said}; {WRITE_CLOSED}")
    if code == BAD_TOKEN:
        return Refused(f"{said}; another program may have asked for a token too")
    return DeviceError(said)
