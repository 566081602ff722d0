"""A broker that takes everything and confirms nothing is left, and what it was told is said again."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from hashbus import delivery
from hashbus.messages import AvailabilityState, MinerAvailability
from hashbus.mqtt_bus import MqttBus
from hashbus.settings import BrokerSettings

CONNECT, PUBLISH = 1, 3
CONNACK = b"\x20\x02\x00\x00"
AT = datetime(2026, 1, 1, tzinfo=UTC)


class MuteBroker:
    """Speaks as much MQTT as a publisher needs; on its first connection it confirms nothing."""

    def __init__(self) -> None:
        self.connections = 0
        self.heard: list[tuple[int, bytes]] = []
        self._clients: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        self._clients.append(writer)
        while head := await reader.read(1):
            body = await reader.readexactly(await _length(reader))
            if head[0] >> 4 == CONNECT:
                writer.write(CONNACK)
            elif head[0] >> 4 == PUBLISH:
                (size,) = struct.unpack_from(">H", body)
                message_id, payload = body[2 + size : 4 + size], body[4 + size :]
                self.heard.append((number, payload))
                if number > 1:
                    writer.write(b"\x40\x02" + message_id)

    def hang_up(self) -> None:
        for writer in self._clients:
            writer.close()


async def _length(reader: asyncio.StreamReader) -> int:
    """Read the remaining length of a packet (MQTT 3.1.1, 2.2.3)."""
    length = shift = 0
    while True:
        (digit,) = await reader.readexactly(1)
        length |= (digit & 0x7F) << shift
        if digit < 0x80:
            return length
        shift += 7


@asynccontextmanager
async def mute_broker() -> AsyncIterator[tuple[MuteBroker, BrokerSettings]]:
    broker = MuteBroker()
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    try:
        yield broker, BrokerSettings(port=server.sockets[0].getsockname()[1])
    finally:
        server.close()
        broker.hang_up()


async def test_what_is_never_confirmed_is_said_again_on_a_new_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "ACK_TIMEOUT_S", 0.1)
    message = MinerAvailability(site="home", at=AT, miner="attic", state=AvailabilityState.ONLINE, since=AT)
    async with mute_broker() as (broker, settings), MqttBus(settings, site="home", account="poller") as bus:
        bus.publish(message)
        async with asyncio.timeout(20):
            await bus.flush()
    assert broker.connections == 2
    assert broker.heard == [(1, message.encode()), (2, message.encode())]
