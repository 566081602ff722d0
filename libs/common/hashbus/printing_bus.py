"""The bus of a dry run: it prints what would be said and hears nothing."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from hashbus.bus import M, Subscription, check_writer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from hashbus.messages import Message


class PrintingBus:
    """Says everything to standard output, one line `topic payload` each, as `mosquitto_sub -v` shows it."""

    is_connected = True

    def __init__(self, site: str, account: str) -> None:
        """Print for `account` of `site`."""
        self.site = site
        self.account = account

    def publish(self, message: Message) -> None:
        """Print a message; refused like on the real bus."""
        check_writer(message, self.account, self.site)
        self._print(message.address(), message.encode().decode())

    def clear(self, message: Message) -> None:
        """Print that a topic would be cleared."""
        check_writer(message, self.account, self.site)
        self._print(message.address(), "(cleared)")

    def disown(self, addresses: Iterable[str]) -> None:
        """Nothing is asserted again by who prints."""

    def _print(self, address: str, what: str) -> None:
        sys.stdout.write(f"{address} {what}\n")
        sys.stdout.flush()

    async def flush(self) -> None:
        """Nothing waits."""

    @contextlib.asynccontextmanager
    async def subscribe(self, *types: type[M], **levels: str) -> AsyncIterator[Subscription[M]]:
        """Hear nothing."""
        yield Subscription(types, levels)
