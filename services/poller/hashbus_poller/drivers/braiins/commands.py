"""What is asked of Braiins OS: pure functions from an intention to method, path and JSON (PROTOCOLS.md 3.9).

`GET miner/status` is not among them: its answer never ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

BASE = "/api/v1/"


@dataclass(frozen=True, slots=True)
class Command:
    """One request below `/api/v1/`. The body may hold a password and is never shown."""

    method: str
    path: str
    body: Any = field(default=None, repr=False)
    has_secrets: bool = False
    """The answer holds a token or a pool's password."""
    may_hang_up: bool = False

    @property
    def title(self) -> str:
        """What an error calls it."""
        return f"{self.method} {BASE}{self.path}"


DETAILS = Command("GET", "miner/details")
STATS = Command("GET", "miner/stats")
HASHBOARDS = Command("GET", "miner/hw/hashboards")
COOLING = Command("GET", "cooling/state")
TUNER = Command("GET", "performance/tuner-state")
POOLS = Command("GET", "pools/")
ERRORS = Command("GET", "miner/errors")
CONSTRAINTS = Command("GET", "configuration/constraints")
CONFIGURATION = Command("GET", "configuration/miner", has_secrets=True)

PAUSE = Command("PUT", "actions/pause")
RESUME = Command("PUT", "actions/resume")
START = Command("PUT", "actions/start")
RESTART = Command("PUT", "actions/restart")
REBOOT = Command("PUT", "actions/reboot", may_hang_up=True)


def log_in(username: str, password: str) -> Command:
    """Ask for a token; whoever has it may do everything."""
    return Command("POST", "auth/login", {"username": username, "password": password}, has_secrets=True)


def set_power_target(power_w: int, *, is_tuner_on_power: bool) -> Command:
    """Tune to a power. A miner that is tuned to a hashrate, or not at all, is switched to power first."""
    target = {"watt": power_w}
    if is_tuner_on_power:
        return Command("PUT", "performance/power-target", target)
    mode = {"tunermode": {"target": {"powertarget": {"power_target": target}}}}
    return Command("PUT", "performance/mode", mode)


def set_fan(fan_pct: float | None, target_c: float | None) -> Command:
    """Hold the fans, or give them back to the firmware, which then keeps the chips at `target_c`."""
    if fan_pct is not None:
        return Command("PUT", "cooling/mode", {"manual": {"fan_speed_ratio": round(fan_pct / 100, 3)}})
    auto = {} if target_c is None else {"target_temperature": {"degree_c": target_c}}
    return Command("PUT", "cooling/mode", {"auto": auto})


def set_pools(groups: Iterable[dict[str, Any]]) -> Command:
    """Replace all groups of pools at once; what is not in the list is gone."""
    return Command("PUT", "pools/batch", list(groups), has_secrets=True)


def blink(*, on: bool) -> Command:
    """Let the lights tell which miner it is, or stop."""
    return Command("PUT", "actions/locate", on)
