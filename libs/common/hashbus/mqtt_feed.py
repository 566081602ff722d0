"""What others say on a broker: topics that are no messages of ours, such as a plug's or a boiler's."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiomqtt
from aiomqtt.exceptions import MqttConnectError

from hashbus import logs
from hashbus.backoff import Backoff
from hashbus.mqtt_client import Client, new_client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from datetime import datetime

    from hashbus.clock import Clock
    from hashbus.settings import BrokerSettings

log = logs.get("feed")

LARGEST_PAYLOAD = 1 << 20
"""Bytes; what is longer is no reading."""

BAD_CREDENTIALS = (4, 5, 134, 135)
"""CONNACK codes of MQTT 3.1.1 (4, 5) and as paho translates them to 5.0."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came last on a topic. A retained message was said at a time that nobody knows, so it only `at` arrived."""

    payload: bytes
    at: datetime
    at_s: float
    """The same on the clock that never goes back."""
    is_retained: bool


class Feed:
    """One connection to a broker for everybody who wants to hear something there.

    It is open while anything is wanted. `problem` says why there is none, `is_denied` that the broker does not let us
    in, `is_refused` that nobody listens at its address.
    """

    def __init__(self, broker: BrokerSettings, clock: Clock, *, largest_bytes: int = LARGEST_PAYLOAD) -> None:
        """Connect with the first `want`; what is longer than `largest_bytes` is not kept."""
        self._largest_bytes = largest_bytes
        self._broker = broker
        self._clock = clock
        self._wanted: Counter[str] = Counter()
        self._said: dict[tuple[str, bool], Heard] = {}
        self._news = asyncio.Condition()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.problem: str | None = "not connected yet"
        self.is_denied = False
        self.is_refused = False

    def want(self, topics: Iterable[str]) -> None:
        """Begin to hear topics, for the time between this and `leave`."""
        self._wanted.update(topics)
        self._changed.set()
        if self._task is None:
            self._task = asyncio.create_task(self._stay_connected(), name=f"feed from {self._broker.address}")

    async def leave(self, topics: Iterable[str]) -> None:
        """Stop hearing topics; whoever leaves last closes the connection."""
        self._wanted.subtract(topics)
        for topic in [topic for topic, count in self._wanted.items() if count <= 0]:
            del self._wanted[topic]
            for is_retained in (True, False):
                self._said.pop((topic, is_retained), None)
        self._changed.set()
        if not self._wanted and self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self.problem = "not connected yet"

    def heard(self, topic: str) -> Heard | None:
        """Return what was said on a topic while we listened."""
        return self._said.get((topic, False))

    def retained(self, topic: str) -> Heard | None:
        """Return what the broker had kept of a topic when we came."""
        return self._said.get((topic, True))

    async def news(self) -> None:
        """Wait until something has come, or the connection is another."""
        async with self._news:
            await self._news.wait()

    async def _stay_connected(self) -> None:
        backoff = Backoff(first_s=0.25, longest_s=15)
        while True:
            try:
                async with connection(self._broker) as client:
                    backoff.reset()
                    await self._is_well(None)
                    log.info("listening on a broker", broker=self._broker.address)
                    await self._listen(client)
            except* (aiomqtt.MqttError, OSError) as group:
                await self._is_well(group)
            await asyncio.sleep(backoff.next_s())

    async def _listen(self, client: aiomqtt.Client) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._subscribe(client))
            async for message in client.messages:
                payload = bytes(message.payload)
                if str(message.topic) in self._wanted and len(payload) <= self._largest_bytes:
                    heard = Heard(payload, self._clock.now(), self._clock.monotonic(), bool(message.retain))
                    self._said[str(message.topic), heard.is_retained] = heard
                    await self._tell()

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        """Ask for what is wanted, and again whenever that changes."""
        asked: set[str] = set()
        while True:
            self._changed.clear()
            wanted = set(self._wanted)
            if new := sorted(wanted - asked):
                await client.subscribe([(topic, 1) for topic in new])
            if gone := sorted(asked - wanted):
                await client.unsubscribe(gone)
            asked = wanted
            await self._changed.wait()

    async def _is_well(self, group: BaseExceptionGroup[Exception] | None) -> None:
        """Note how the connection is; an outage is logged when it begins."""
        error: BaseException | None = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        code = getattr(error, "rc", None)
        self.is_denied = isinstance(error, MqttConnectError) and getattr(code, "value", code) in BAD_CREDENTIALS
        self.is_refused = "refused" in str(error).lower() and not self.is_denied
        was_well = self.problem is None
        self.problem = None if error is None else str(error) or type(error).__name__
        if was_well and self.problem:
            log.warning("no broker to listen to", broker=self._broker.address, problem=self.problem)
        await self._tell()

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()


@contextlib.asynccontextmanager
async def connection(broker: BrokerSettings) -> AsyncIterator[Client]:
    """Connect to a broker for a visit that leaves no trace, and disconnect.

    aiomqtt connects in a thread; whoever is cancelled meanwhile has to see it to its end, or the socket stays open.
    """
    client = new_client(broker, client_id=None, will=None, window=20)
    entering = asyncio.ensure_future(client.__aenter__())
    try:
        await asyncio.shield(entering)
    except asyncio.CancelledError:
        with contextlib.suppress(aiomqtt.MqttError):
            await entering
            await client.__aexit__(None, None, None)
        raise
    try:
        yield client
    finally:
        with contextlib.suppress(aiomqtt.MqttError):
            await client.__aexit__(None, None, None)
