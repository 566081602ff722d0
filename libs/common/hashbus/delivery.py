"""What a service says on its way to the broker: a bounded number of messages at once, each until it is confirmed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hashbus import metrics
from hashbus.mqtt_client import ACK_TIMEOUT_S, Unconfirmed

if TYPE_CHECKING:
    from hashbus.mqtt_client import Client
    from hashbus.outbox import Outbox, Parcel

WINDOW = 100
"""Messages in flight at once: enough to fill a loopback or a LAN, few enough to repeat after a lost connection."""


class Delivery:
    """Sends what waits in an outbox over one connection, for as long as that holds."""

    def __init__(self, client: Client, outbox: Outbox, empty: asyncio.Event) -> None:
        """Send by `client`; `empty` is set whenever everything in the outbox is confirmed."""
        self._client = client
        self._outbox = outbox
        self._empty = empty
        self._in_flight: dict[int, Parcel] = {}
        self._room = asyncio.Event()
        client.confirmed = self._arrived

    async def run(self, news: asyncio.Event) -> None:
        """Send for ever; `news` tells that something waits."""
        while True:
            while self._outbox.has_waiting():
                if len(self._in_flight) >= WINDOW:
                    self._room.clear()
                    await self._room.wait()
                self._send(self._outbox.take())
            news.clear()
            metrics.BUS_OUTBOX.set(len(self._outbox))
            await news.wait()

    async def watch(self) -> None:
        """Give up a connection on which nothing is confirmed any more; Unconfirmed then.

        One watch for all: a time-out for each message would take a third of the time of sending it.
        """
        before: Parcel | None = None
        while True:
            await asyncio.sleep(ACK_TIMEOUT_S)
            oldest = self._outbox.oldest_in_flight()
            if oldest is not None and oldest is before:
                raise Unconfirmed(f"the broker has not confirmed a message for {ACK_TIMEOUT_S:g} s")
            before = oldest

    def _send(self, parcel: Parcel) -> None:
        number = self._client.send(parcel)
        if parcel.qos:
            self._in_flight[number] = parcel
        else:
            self._confirm(parcel)

    def _arrived(self, number: int) -> None:
        # What nobody confirms (QoS 0) is reported as sent, before its number is known here.
        parcel = self._in_flight.pop(number, None)
        if parcel is not None:
            self._confirm(parcel)
        self._room.set()

    def _confirm(self, parcel: Parcel) -> None:
        self._outbox.confirm(parcel)
        metrics.BUS_PUBLISHED.labels(parcel.kind).inc()
        if not len(self._outbox):
            self._empty.set()
