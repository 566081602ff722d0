"""Pollers that share the devices among those that are there: taken over when one dies, handed over when one comes."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from hashbus.bus import Subscription
from hashbus.clock import SYSTEM_CLOCK
from hashbus.health import Health
from hashbus.messages import (
    Command,
    DeviceOrder,
    MinerTelemetry,
    OrderResult,
    OrderStatus,
    PollerBeat,
    PowerSetpoint,
)
from hashbus.mqtt_bus import MqttBus
from hashbus.service import Running
from hashbus.settings import BrokerSettings
from hashbus.testing.memory_bus import MemoryBroker, MemoryBus
from hashbus_poller.service import main
from hashbus_poller.settings import settings_model
from hashbus_poller.sharding import owner_of
from hashbus_simulator.fleet import Fleet
from hashbus_simulator.settings import SimulatorSettings
from tests.poller.site import until
from tests.servers import Daemon, accepts_connections, free_port, program

HOSTS = [f"127.86.42.{number}" for number in range(1, 13)]
DEVICES = {f"miner-{number}": host for number, host in enumerate(HOSTS, 1)}
LEASE_S = 1.5
"""Short, so that the tests are; on a busy machine a lease may end early and be taken again, which they wait out."""
NAMES = ("poller", "poller-2", "poller-3")
EMULATED = [{"id": name, "family": "cgminer", "host": host, "privileged": True} for name, host in DEVICES.items()]


def poller_section(**more: Any) -> dict[str, Any]:
    devices = {name: {"driver": "cgminer", "host": host, "timeout_s": 2} for name, host in DEVICES.items()}
    return {"interval_s": 1, "shard": "live", "lease_s": LEASE_S, "devices": devices, **more}


class Hall:
    """Pollers in this process on one broker in memory; each can be killed as kill -9 does: without a goodbye."""

    def __init__(self, broker: MemoryBroker, folder: Path) -> None:
        self.broker = broker
        self.web = MemoryBus(broker, "web")
        self._folder = folder
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._buses: dict[str, MemoryBus] = {}

    def start(self, name: str, **section: Any) -> None:
        """Start a poller."""
        settings: Any = settings_model().model_validate({"data_dir": self._folder, "poller": poller_section(**section)})
        health = Health(name, "test", SYSTEM_CLOCK.now())
        bus = self._buses[name] = MemoryBus(self.broker, name)
        running = Running(name, settings, bus, SYSTEM_CLOCK, health, once=False, dry_run=False)
        self._tasks[name] = asyncio.create_task(main(running))

    async def kill(self, name: str) -> None:
        """End a poller without a word."""
        task = self._tasks.pop(name)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        # What its process remembered is gone with it.
        self.broker._buses.remove(self._buses.pop(name))

    async def shares(self, beats: Subscription[PollerBeat], wanted: dict[str, int]) -> None:
        """Wait until each poller says that it reads so many devices."""
        said: dict[str, int] = {}

        def is_so(beat: PollerBeat) -> bool:
            said[beat.service] = beat.devices
            return {name: said.get(name) for name in wanted} == wanted

        await until(beats, is_so)

    async def close(self) -> None:
        for name in list(self._tasks):
            await self.kill(name)


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    settings = SimulatorSettings.model_validate({"speed": 100, "control_port": None, "devices": EMULATED})
    async with Fleet(settings):
        found = Hall(MemoryBroker(), tmp_path)
        yield found
        await found.close()


def share_of(name: str, members: tuple[str, ...]) -> int:
    return sum(owner_of(device, members) == name for device in DEVICES)


def shares(*members: str) -> dict[str, int]:
    return {name: share_of(name, members) for name in members}


def order(device: str, number: int) -> DeviceOrder:
    now = datetime.now(UTC)
    ends = now + timedelta(minutes=1)
    return DeviceOrder(
        site="home", at=now, miner=device, source="web", id=f"o-{number}", command=Command.RESTART, expires_at=ends
    )


async def test_a_poller_alone_has_all_devices_and_shares_them_with_one_that_comes(hall: Hall) -> None:
    async with hall.web.subscribe(PollerBeat) as beats:
        hall.start("poller")
        await hall.shares(beats, {"poller": len(DEVICES)})
        hall.start("poller-2")
        await hall.shares(beats, shares("poller", "poller-2"))


async def test_the_devices_of_a_poller_that_falls_silent_go_to_the_others(hall: Hall) -> None:
    async with hall.web.subscribe(PollerBeat) as beats:
        for name in NAMES:
            hall.start(name)
        await hall.shares(beats, shares(*NAMES))
        await hall.kill("poller-2")
        await hall.shares(beats, shares("poller", "poller-3"))


async def test_each_order_is_answered_once_whoever_has_the_device(hall: Hall) -> None:
    async with hall.web.subscribe(PollerBeat) as beats, hall.web.subscribe(OrderResult) as results:
        for name in NAMES:
            hall.start(name)
        await hall.shares(beats, shares(*NAMES))
        async with hall.web.subscribe(MinerTelemetry) as readings:
            seen: set[str] = set()
            await until(readings, lambda one: seen.add(one.miner) or len(seen) == len(DEVICES))
        for number, device in enumerate([*DEVICES, "nobody"]):
            hall.web.publish(order(device, number))
        answered: dict[str, OrderStatus] = {}
        await until(results, lambda one: answered.update({one.miner: one.status}) or len(answered) == 13)
        assert answered.pop("nobody") is OrderStatus.REJECTED
        assert set(answered.values()) == {OrderStatus.DONE}
        assert not results.drain(), "nobody answers twice"


async def test_an_order_for_a_device_that_is_just_being_taken_waits_for_it(hall: Hall) -> None:
    async with hall.web.subscribe(OrderResult) as results, hall.web.subscribe(PollerBeat) as beats:
        hall.start("poller")
        assert (await until(beats, lambda _: True)).devices == 0
        hall.web.publish(order("miner-1", 1))
        result = await until(results, lambda _: True)
    assert result.code in {"ok", "unreachable"}, "it is answered by who has the device, reached or not yet"


async def test_a_miner_that_is_taken_over_keeps_its_setpoint(hall: Hall) -> None:
    controller = MemoryBus(hall.broker, "controller")
    async with hall.web.subscribe(PollerBeat) as beats, hall.web.subscribe(MinerTelemetry) as readings:
        for name in ("poller", "poller-2"):
            hall.start(name)
        await hall.shares(beats, shares("poller", "poller-2"))
        device = next(one for one in DEVICES if owner_of(one, ("poller", "poller-2")) == "poller-2")
        now = datetime.now(UTC)
        ends = now + timedelta(minutes=10)
        controller.publish(
            PowerSetpoint(site="home", at=now, miner=device, power_w=0, valid_until=ends, reason="evening")
        )
        await until(readings, lambda one: one.miner == device and one.state == "sleeping")
        await hall.kill("poller-2")
        since = datetime.now(UTC)
        await until(readings, lambda one: one.miner == device and one.at > since)
        async with hall.web.subscribe(OrderResult) as results:
            hall.web.publish(order(device, 1).model_copy(update={"command": Command.ENABLE}))
            result = await until(results, lambda one: one.id == "o-1")
        assert result.code == "setpoint_rules", "the new one knows the setpoint"


async def test_what_another_poller_says_now_is_not_said_over_by_who_had_it_before(hall: Hall) -> None:
    async with hall.web.subscribe(PollerBeat) as beats:
        hall.start("poller")
        await hall.shares(beats, {"poller": len(DEVICES)})
        hall.start("poller-2")
        await hall.shares(beats, shares("poller", "poller-2"))
    mine = {one for one in DEVICES if owner_of(one, ("poller", "poller-2")) == "poller-2"}
    async with hall.web.subscribe(MinerTelemetry) as readings:
        await until(readings, lambda one: one.miner in mine)
        hall.broker.stop(forget=True)
        await hall.kill("poller-2")
        hall.broker.start()
        said = [one for one in hall.broker.retained if any(f"/{device}/" in one for device in mine)]
    assert not said, "only the poller that has a device asserts its state again"


async def test_a_device_that_hangs_on_one_poller_waits_for_it(hall: Hall) -> None:
    devices = poller_section()["devices"]
    bound = {name: {**device, "poller": "poller-2"} for name, device in devices.items()}
    async with hall.web.subscribe(PollerBeat) as beats:
        hall.start("poller", devices=bound)
        hall.start("poller-2", devices=bound)
        await hall.shares(beats, {"poller": 0, "poller-2": len(DEVICES)})


class Broker(Daemon):
    """mosquitto for everybody on this machine."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        settings = folder / "mosquitto.conf"
        settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        command = [program("mosquitto"), "-c", str(settings)]
        super().__init__(
            command, port=port, log=folder / "mosquitto.log", is_ready=lambda: accepts_connections("127.0.0.1", port)
        )


@contextlib.contextmanager
def processes(folder: Path, port: int) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Start pollers as processes of their own; all are ended."""
    site = {
        "site": "home",
        "data_dir": str(folder / "var"),
        "broker": {"host": "127.0.0.1", "port": port},
        "health": {"port": 0},
        "poller": poller_section(),
    }
    file = folder / "site.yaml"
    file.write_text(yaml.safe_dump(site))
    started: list[subprocess.Popen[bytes]] = []

    def start(account: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "hashbus_poller", "--config", str(file), "--account", account]
        with (folder / f"{account}.log").open("ab") as log:
            started.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=folder))
        return started[-1]

    try:
        yield start
    finally:
        for process in started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            process.wait()


async def test_of_three_processes_one_is_killed_and_the_others_read_its_devices(tmp_path: Path) -> None:
    settings = SimulatorSettings.model_validate({"speed": 100, "control_port": None, "devices": EMULATED})
    with Broker(tmp_path) as broker, processes(tmp_path, broker.port) as start:
        address = BrokerSettings.model_validate({"host": "127.0.0.1", "port": broker.port})
        async with Fleet(settings), MqttBus(address, site="home", account="web") as web:
            hall = Hall(MemoryBroker(), tmp_path)
            async with web.subscribe(PollerBeat) as beats:
                running = {name: start(name) for name in NAMES}
                await hall.shares(beats, shares(*NAMES))
                running["poller-2"].send_signal(signal.SIGKILL)
                await hall.shares(beats, shares("poller", "poller-3"))
                gone = {one for one in DEVICES if owner_of(one, NAMES) == "poller-2"}
                async with web.subscribe(MinerTelemetry) as readings:
                    killed_at, seen = datetime.now(UTC), set[str]()

                    def is_read(one: MinerTelemetry) -> bool:
                        if one.at > killed_at:
                            seen.add(one.miner)
                        return seen >= gone

                    await until(readings, is_read)
                start("poller-2")
                await hall.shares(beats, shares(*NAMES))
    said = "".join((tmp_path / f"{name}.log").read_text() for name in NAMES)
    assert "Traceback" not in said, said[-3000:]
