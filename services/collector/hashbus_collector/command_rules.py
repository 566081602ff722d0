"""What a command of the cloud may be, and what follows what in its life. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class Kind(StrEnum):
    """What the cloud may ask of a miner (S1.20 to S1.26, and blink), and of a whole site: the last two."""

    ENABLE = "enable"
    DISABLE = "disable"
    RESTART = "restart"
    REBOOT = "reboot"
    SET_POOL = "set_pool"
    SET_FAN = "set_fan"
    SET_FREQUENCY = "set_frequency"
    BLINK = "blink"
    CURTAIL = "curtail"
    CURTAIL_STOP = "curtail_stop"


OF_SITES = (Kind.CURTAIL, Kind.CURTAIL_STOP)
TARGETS = ("target_w", "level_pct", "limit_w")


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

_ALIASES: Mapping[Kind, Mapping[str, str]] = MappingProxyType(
    {
        Kind.SET_FAN: {"speed": "fan_pct", "fan_speed": "fan_pct", "speed_percent": "fan_pct"},
        Kind.SET_FREQUENCY: {"frequency": "frequency_mhz"},
        Kind.SET_POOL: {"pool_url": "url", "worker_name": "worker", "user": "worker", "pool_password": "password"},
    }
)
"""Names that other clients of this interface use. A bridge knows only its own, and would take a fan speed that it does
not know for "automatic"."""

_NEEDED: Mapping[Kind, tuple[str, ...]] = MappingProxyType(
    {Kind.SET_FAN: ("fan_pct",), Kind.SET_FREQUENCY: ("frequency_mhz",), Kind.SET_POOL: ("url",)}
)

_BOUNDS = MappingProxyType({"fan_pct": (0.0, 100.0), "frequency_mhz": (1.0, 10_000.0)})

SECRET = "password"  # noqa: S105 (the name of a parameter)
HIDDEN = "***"


class WrongParameters(ValueError):
    """The parameters do not fit the command; the text names the one that does not."""


def completed(command: Kind, given: Mapping[str, Any]) -> dict[str, Any]:
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
    if command is Kind.SET_POOL and not (isinstance(url, str) and "://" in url and len(url) <= 200):
        raise WrongParameters(f"parameters.url: {str(url)[:40]!r} is no pool; write stratum+tcp://HOST:PORT")
    if command is Kind.CURTAIL:
        _check_target(result)
    return result


def _check_target(given: Mapping[str, Any]) -> None:
    named = [name for name in TARGETS if given.get(name) is not None]
    if len(named) != 1:
        raise WrongParameters(f"parameters: a curtailment has one of {', '.join(TARGETS)}")
    value = given[named[0]]
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 5e9:
        raise WrongParameters(f"parameters.{named[0]}: {str(value)[:40]!r} is not a number from 0 to 5e9")


def masked(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters for people: without the password of a pool."""
    return {name: HIDDEN if SECRET in name and value else value for name, value in params.items()}
