"""What happened, for people: one line an event."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

KEPT = 500


class Tone(StrEnum):
    """How an event is meant."""

    NEUTRAL = "neutral"
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: when, to whom, what."""

    at: datetime
    who: str
    text: str
    tone: Tone = Tone.NEUTRAL


@dataclass
class Events:
    """The last events, and who wants to hear of new ones."""

    kept: deque[Event] = field(default_factory=lambda: deque(maxlen=KEPT))
    on_event: Callable[[Event], None] | None = None

    def add(self, event: Event) -> None:
        """Note an event."""
        self.kept.append(event)
        if self.on_event:
            self.on_event(event)
