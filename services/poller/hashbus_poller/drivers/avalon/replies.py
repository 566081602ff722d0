"""What the no of an Avalon means (PROTOCOLS.md 3.2, 3.7)."""

from __future__ import annotations

from hashbus_poller.drivers.cgminer.answer import Answer
from hashbus_poller.drivers.contract import DeviceError, Refused, Unreachable, Unsupported

ACCESS_DENIED = 45
INVALID_COMMAND = 14

_CALIBRATING = ("caling", "calib", "aging")
_UNKNOWN = ("unknown option", "invalid command")


def failure(answer: Answer) -> DeviceError | None:
    """Return the error that a reply means; None for success."""
    letter, code, msg = answer.status()
    if letter not in {"E", "F"}:
        return None
    said, lowered = f"{answer.question}: the miner answers {msg[:200]!r} (code {code})", msg.lower()
    if code == ACCESS_DENIED:
        return Refused(f"{said}; its api-allow gives this computer no right to it (`W:` allows writing)")
    if "auth failed" in lowered or "password" in lowered:
        return Refused(f"{said}; set `password` of this miner to that of its web page")
    if code == INVALID_COMMAND or any(words in lowered for words in _UNKNOWN):
        return Unsupported(f"{said}; this firmware does not do that")
    if any(word in lowered for word in _CALIBRATING):
        return Unreachable(f"{said}; it is busy tuning itself")
    return DeviceError(said)
