"""A broker in memory with the promises of the real one: retained state, one writer a topic, outages."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Self

from hashbus.bus import M, Subscription, Switchboard, check_writer
from hashbus.outbox import Outbox, Parcel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from hashbus.messages import Message


class MemoryBroker:
    """Carries messages between the buses that joined it, in the order they were said."""

    def __init__(self) -> None:
        """Start running and empty."""
        self.is_running = True
        self.retained: dict[str, bytes] = {}
        self._buses: list[MemoryBus] = []

    def join(self, bus: MemoryBus) -> None:
        """Let a bus speak and hear."""
        self._buses.append(bus)

    def carry(self, parcel: Parcel) -> None:
        """Keep what is retained, and hand the message to everyone."""
        if parcel.retain and parcel.payload:
            self.retained[parcel.address] = parcel.payload
        elif parcel.retain:
            self.retained.pop(parcel.address, None)
        for bus in self._buses:
            bus.switchboard.hand_out(parcel.address, parcel.payload)

    def stop(self, *, forget: bool = False) -> None:
        """Go away; `forget` loses the retained state, as after kill -9 without persistence."""
        self.is_running = False
        if forget:
            self.retained.clear()

    def start(self) -> None:
        """Come back; every bus asserts its state again and delivers what waited."""
        self.is_running = True
        for bus in self._buses:
            bus.come_back()


class MemoryBus:
    """One service's place on a `MemoryBroker`."""

    def __init__(self, broker: MemoryBroker, account: str, site: str = "home", outbox_messages: int = 10_000) -> None:
        """Join the broker as `account`."""
        self.account = account
        self.site = site
        self.switchboard = Switchboard()
        self._broker = broker
        self._outbox = Outbox(outbox_messages)
        self._said: dict[str, Parcel] = {}
        self._empty = asyncio.Event()
        self._empty.set()
        broker.join(self)

    async def __aenter__(self) -> Self:
        """Nothing to open."""
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Nothing to close."""

    @property
    def is_connected(self) -> bool:
        """Say whether the broker is there right now."""
        return self._broker.is_running

    def publish(self, message: Message) -> None:
        """Say a message; see `Bus.publish`."""
        check_writer(message, self.account, self.site)
        topic = message.topic
        parcel = self._outbox.put(
            message.address(), message.encode(), qos=topic.qos, retain=topic.retain, keep=topic.keep
        )
        if parcel.retain:
            self._said[parcel.address] = parcel
        self._deliver()

    def clear(self, message: Message) -> None:
        """Remove retained state; see `Bus.clear`."""
        check_writer(message, self.account, self.site)
        self._outbox.put(message.address(), b"", qos=1, retain=True, keep=message.topic.keep)
        self._said.pop(message.address(), None)
        self._deliver()

    def disown(self, addresses: Iterable[str]) -> None:
        """Leave retained state to another writer; see `Bus.disown`."""
        for address in addresses:
            self._said.pop(address, None)

    def come_back(self) -> None:
        """Assert everything again after an outage."""
        waiting = {parcel.address for parcel in self._outbox.waiting()}
        for address, parcel in self._said.items():
            if address not in waiting:
                self._outbox.put(address, parcel.payload, qos=parcel.qos, retain=True, keep=parcel.keep)
        self._deliver()

    def _deliver(self) -> None:
        self._empty.clear()
        while self._broker.is_running and self._outbox.has_waiting():
            parcel = self._outbox.take()
            self._outbox.confirm(parcel)
            self._broker.carry(parcel)
        if not len(self._outbox):
            self._empty.set()

    async def flush(self) -> None:
        """Wait until the broker has everything said so far."""
        await self._empty.wait()

    @contextlib.asynccontextmanager
    async def subscribe(self, *types: type[M], **levels: str) -> AsyncIterator[Subscription[M]]:
        """Hear messages of these types; see `Bus.subscribe`."""
        subscription = Subscription(types, levels)
        private = Switchboard()
        private.add(subscription)
        for address, payload in list(self._broker.retained.items()):
            private.hand_out(address, payload)
        self.switchboard.add(subscription)
        try:
            yield subscription
        finally:
            self.switchboard.subscriptions.remove(subscription)
