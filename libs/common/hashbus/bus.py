"""The bus as a service sees it: say a message, hear the messages of a type."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from hashbus import logs, metrics
from hashbus.messages import VOCABULARY, BadMessage, Message

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractAsyncContextManager

M = TypeVar("M", bound=Message)

log = logs.get("bus")


class NotTheWriter(PermissionError):
    """A service tried to say what only another may say."""


class Bus(Protocol):
    """One service's place on the bus."""

    account: str
    site: str

    @property
    def is_connected(self) -> bool:
        """Say whether the broker is there right now."""
        ...

    def publish(self, message: Message) -> None:
        """Say a message. It returns at once and waits for nothing; delivery goes on in the background.

        Raises NotTheWriter when this service may not write that topic, ValueError when it is of another site.
        """
        ...

    def clear(self, message: Message) -> None:
        """Remove the retained state at the address of `message` from the broker."""
        ...

    def disown(self, addresses: Iterable[str]) -> None:
        """Leave retained state to another writer: it stays on the broker, and is not asserted again from here."""
        ...

    async def flush(self) -> None:
        """Wait until the broker has confirmed everything said so far."""
        ...

    def subscribe(self, *types: type[M], **levels: str) -> AbstractAsyncContextManager[Subscription[M]]:
        """Hear messages of these types, retained ones first; `levels` narrow it (`miner="attic"`)."""
        ...


class Subscription(Generic[M]):
    """What one reader has heard and not yet read, in order.

    It is bounded: at the bound the oldest is dropped and counted, because a reader that is that far behind is better
    served with what is true now.
    """

    def __init__(self, types: tuple[type[M], ...], levels: dict[str, str], bound: int = 50_000) -> None:
        """Wait for messages of `types` whose topic levels are as in `levels`."""
        self.types = types
        self.levels = levels
        self.dropped = 0
        self._bound = bound
        self._waiting: deque[M] = deque()
        self._arrival = asyncio.Event()

    def wants(self, kind: type[Message], levels: dict[str, str]) -> bool:
        """Say whether a message of this type at this address is for this reader."""
        return kind in self.types and all(levels.get(name) == value for name, value in self.levels.items())

    def put(self, message: M) -> None:
        """Hand over one message."""
        if len(self._waiting) >= self._bound:
            self._waiting.popleft()
            self.dropped += 1
            metrics.BUS_INBOX_DROPPED.inc()
        self._waiting.append(message)
        self._arrival.set()

    def filters(self, site: str) -> set[str]:
        """Return the MQTT filters that bring what this reader wants."""
        return {kind.topic.filter(site=site, **self._levels_of(kind)) for kind in self.types}

    def _levels_of(self, kind: type[Message]) -> dict[str, str]:
        return {name: value for name, value in self.levels.items() if name in kind.topic.levels}

    def __len__(self) -> int:
        """Return how many messages wait to be read."""
        return len(self._waiting)

    def __aiter__(self) -> Subscription[M]:
        """Read for ever: `async for message in subscription`."""
        return self

    async def __anext__(self) -> M:
        """Return the next message, waiting for it."""
        while not self._waiting:
            self._arrival.clear()
            await self._arrival.wait()
        return self._waiting.popleft()

    async def next(self, timeout_s: float) -> M | None:
        """Return the next message, or None when none came in `timeout_s` seconds."""
        if not self._waiting:
            self._arrival.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._arrival.wait()
        return self._waiting.popleft() if self._waiting else None

    def drain(self) -> list[M]:
        """Return everything that waits, without waiting."""
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting


@lru_cache(maxsize=65_536)
def whose(address: str) -> tuple[type[Message], tuple[tuple[str, str], ...]] | None:
    """Return the message class and the levels of a topic name; None when it is not in the table.

    A site's topics are few and come again and again, so the answer is remembered.
    """
    for kind in VOCABULARY:
        levels = kind.topic.matches(address)
        if levels is not None:
            return kind, tuple(levels.items())
    return None


def check_writer(message: Message, account: str, site: str) -> None:
    """Refuse what this service may not say: the broker would drop it without a word."""
    if message.site != site:
        raise ValueError(f"{type(message).__name__} is of site {message.site!r}, this bus is of {site!r}")
    if not message.topic.may_write(account, message.levels()):
        writers = ", ".join(message.topic.writers)
        raise NotTheWriter(f"{account} may not write {message.address()}; only {writers} may")


class Switchboard:
    """Gives each message that arrives to the readers that want it, decoded once."""

    def __init__(self, *, keeps_unclaimed: bool = False) -> None:
        """Start with no readers; `keeps_unclaimed` holds what arrives before its reader does, until `settle`."""
        self.subscriptions: list[Subscription] = []  # type: ignore[type-arg]
        self._bad: set[str] = set()
        self._unclaimed: deque[tuple[str, bytes]] | None = deque(maxlen=50_000) if keeps_unclaimed else None

    def add(self, subscription: Subscription[M]) -> None:
        """Let a reader hear from now on, and what arrived for it before it was there."""
        self.subscriptions.append(subscription)
        early, self._unclaimed = self._unclaimed, None if self._unclaimed is None else deque(maxlen=50_000)
        for address, payload in early or ():
            self.hand_out(address, payload)

    def settle(self) -> None:
        """Forget what nobody claimed: all readers are there by now."""
        self._unclaimed = None

    def hand_out(self, address: str, payload: bytes) -> None:
        """Deliver one arrival.

        An empty payload is a topic that was cleared; what does not decode is counted and dropped.
        """
        known = whose(address)
        if known is None or not payload:
            return
        kind, pairs = known
        levels = dict(pairs)
        readers = [one for one in self.subscriptions if one.wants(kind, levels)]
        if not readers:
            if self._unclaimed is not None:
                self._unclaimed.append((address, payload))
            return
        try:
            message = kind.decode(payload, address)
        except BadMessage as error:
            self._refuse(kind, address, error)
            return
        self._bad.discard(address)
        metrics.BUS_RECEIVED.labels(kind.__name__).inc()
        for reader in readers:
            reader.put(message)

    def _refuse(self, kind: type[Message], address: str, error: BadMessage) -> None:
        metrics.BUS_BAD_MESSAGES.labels(kind.__name__).inc()
        if address not in self._bad and len(self._bad) < 1_000:
            # Once per outage of a sender, not once per message.
            self._bad.add(address)
            log.warning("message refused", topic=address, problem=error.problem)
