"""Faults that only one family has: the portal's expired sessions, a Bitaxe's overheating."""

from collections.abc import Collection
from typing import Protocol, runtime_checkable


@runtime_checkable
class Symptomatic(Protocol):
    """A device that can show faults of its own, beside those of the network (faults.py)."""

    @property
    def symptom_names(self) -> Collection[str]:
        """The symptoms it knows: further values of `kind` in the control API."""

    def show_symptom(self, name: str, count: int | None) -> None:
        """Show a symptom from now on, for `count` replies or until cleared; it replaces the one shown."""

    def clear_symptoms(self) -> None:
        """Be well again."""
