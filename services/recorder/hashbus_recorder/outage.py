"""Something the recorder needs that is away: told once when it goes and when it is back, tried again with pauses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashbus import logs
from hashbus.backoff import Backoff

if TYPE_CHECKING:
    from datetime import datetime

    from hashbus.clock import Clock

log = logs.get("recording")


class Outage:
    """Whether `what` is away, since when, why, and whether it may be tried again now."""

    def __init__(self, what: str, clock: Clock) -> None:
        """It is there until `begin` says otherwise."""
        self._what = what
        self._clock = clock
        self._backoff = Backoff(first_s=1, longest_s=30)
        self._since: datetime | None = None
        self._retry_at_s = 0.0
        self.problem: str | None = None

    @property
    def may_try(self) -> bool:
        """Say whether it is there, or away for long enough to look again."""
        return self.problem is None or self._clock.monotonic() >= self._retry_at_s

    def begin(self, problem: str) -> None:
        """Note that it was tried in vain."""
        if self.problem is None:
            self._since = self._clock.now()
            log.warning("away", what=self._what, problem=problem)
        self.problem = problem
        self._retry_at_s = self._clock.monotonic() + self._backoff.next_s()

    def end(self) -> None:
        """Note that it works."""
        if self.problem is None or self._since is None:
            return
        log.info("back", what=self._what, away_s=round((self._clock.now() - self._since).total_seconds()))
        self.problem = None
        self._backoff.reset()
