"""A smarthome service as a process of its own on a real mosquitto, and a Home Assistant that is played by the test."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeVar

import aiomqtt
import yaml

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import (
    AvailabilityState,
    Capability,
    Level,
    Message,
    MinerAvailability,
    MinerInfo,
    MinerState,
    MinerTelemetry,
    ServiceStatus,
)
from hashbus.mqtt_bus import MqttBus
from hashbus.settings import BrokerSettings
from tests.servers import EmbeddedBroker, GuardedMosquitto, Mosquitto

PATIENCE_S = 30.0
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

M = TypeVar("M", bound=Message)

Broker = Mosquitto | EmbeddedBroker


def info(site: str, miner: str = "attic", **more: Any) -> MinerInfo:
    """A WhatsMiner that can be told everything."""
    fields: dict[str, Any] = {
        "make": "MicroBT",
        "model": "M64_VL40",
        "serial": "SN0001",
        "mac": "c2:05:11:00:ab:cd",
        "firmware": "stock",
        "firmware_version": "20250415.11.REL",
        "host": "192.168.1.20",
        "min_power_w": 1000,
        "max_power_w": 3600,
        "power_step_w": 50,
        "capabilities": tuple(Capability),
        **more,
    }
    return MinerInfo(site=site, at=AT, miner=miner, driver="whatsminer", level=Level.GOLD, **fields)


def reading(site: str, miner: str = "attic", **more: Any) -> MinerTelemetry:
    """What that miner says while it mines."""
    fields: dict[str, Any] = {
        "state": MinerState.MINING,
        "power_w": 3300,
        "power_limit_w": 3400,
        "hashrate_ths": 178.5,
        "energy_wh": 1234567,
        "fans_rpm": (4200, 4250),
        **more,
    }
    return MinerTelemetry(site=site, at=SYSTEM_CLOCK.now(), miner=miner, driver="whatsminer", **fields)


def present(site: str, miner: str = "attic") -> MinerAvailability:
    """The miner is reached."""
    return MinerAvailability(site=site, at=AT, miner=miner, state=AvailabilityState.ONLINE, since=AT)


def controller(site: str, state: AvailabilityState = AvailabilityState.ONLINE) -> ServiceStatus:
    """The controller is there."""
    return ServiceStatus(site=site, at=AT, service="controller", state=state, version="1", started_at=AT)


class Seen:
    """What Home Assistant saw on the broker: the last payload of each topic, and every message as it came."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self.client = client
        self.last: dict[str, aiomqtt.Message] = {}
        self.all: list[aiomqtt.Message] = []
        self._news = asyncio.Condition()

    async def listen(self) -> None:
        async for message in self.client.messages:
            async with self._news:
                self.last[str(message.topic)] = message
                self.all.append(message)
                self._news.notify_all()

    async def until(self, holds: Callable[["Seen"], bool]) -> None:
        """Wait until something is so; the test fails when it never is."""
        try:
            async with asyncio.timeout(PATIENCE_S), self._news:
                await self._news.wait_for(lambda: holds(self))
        except TimeoutError:
            topics = "\n".join(sorted(self.last))
            raise AssertionError(f"it did not come; seen were:\n{topics}") from None

    def config(self, device: str) -> dict[str, Any]:
        """The discovery message of a device (`miner_attic`); empty when there is none or it was taken out."""
        for topic, message in self.last.items():
            if topic.split("/")[-2] == device and topic.endswith("/config"):
                found: dict[str, Any] = json.loads(bytes(message.payload) or b"{}")
                return found
        return {}

    async def shown(self, device: str, *components: str) -> dict[str, Any]:
        """The discovery message of a device as soon as there is one with these components."""
        await self.until(lambda seen: {"device"} <= set(seen.config(device)))
        await self.until(lambda seen: set(components) <= set(seen.config(device).get("components", {})))
        return self.config(device)

    async def says(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        """Home Assistant says something."""
        await self.client.publish(topic, payload, qos=1, retain=retain)

    def payloads(self, topic: str) -> list[Any]:
        """Everything that came on a topic, decoded."""
        return [json.loads(bytes(one.payload)) for one in self.all if str(one.topic) == topic and one.payload]


class Smarthome:
    """The process under test."""

    def __init__(self, broker: Broker, site: str, folder: Path, **section: Any) -> None:
        self.broker = broker
        self.site = site
        self.file = folder / "site.yaml"
        settings: dict[str, Any] = {
            "site": site,
            "data_dir": str(folder / "var"),
            "broker": {"host": broker.host, "port": broker.port},
            "health": {"port": 0},
            "smarthome": {
                **section,
                "homeassistant": {"settle_s": 1, "birth_delay_s": 0, **section.get("homeassistant", {})},
            },
        }
        if isinstance(broker, GuardedMosquitto | EmbeddedBroker):
            (folder / "secret").write_text(broker.passwords["smarthome"])
            settings["broker"] |= {"username": "smarthome", "password_file": str(folder / "secret")}
        self.file.write_text(yaml.safe_dump(settings))
        self.output = folder / "output.txt"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *arguments: str) -> "Smarthome":
        ours = {name: value for name, value in os.environ.items() if not name.startswith("HASHBUS_")}
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hashbus_smarthome", "--config", str(self.file), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=ours,
            )
        return self

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(how)
        try:
            return process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def wait(self) -> int:
        """Wait until it ends by itself."""
        assert self.process is not None
        code = self.process.wait(PATIENCE_S)
        self.process = None
        return code

    @property
    def said(self) -> str:
        return self.output.read_text()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def login(broker: Broker, account: str) -> dict[str, Any]:
    """User and password of an account, where the broker asks for them."""
    if not isinstance(broker, GuardedMosquitto | EmbeddedBroker):
        return {}
    return {"username": account, "password": broker.passwords[account]}


@contextlib.asynccontextmanager
async def bus(broker: Broker, site: str, account: str) -> AsyncIterator[MqttBus]:
    """The place of another service on the bus."""
    settings = BrokerSettings(host=broker.host, port=broker.port, **login(broker, account))
    async with MqttBus(settings, site=site, account=account) as found:
        await found.connected()
        yield found


@contextlib.asynccontextmanager
async def watching(broker: Broker, *filters: str, account: str = "homeassistant") -> AsyncIterator[Seen]:
    """Somebody who listens to the broker, as Home Assistant does."""
    async with aiomqtt.Client(broker.host, broker.port, **login(broker, account)) as client:
        seen = Seen(client)
        await client.subscribe([(one, 1) for one in filters])
        task = asyncio.create_task(seen.listen())
        try:
            yield seen
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def filters_of(site: str) -> tuple[str, ...]:
    """What Home Assistant would hear of a site."""
    return (f"homeassistant/device/hashbus-{site}/#", f"hashbus/{site}/#")


async def said_to(subscription: Any, holds: Callable[[Any], bool]) -> Any:
    """The next message that is as it should be."""
    async with asyncio.timeout(PATIENCE_S):
        async for message in subscription:
            if holds(message):
                return message
    raise AssertionError("the subscription ended")


def publish_all(speaker: MqttBus, messages: Iterable[Message]) -> None:
    for message in messages:
        speaker.publish(message)
