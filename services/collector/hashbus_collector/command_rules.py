"""What a command of the cloud may be, and what follows what in its life. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from hashbus.messages import Command


class Status(StrEnum):
    """Where a command is in its life.

    pending -> sent -> completed, failed or rejected, as the site answers. A pending one can be cancelled. One whose
    time is over is expired; an answer that comes later, because the line was down, still counts.
    """

    PENDING = "pending"
    SENT = "sent"
    COMPLETED = "completed"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


OPEN = (Status.PENDING, Status.SENT)

_ALIASES: Mapping[Command, Mapping[str, str]] = MappingProxyType(
    {
        Command.SET_FAN: {"speed": "fan_pct", "fan_speed": "fan_pct", "speed_percent": "fan_pct"},
        Command.SET_FREQUENCY: {"frequency": "frequency_mhz"},
        Command.SET_POOL: {"pool_url": "url", "worker_name": "worker", "user": "worker", "pool_password": "password"},
    }
)
"""Names that other clients of this interface use. A bridge knows only its own, and would take a fan speed that it does
not know for "automatic"."""

_NEEDED: Mapping[Command, tuple[str, ...]] = MappingProxyType(
    {Command.SET_FAN: ("fan_pct",), Command.SET_FREQUENCY: ("frequency_mhz",), Command.SET_POOL: ("url",)}
)

_BOUNDS = MappingProxyType({"fan_pct": (0.0, 100.0), "frequency_mhz": (1.0, 10_000.0)})

SECRET = "password"  # noqa: S105 (the name of a parameter)
HIDDEN = "***"


class WrongParameters(ValueError):
    """The parameters do not fit the command; the text names the one that does not."""


def completed(command: Command, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with our names beside those of the asker; WrongParameters when one is missing or off."""
    result = dict(given)
    for theirs, ours in _ALIASES.get(command, {}).items():
        if theirs in result and ours not in result:
            result[ours] = result[theirs]
    for name in _NEEDED.get(command, ()):
        if name not in result:
            raise WrongParameters(f"parameters.{name}: is missing; {command.value} needs it")
    for name, (least, most) in _BOUNDS.items():
        value = result.get(name)
        if name not in _NEEDED.get(command, ()) or (value is None and name == "fan_pct"):
            continue
        if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
            raise WrongParameters(f"parameters.{name}: {str(value)[:40]!r} is not a number from {least:g} to {most:g}")
    url = result.get("url")
    if command is Command.SET_POOL and not (isinstance(url, str) and "://" in url and len(url) <= 200):
        raise WrongParameters(f"parameters.url: {str(url)[:40]!r} is no pool; write stratum+tcp://HOST:PORT")
    return result


def masked(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters for people: without the password of a pool."""
    return {name: HIDDEN if SECRET in name and value else value for name, value in params.items()}
