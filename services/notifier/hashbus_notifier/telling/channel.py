"""What every way to people has in common. Whoever imports this loads no library of any of them."""

from __future__ import annotations

from typing import Protocol

from hashbus.messages import Severity

RETRY_S, LONG_RETRY_S = 15.0, 600.0


class NotTold(Exception):
    """People could not be told; the message says why and holds no secret, `retry_s` when it is worth another try."""

    def __init__(self, problem: str, retry_s: float = RETRY_S) -> None:
        """Say why, and when to try again."""
        super().__init__(problem)
        self.retry_s = retry_s


class Channel(Protocol):
    """One way to people."""

    async def tell(self, text: str, severity: Severity) -> None:
        """Tell one message; NotTold when it did not arrive."""
        ...

    async def close(self) -> None:
        """Hang up."""
        ...
