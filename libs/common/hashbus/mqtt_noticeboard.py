"""A notice board on a broker: retained notices that others read, and what they say, on topics that are not ours."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import aiomqtt

from hashbus import logs, metrics
from hashbus.backoff import Backoff
from hashbus.mqtt_feed import connection
from hashbus.outbox import Parcel
from hashbus.topics import Keep

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hashbus.mqtt_client import Client
    from hashbus.settings import BrokerSettings

log = logs.get("noticeboard")

LARGEST_PAYLOAD = 1 << 20
"""Bytes; what is longer is meant for somebody else."""

WINDOW = 20
"""Notices under way at once."""

LONGEST_QUEUE = 10_000
"""Heard and not yet read; at the bound the oldest is dropped and counted."""

FAREWELL_S = 2.0


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody said on a topic; `is_retained` when the broker had kept it from before."""

    topic: str
    payload: bytes
    is_retained: bool


class Noticeboard:
    """One connection that keeps its notices pinned, whatever happens to the broker, and hears some filters.

    The notices are a wish, not a queue: after each new connection all of them are pinned again, and one that was
    replaced meanwhile is pinned once. Use it as `async with Noticeboard(...) as board`.
    """

    def __init__(self, broker: BrokerSettings, hears: Iterable[str]) -> None:
        """Connect with `async with`; `hears` are the filters of what to listen to."""
        self._broker = broker
        self._hears = tuple(hears)
        self._pinned: dict[str, bytes] = {}
        self._due: dict[str, bytes] = {}
        self._news = asyncio.Event()
        self._is_done = asyncio.Event()
        self._is_done.set()
        self._heard: asyncio.Queue[Said] = asyncio.Queue(LONGEST_QUEUE)
        self._task: asyncio.Task[None] | None = None
        self.problem: str | None = "not connected yet"

    async def __aenter__(self) -> Self:
        """Begin to keep a connection; returns at once, broker or not."""
        self._task = asyncio.create_task(self._stay_connected(), name="noticeboard")
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Disconnect; what is pinned stays pinned, that is what retained notices are for."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_S if self.problem is None else 0):
                await self._is_done.wait()
        if self._task:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=FAREWELL_S)

    def pinned(self, topic: str) -> bytes | None:
        """Return what is pinned on a topic."""
        return self._pinned.get(topic)

    def pin(self, topic: str, payload: bytes) -> None:
        """Put a notice on a topic, in place of the one before; an empty one takes it down."""
        if payload:
            self._pinned[topic] = payload
        else:
            self._pinned.pop(topic, None)
        # Behind what already waits: a notice that is replaced goes out as it is now, and once.
        self._due.pop(topic, None)
        self._due[topic] = payload
        self._is_done.clear()
        self._news.set()

    def pin_again(self) -> None:
        """Pin every notice once more, for a reader that asks for it."""
        for topic, payload in list(self._pinned.items()):
            self.pin(topic, payload)

    async def done(self) -> None:
        """Wait until the broker has confirmed every notice."""
        await self._is_done.wait()

    async def heard(self, timeout_s: float) -> Said | None:
        """Return what was said next, or None when nothing was in so many seconds."""
        if not self._heard.empty():
            return self._heard.get_nowait()
        try:
            async with asyncio.timeout(timeout_s):
                return await self._heard.get()
        except TimeoutError:
            return None

    async def _stay_connected(self) -> None:
        backoff = Backoff(first_s=0.25, longest_s=15)
        while True:
            try:
                async with connection(self._broker) as client:
                    backoff.reset()
                    self.problem = None
                    await self._serve(client)
            except* (aiomqtt.MqttError, OSError) as group:
                self._is_lost(group)
            await asyncio.sleep(backoff.next_s())

    async def _serve(self, client: Client) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(client))
            if self._hears:
                await client.subscribe([(one, 1) for one in self._hears])
            self._due = {**self._pinned, **self._due}
            tasks.create_task(self._write(client))

    async def _listen(self, client: Client) -> None:
        async for message in client.messages:
            payload = bytes(message.payload)
            if len(payload) > LARGEST_PAYLOAD:
                continue
            if self._heard.full():
                self._heard.get_nowait()
                metrics.BUS_INBOX_DROPPED.inc()
            self._heard.put_nowait(Said(str(message.topic), payload, bool(message.retain)))

    async def _write(self, client: Client) -> None:
        """Send what is due; what is confirmed and was not replaced meanwhile is due no more."""
        in_flight: dict[int, Parcel] = {}

        def confirm(number: int) -> None:
            parcel = in_flight.pop(number)
            if self._due.get(parcel.address) is parcel.payload:
                del self._due[parcel.address]
            self._news.set()

        client.confirmed = confirm
        while True:
            self._news.clear()
            under_way = {parcel.address for parcel in in_flight.values()}
            for topic in [one for one in self._due if one not in under_way][: WINDOW - len(in_flight)]:
                parcel = Parcel(0, topic, self._due[topic], qos=1, retain=True, keep=Keep.LATEST, kind="notice")
                in_flight[client.send(parcel)] = parcel
            if not self._due:
                self._is_done.set()
            await self._news.wait()

    def _is_lost(self, group: BaseExceptionGroup[Exception]) -> None:
        """Note why there is no connection; an outage is logged when it begins."""
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        was_well = self.problem is None
        self.problem = str(error) or type(error).__name__
        if was_well:
            log.warning("no broker for notices; trying again", broker=self._broker.address, problem=self.problem)
