"""What is asked of the Hive API: pure functions from an intention to method, path and JSON (Hive OS API 2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Command:
    """One request below `/farms/{farm}/workers/{worker}`."""

    method: str
    path: str = ""
    body: Mapping[str, object] | None = None

    @property
    def title(self) -> str:
        """What an error calls it."""
        name = (self.body or {}).get("command", "worker")
        return f"{self.method} {name}"


def _order(command: str, **data: object) -> Command:
    return Command("POST", "/command", MappingProxyType({"command": command, "data": data}))


WORKER = Command("GET")
"""All about the worker: what it is, and what it last said."""

START = _order("miner", action="start")
STOP = _order("miner", action="stop")
RESTART = _order("miner", action="restart")
REBOOT = _order("reboot")
