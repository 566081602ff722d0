"""What a decision is: a pure step from what is known and heard to what is known then, and what is said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from hashbus.messages import Message

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed and nothing was heard."""


TICK = Tick()


class Step(Protocol[State]):
    """A decision: what is known, what was heard and when; out come what is known now and what to say."""

    def __call__(self, state: State, heard: Message | Tick, now: datetime) -> tuple[State, Iterable[Message]]:
        """Decide. No clock, socket or logger inside."""
        ...
