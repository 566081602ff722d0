"""The bus over a real broker: MQTT 3.1.1 through aiomqtt, so that every broker carries it.

One task keeps a connection, for ever. Each connection asserts everything again: the last will, the status, all
subscriptions and all retained state that this service has said, so that a broker that lost its memory has it back
within seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Self

import aiomqtt
from aiomqtt.exceptions import MqttConnectError

from hashbus import logs, metrics
from hashbus.backoff import Backoff
from hashbus.bus import M, Subscription, Switchboard, check_writer
from hashbus.clock import SYSTEM_CLOCK
from hashbus.delivery import WINDOW, Delivery
from hashbus.mqtt_client import Client, new_client
from hashbus.outbox import Outbox, Parcel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from hashbus.messages import Message
    from hashbus.settings import BrokerSettings

log = logs.get("bus")

SETTLED_AFTER_S = 30.0
"""By then a service that started has subscribed to all it wants to hear."""

LASTING_S = 5.0
"""A connection that held so long was a good one: the next outage begins with a short wait."""

FAREWELL_S = 2.0
"""A broker that has just died must not hold up whoever leaves."""

BAD_CREDENTIALS = (4, 5, 134, 135)
"""CONNACK codes of MQTT 3.1.1 (4, 5) and as paho translates them to 5.0."""


class MqttBus:
    """One service's place on a real broker. Use it as `async with MqttBus(...) as bus`."""

    def __init__(
        self,
        broker: BrokerSettings,
        *,
        site: str,
        account: str,
        status: Callable[[bool], Message] | None = None,
        client_id: str | None = None,
    ) -> None:
        """Prepare the bus of `account`.

        `status(is_online)` makes the message that is said at connect and left as
        last will.

        With a `client_id` the broker keeps what arrives while the service is away; without, the visit leaves no trace.
        """
        self.site = site
        self.account = account
        self._broker = broker
        self._status = status
        self._client_id = client_id
        self._outbox = Outbox(broker.outbox_messages)
        self._said: dict[str, Parcel] = {}
        self._switchboard = Switchboard(keeps_unclaimed=client_id is not None)
        self._filters: dict[str, int] = {}
        self._client: Client | None = None
        self._news = asyncio.Event()
        self._is_there = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._task: asyncio.Task[None] | None = None
        self._owner: asyncio.Task[object] | None = None

    @property
    def is_connected(self) -> bool:
        """Say whether the broker is there right now."""
        return self._client is not None

    async def __aenter__(self) -> Self:
        """Begin to keep a connection; returns at once, broker or not."""
        self._owner = asyncio.current_task()
        self._task = asyncio.create_task(self._stay_connected(), name="bus")
        self._task.add_done_callback(self._ended)
        asyncio.get_running_loop().call_later(SETTLED_AFTER_S, self._switchboard.settle)
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Say goodbye, wait shortly until everything is delivered, and disconnect."""
        if self.is_connected:
            if self._status:
                self.publish(self._status(False))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    await self.flush()
        if self._task and not self._task.done():
            self._task.cancel()
            # The client library waits long for a broker that does not say goodbye; a service that ends does not.
            await asyncio.wait({self._task}, timeout=FAREWELL_S)
        elif self._task and not self._task.cancelled():
            self._task.result()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Bring down the service with a bus that crashed: it must not go on deaf and dumb."""
        if not task.cancelled() and task.exception() and self._owner:
            self._owner.cancel()

    def publish(self, message: Message) -> None:
        """Say a message; see `Bus.publish`."""
        check_writer(message, self.account, self.site)
        topic, kind = message.topic, type(message).__name__
        self._put(message.address(), message.encode(), qos=topic.qos, retain=topic.retain, keep=topic.keep, kind=kind)

    def clear(self, message: Message) -> None:
        """Remove the retained state at the address of `message`; see `Bus.clear`."""
        check_writer(message, self.account, self.site)
        self._put(message.address(), b"", qos=1, retain=True, keep=message.topic.keep, kind=type(message).__name__)
        self._said.pop(message.address(), None)

    def disown(self, addresses: Iterable[str]) -> None:
        """Leave retained state to another writer; see `Bus.disown`."""
        for address in addresses:
            self._said.pop(address, None)

    def _put(self, address: str, payload: bytes, **how: Any) -> None:
        dropped = self._outbox.dropped
        parcel = self._outbox.put(address, payload, **how)
        if parcel.retain:
            self._said[address] = parcel
        if self._outbox.dropped > dropped:
            metrics.BUS_OUTBOX_DROPPED.inc(self._outbox.dropped - dropped)
            if dropped == 0:
                log.error("outbox full: the oldest readings are dropped", bound=self._outbox.bound)
        self._empty.clear()
        self._news.set()

    async def connected(self) -> None:
        """Wait until the broker is there."""
        await self._is_there.wait()

    async def flush(self) -> None:
        """Wait until the broker has confirmed everything said so far."""
        await self._empty.wait()

    @contextlib.asynccontextmanager
    async def subscribe(self, *types: type[M], **levels: str) -> AsyncIterator[Subscription[M]]:
        """Hear messages of these types; see `Bus.subscribe`."""
        subscription = Subscription(types, levels)
        filters = subscription.filters(self.site)
        self._switchboard.add(subscription)
        for one in filters:
            self._filters[one] = self._filters.get(one, 0) + 1
        if self._client:
            await self._ask(self._client, filters)
        try:
            yield subscription
        finally:
            self._switchboard.subscriptions.remove(subscription)
            await self._forget(filters)

    async def _ask(self, client: aiomqtt.Client, filters: set[str]) -> None:
        """Subscribe; a connection that fails here fails for the connection task too, which asks again."""
        if not filters:
            return
        with contextlib.suppress(aiomqtt.MqttError):
            codes = await client.subscribe([(one, 1) for one in sorted(filters)])
            refused = [one for one, code in zip(sorted(filters), codes, strict=False) if _is_refusal(code)]
            if refused:
                log.error(
                    "the broker refuses a subscription: check its access list", account=self.account, topics=refused
                )

    async def _forget(self, filters: set[str]) -> None:
        if self._client_id is not None:
            # The broker shall go on collecting for the next start of this service.
            return
        gone = []
        for one in filters:
            self._filters[one] -= 1
            if not self._filters[one]:
                del self._filters[one]
                gone.append(one)
        if gone and self._client:
            with contextlib.suppress(aiomqtt.MqttError):
                await self._client.unsubscribe(gone, timeout=FAREWELL_S)

    async def _stay_connected(self) -> None:
        backoff = Backoff(first_s=0.25, longest_s=15)
        is_outage = False
        while True:
            begun_s: float | None = None
            problem = "connection lost"
            try:
                async with self._new_client() as client:
                    begun_s = SYSTEM_CLOCK.monotonic()
                    log.info("connected to the broker", broker=self._broker.address, after_outage=is_outage)
                    is_outage = False
                    await self._serve(client)
            except* (aiomqtt.MqttError, OSError) as group:
                problem = self._explain(group.exceptions[0])
            finally:
                self._client = None
                self._is_there.clear()
                metrics.BUS_CONNECTED.set(0)
                self._outbox.give_back()
            if begun_s is not None and SYSTEM_CLOCK.monotonic() - begun_s > LASTING_S:
                # Two services of one name drive each other out; they must not do it four times a second.
                backoff.reset()
            if not is_outage:
                log.warning("no broker; trying again until it is back", broker=self._broker.address, problem=problem)
            is_outage = True
            await asyncio.sleep(backoff.next_s())

    def _explain(self, error: BaseException) -> str:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        code = getattr(error, "rc", None)
        if isinstance(error, MqttConnectError) and getattr(code, "value", code) in BAD_CREDENTIALS:
            return f"the broker does not accept user {self._broker.username!r}: check broker.username and its password"
        return str(error) or type(error).__name__

    def _new_client(self) -> Client:
        will = None
        if self._status:
            last = self._status(False)
            will = aiomqtt.Will(last.address(), last.encode(), qos=1, retain=True)
        return new_client(self._broker, client_id=self._client_id, will=will, window=WINDOW)

    async def _serve(self, client: Client) -> None:
        """Use one connection until it breaks."""
        metrics.BUS_CONNECTED.set(1)
        metrics.BUS_CONNECTS.inc()
        self._client = client
        self._is_there.set()
        self._assert_state()
        async with asyncio.TaskGroup() as work:
            work.create_task(self._hear(client))
            await self._ask(client, set(self._filters))
            delivery = Delivery(client, self._outbox, self._empty)
            work.create_task(delivery.run(self._news))
            work.create_task(delivery.watch())

    def _assert_state(self) -> None:
        """Queue the status and all retained state again, unless a newer value already waits."""
        waiting = {parcel.address for parcel in self._outbox.waiting()}
        if self._status:
            status = self._status(True)
            self._said.pop(status.address(), None)
            self.publish(status)
        for address, parcel in list(self._said.items()):
            if address not in waiting:
                self._put(address, parcel.payload, qos=parcel.qos, retain=True, keep=parcel.keep, kind=parcel.kind)

    async def _hear(self, client: aiomqtt.Client) -> None:
        async for arrival in client.messages:
            self._switchboard.hand_out(str(arrival.topic), bytes(arrival.payload))


def _is_refusal(code: object) -> bool:
    return int(getattr(code, "value", code)) >= 0x80  # type: ignore[call-overload, no-any-return]
