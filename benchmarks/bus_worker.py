"""One end of the bus in a process of its own: it says or hears telemetry, through our Bus or through bare aiomqtt.

    python -m benchmarks.bus_worker say|hear bus|bare BROKER

BROKER is the `broker:` section of a site file as JSON. Moments are seconds of the clock that all processes of a machine
share, so that the two ends can be compared.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import aiomqtt

from benchmarks import workers
from benchmarks.messages import full_telemetry
from hashbus.messages import MinerTelemetry
from hashbus.mqtt_bus import WINDOW, MqttBus
from hashbus.settings import BrokerSettings

MINERS = 100
SITES = {"bus": "farm", "bare": "bare-farm"}
"""A site for each way, so that nobody hears the other."""


class Letter(NamedTuple):
    """The same message for both ways."""

    message: MinerTelemetry
    address: str
    payload: bytes


class End(Protocol):
    """How telemetry is said and heard."""

    def say(self, letter: Letter) -> None:
        """Say it; returns at once."""
        ...

    async def all_said(self) -> None:
        """Wait until the broker has confirmed everything."""
        ...

    def hear(self) -> AsyncIterator[object]:
        """Go through what arrives."""
        ...


class OurEnd:
    """A service's place on the bus."""

    def __init__(self, bus: MqttBus, heard: AsyncIterator[object]) -> None:
        """Speak through `bus`, listen to `heard`."""
        self._bus = bus
        self._heard = heard

    def say(self, letter: Letter) -> None:
        """Encode and publish."""
        self._bus.publish(letter.message)

    async def all_said(self) -> None:
        """Wait until the broker has confirmed everything."""
        await self._bus.flush()

    def hear(self) -> AsyncIterator[object]:
        """Go through decoded messages."""
        return self._heard


class BareEnd:
    """aiomqtt by itself: bytes go out with as many in flight as our bus has, and arrive unread."""

    def __init__(self, client: aiomqtt.Client) -> None:
        """Speak and listen through `client`."""
        client.pending_calls_threshold = 2 * WINDOW
        self._client = client
        self._waiting: asyncio.Queue[Letter] = asyncio.Queue()
        self._sayers = [asyncio.create_task(self._say_on()) for _ in range(WINDOW)]

    def say(self, letter: Letter) -> None:
        """Hand the bytes over."""
        self._waiting.put_nowait(letter)

    async def all_said(self) -> None:
        """Wait until the broker has confirmed everything."""
        await self._waiting.join()

    def hear(self) -> AsyncIterator[object]:
        """Go through arrivals."""
        return self._client.messages

    async def _say_on(self) -> None:
        while True:
            letter = await self._waiting.get()
            await self._client.publish(letter.address, letter.payload, qos=1, retain=True)
            self._waiting.task_done()


@asynccontextmanager
async def _our_end(broker: BrokerSettings, account: str, *, hears: bool) -> AsyncIterator[End]:
    types = (MinerTelemetry,) if hears else ()
    async with MqttBus(broker, site=SITES["bus"], account=account) as bus, bus.subscribe(*types) as heard:
        yield OurEnd(bus, heard)


@asynccontextmanager
async def _bare_end(broker: BrokerSettings, account: str, *, hears: bool) -> AsyncIterator[End]:
    password = broker.password.get_secret_value() if broker.password else None
    client = aiomqtt.Client(broker.host, broker.port, username=account, password=password, max_inflight_messages=WINDOW)
    async with client:
        if hears:
            await client.subscribe(MinerTelemetry.topic.filter(site=SITES["bare"]), qos=1)
        yield BareEnd(client)


class Work:
    """What an end can be told to do."""

    def __init__(self, end: End, site: str) -> None:
        """Say and hear at `end`."""
        readings = [full_telemetry(f"row1-{number:03d}") for number in range(MINERS)]
        messages = [reading.model_copy(update={"site": site}) for reading in readings]
        self._letters = [Letter(message, message.address(), message.encode()) for message in messages]
        self._end = end

    async def say(self, count: int, per_s: float) -> dict[str, list[float]]:
        """Say so many messages, so many a second; returns when each was said. 0 a second means as fast as it goes."""
        said_s = []
        due_s = time.monotonic()
        for letter in self._next(count):
            if per_s:
                due_s += 1 / per_s
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            said_s.append(time.monotonic())
            self._end.say(letter)
        await self._end.all_said()
        return {"moments": said_s}

    async def hear(self, count: int) -> dict[str, list[float]]:
        """Hear so many messages; returns when each came. They come in the order in which they were said."""
        heard_s: list[float] = []
        async for _ in self._end.hear():
            heard_s.append(time.monotonic())
            if len(heard_s) == count:
                break
        return {"moments": heard_s}

    def _next(self, count: int) -> Iterator[Letter]:
        return islice(cycle(self._letters), count)


ENDS: dict[str, Callable[..., AbstractAsyncContextManager[End]]] = {"bus": _our_end, "bare": _bare_end}


def broker_of(section: dict[str, Any]) -> BrokerSettings:
    """Return the settings that a service makes of this section of the site file."""
    password = Path(section.pop("password_file")).read_text(encoding="utf-8").strip()
    return BrokerSettings.model_validate({**section, "password": password})


async def main(does: str, way: str, broker: BrokerSettings) -> None:
    """Be one end and do what is told."""
    async with ENDS[way](broker, str(broker.username), hears=does == "hear") as end:
        work = Work(end, SITES[way])
        known: dict[str, Callable[..., Awaitable[dict[str, list[float]]]]] = {"say": work.say, "hear": work.hear}
        await workers.obey(known)


if __name__ == "__main__":
    workers.run(main(sys.argv[1], sys.argv[2], broker_of(json.loads(sys.argv[3]))))
