"""What is asked of VNish: pure functions from an intention to method, path and JSON (PROTOCOLS.md 3.10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

BASE = "/api/v1/"


@dataclass(frozen=True, slots=True)
class Command:
    """One request below `/api/v1/`. The body may hold a password and is never shown."""

    method: str
    path: str
    body: Any = field(default=None, repr=False)
    needs_login: bool = True
    has_secrets: bool = False
    """The answer holds a token or the passwords of pools."""
    may_hang_up: bool = False

    @property
    def title(self) -> str:
        """What an error calls it."""
        return f"{self.method} {BASE}{self.path}"


INFO = Command("GET", "info", needs_login=False)
MODEL = Command("GET", "model", needs_login=False)
FACTORY_INFO = Command("GET", "chains/factory-info", needs_login=False)
SUMMARY = Command("GET", "summary", needs_login=False)
PERF_SUMMARY = Command("GET", "perf-summary", needs_login=False)
STATUS = Command("GET", "status", needs_login=False)
PRESETS = Command("GET", "autotune/presets")
SETTINGS = Command("GET", "settings", has_secrets=True)

START = Command("POST", "mining/start")
STOP = Command("POST", "mining/stop")
RESTART = Command("POST", "mining/restart")
REBOOT = Command("POST", "system/reboot", may_hang_up=True)


def unlock(password: str) -> Command:
    """Ask for a token."""
    return Command("POST", "unlock", {"pw": password}, needs_login=False, has_secrets=True)


def set_preset(overclock: Mapping[str, Any], name: str) -> Command:
    """Save another preset, the rest of the overclocking as it is.

    Where the firmware itself changes presets by temperature, that one becomes the highest it may go to: a power limit
    must hold.
    """
    wanted = {**overclock, "preset": name}
    switcher = overclock.get("preset_switcher")
    if isinstance(switcher, dict) and switcher.get("enabled") is True:
        wanted["preset_switcher"] = {**switcher, "top_preset": name}
    return save({"overclock": wanted})


def set_pools(pools: Sequence[Mapping[str, str]]) -> Command:
    """Save the list of pools; what is not in it is gone."""
    return save({"pools": list(pools)})


def set_fan(fan_pct: float | None, target_c: float) -> Command:
    """Hold the fans, or give them back to the firmware, which then keeps the chips at `target_c`."""
    mode = {"name": "auto", "param": round(target_c)}
    if fan_pct is not None:
        mode = {"name": "manual", "param": round(fan_pct)}
    return save({"cooling": {"mode": mode}})


def save(part: Mapping[str, Any]) -> Command:
    """Save a part of the miner's settings; the reply says whether that needs a restart."""
    return Command("POST", "settings", {"miner": dict(part)})


def switch_pool(number: int) -> Command:
    """Mine for one of the pools that are set, at once."""
    return Command("POST", "mining/switch-pool", {"pool_id": number})


def throttle(percent: int) -> Command:
    """Run at so many per cent of the preset's power, without a restart (1.3.3 and newer)."""
    return Command("POST", "mining/throttle", {"percent": percent})


def blink(*, on: bool) -> Command:
    """Let the lights tell which miner it is, or stop."""
    return Command("POST", "find-miner", {"on": on})
