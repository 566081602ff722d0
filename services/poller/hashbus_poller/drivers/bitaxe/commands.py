"""What is asked of AxeOS: pure functions from an intention to method, path and JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from hashbus_poller.drivers.bitaxe.steps import Options
from hashbus_poller.drivers.contract import DeviceError, Unsupported

Settings = dict[str, Any]
"""The JSON body of a PATCH: some of the device's settings."""


@dataclass(frozen=True, slots=True)
class Command:
    """One request. The body may hold a pool password and is never shown."""

    method: str
    path: str
    settings: Settings | None = field(default=None, repr=False)
    may_hang_up: bool = False


INFO = Command("GET", "/api/system/info")
ASIC = Command("GET", "/api/system/asic")
IDENTIFY = Command("POST", "/api/system/identify")
PAUSE = Command("POST", "/api/system/pause")
RESUME = Command("POST", "/api/system/resume")
# It may be gone before it has answered (PROTOCOLS.md 4.1).
RESTART = Command("POST", "/api/system/restart", may_hang_up=True)


def change(settings: Settings) -> Command:
    """Set some of the settings; the firmware keeps them over a restart."""
    return Command("PATCH", "/api/system", settings)


def clear_overheat(frequency_mhz: float, options: Options | None) -> Command:
    """End an overheat stop and give the fan back; what the stop had lowered goes back to the factory's figures."""
    settings: Settings = {"overheat_mode": 0, "autofanspeed": 1}
    if options and options.frequencies_mhz and frequency_mhz < min(options.frequencies_mhz):
        settings |= {"frequency": options.default_mhz, "coreVoltage": round(options.default_mv)}
    return change(settings)


def says_hello(answer: bytes) -> bool:
    """Say whether the reply to `identify` tells that it has begun, and not that it has stopped."""
    return b"no longer" not in answer


def set_fan(fan_pct: float | None, *, fan_key: str) -> Command:
    """Hold the fan at a percentage, or give it back to the firmware; the key's name depends on the version."""
    if fan_pct is None:
        return change({"autofanspeed": 1})
    return change({"autofanspeed": 0, fan_key: round(fan_pct)})


def set_pool(target: Settings, *, worker: str | None, password: str | None, slot: int | None) -> Command:
    """Mine for another pool after the next restart. A worker or password that is not given stays as it is.

    `slot` is the number of the pool in use on firmware that has slots (2.15 and newer, which passes over the flat keys
    in silence); a slot is written as a whole, and five stars keep the password that is in it.
    """
    named = target if worker is None else target | {"stratumUser": worker}
    if slot is None:
        return change(named if password is None else named | {"stratumPassword": password})
    return change({"pools": [{"id": slot, **named, "stratumPassword": password or "*****"}]})


def pool_target(url: str, *, knows_tls: bool) -> Settings:
    """Return host, port and TLS of a stratum address, which AxeOS takes apart; it speaks TLS from 2.13 on."""
    try:
        parts = urlsplit(url if "//" in url else f"//{url}")
        scheme, host, port = parts.scheme.lower(), parts.hostname, parts.port
    except ValueError:
        scheme, host, port = "", None, None
    if scheme not in ("", "stratum+tcp", "stratum+ssl", "stratum+tls"):
        raise Unsupported(f"AxeOS mines over stratum+tcp or stratum+ssl, not over {scheme}")
    if not host or not port:
        raise DeviceError(f"a pool address looks like stratum+tcp://pool.example:3333, not like {url!r}")
    is_tls = scheme in ("stratum+ssl", "stratum+tls")
    if is_tls and not knows_tls:
        raise Unsupported("this firmware speaks no TLS to pools; AxeOS does from 2.13 on")
    target: Settings = {"stratumURL": host, "stratumPort": port}
    return target | {"stratumTLS": int(is_tls)} if knows_tls else target
