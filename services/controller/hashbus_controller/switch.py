"""Whether automatic control is on (S2.8): who switched it, since when, and when it switches back by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from hashbus.messages import ControlRequest, ControlState

OFF_AT_FIRST = "off until somebody switches it on"


@dataclass(frozen=True, slots=True)
class Switch:
    """The switch as it stands."""

    is_enabled: bool = False
    by: str | None = None
    why: str = OFF_AT_FIRST
    since: datetime | None = None
    until: datetime | None = None

    @property
    def words(self) -> str:
        """Say how it stands, for a decision."""
        by = f" by {self.by}" if self.by else ""
        why = f": {self.why}" if self.why else ""
        until = f", until {self.until:%Y-%m-%d %H:%M} UTC" if self.until else ""
        return f"automatic control is switched {'on' if self.is_enabled else 'off'}{by}{until}{why}"


def first(auto_control: str) -> Switch:
    """Return how it stands at a start, by the option `auto_control`."""
    if auto_control == "remembered":
        return Switch()
    return Switch(is_enabled=auto_control == "enabled", why="by the settings of the site, at its start")


def asked(switch: Switch, request: ControlRequest) -> Switch:
    """Follow a request unless a newer one was followed before; requests are retained and come again at each start."""
    if switch.since is not None and request.at <= switch.since:
        return switch
    return Switch(request.is_enabled, request.source, request.why, request.at, request.until)


def turned(switch: Switch, now: datetime) -> Switch:
    """Switch back when its time is over."""
    if switch.until is None or now < switch.until:
        return switch
    why = f"its time ended, as {switch.by} asked"
    return replace(switch, is_enabled=not switch.is_enabled, until=None, why=why)


def recalled(memory: ControlState) -> Switch:
    """Take back how it stood in an earlier run."""
    since, until = memory.enabled_since or memory.at, memory.enabled_until
    return Switch(memory.is_enabled, memory.enabled_by, memory.enabled_why or "", since, until)
