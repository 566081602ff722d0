"""What equipment can do beside being read: optional capabilities of a `ReadingDriver`, as those of miners are."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from hashbus.messages import Setting, SettingValue


@runtime_checkable
class TakesSettings(Protocol):
    """Equipment of which an order can set something. What it does not list is never written."""

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What can be set, within which bounds; empty where its owner lets nothing be set."""
        ...

    async def read_setting(self, name: str) -> SettingValue | None:
        """Ask the device what a setting is now; None when it is nothing that an order could ask for."""
        ...

    async def write_setting(self, name: str, value: SettingValue) -> None:
        """Write a value. The poller checks it against the bounds before, and reads it back after."""
        ...


@runtime_checkable
class KeepsSession(Protocol):
    """A device behind a login that a person may want to be renewed at once (S2.11)."""

    async def refresh_session(self) -> None:
        """Log in anew now, however good the old session is."""
        ...
