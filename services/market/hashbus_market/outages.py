"""What is silent now: told in the status whenever it changes, in the log when it begins and when it ends."""

from __future__ import annotations

from hashbus import logs
from hashbus.health import Health

log = logs.get("market")


class Outages:
    """Notes by a key what does not work."""

    def __init__(self, health: Health) -> None:
        """Everything works so far."""
        self._health = health
        self._silent: set[str] = set()

    def note(self, key: str, problem: str | None) -> None:
        """Note a problem, or that it is over (None)."""
        self._health.report(key, problem)
        if problem is not None and key not in self._silent:
            self._silent.add(key)
            log.warning("silent", what=key, problem=problem)
        elif problem is None and key in self._silent:
            self._silent.discard(key)
            log.info("speaks again", what=key)
