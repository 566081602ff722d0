"""The bus keeps its promises in memory, over mosquitto and over the embedded broker, both with a site's accounts."""

import contextlib
import secrets
import subprocess
from collections.abc import AsyncIterator, Callable

import pytest
from pydantic import SecretStr

from hashbus.bus import Bus
from hashbus.mqtt_bus import MqttBus
from hashbus.outbox import Parcel
from hashbus.settings import BrokerSettings
from hashbus.testing.bus_promises import BusPromises
from hashbus.testing.memory_bus import MemoryBroker, MemoryBus
from hashbus.topics import Keep
from tests import servers

AnyBroker = servers.GuardedMosquitto | servers.EmbeddedBroker


class MemoryPlace:
    """A broker in memory."""

    site = "home"

    def __init__(self) -> None:
        self.broker = MemoryBroker()

    def bus(self, account: str) -> MemoryBus:
        return MemoryBus(self.broker, account)

    async def stop(self) -> None:
        self.broker.stop(forget=True)

    async def start(self) -> None:
        self.broker.start()

    def shout(self, address: str, payload: bytes) -> None:
        self.broker.carry(Parcel(0, address, payload, 1, False, Keep.LATEST))


class RealPlace:
    """A real broker in a process of its own."""

    def __init__(self, broker: AnyBroker, forget: Callable[[], None]) -> None:
        self.broker = broker
        self.site = f"site-{secrets.token_hex(4)}"
        self._forget = forget
        self._login = ("-u", "poller", "-P", broker.passwords["poller"])

    @contextlib.asynccontextmanager
    async def bus(self, account: str) -> AsyncIterator[Bus]:
        password = SecretStr(self.broker.passwords[account])
        settings = BrokerSettings(port=self.broker.port, username=account, password=password)
        async with MqttBus(settings, site=self.site, account=account) as bus:
            yield bus

    async def stop(self) -> None:
        self.broker.kill()
        self._forget()

    async def start(self) -> None:
        self.broker.start()

    def shout(self, address: str, payload: bytes) -> None:
        subprocess.run(
            ["mosquitto_pub", "-p", str(self.broker.port), *self._login, "-q", "1", "-t", address, "-s"],
            input=payload,
            check=True,
            timeout=10,
        )


class TestMemoryBus(BusPromises):
    @pytest.fixture
    def place(self) -> MemoryPlace:
        return MemoryPlace()


class TestMosquitto(BusPromises):
    @pytest.fixture
    def place(self, own_guarded_mosquitto: servers.GuardedMosquitto) -> RealPlace:
        def forget() -> None:
            own_guarded_mosquitto.log.with_name("mosquitto.db").unlink(missing_ok=True)

        return RealPlace(own_guarded_mosquitto, forget)


class TestEmbeddedBroker(BusPromises):
    @pytest.fixture
    def place(self, own_embedded_broker: servers.EmbeddedBroker) -> RealPlace:
        return RealPlace(own_embedded_broker, lambda: None)
