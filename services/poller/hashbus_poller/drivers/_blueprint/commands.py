"""What is said to an Acme Heater: pure functions from an intention to the bytes on the wire."""

from __future__ import annotations

import json
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Command:
    """One question: how it is called on the tape, and what is sent, which may hold the PIN and is never shown."""

    question: str
    sent: bytes = field(repr=False)


STATUS = Command("status", b'{"ask":"status"}\n')


def set_limit(power_w: float, pin: str) -> Command:
    """Ask it to draw at most that many watts; it takes whole watts."""
    return _write(pin, ask="set_limit", watts=round(power_w))


def switch(on: bool, pin: str) -> Command:
    """Ask it to mine, or to stop."""
    return _write(pin, ask="switch", on=on)


def _write(pin: str, **said: object) -> Command:
    return Command(json.dumps(said), json.dumps({**said, "pin": pin}).encode() + b"\n")
