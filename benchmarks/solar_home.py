"""A home with a battery and a miner behind relays that note when bytes pass: the wires between devices and poller."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
import urllib.request
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any, Self

import yaml

from benchmarks.servers import Service, Simulator, SiteBroker
from hashbus.mqtt_bus import MqttBus
from hashbus.settings import BrokerSettings

PASSWORD = "solar-pass1"  # noqa: S105 (of an emulated miner)
NETWORK = f"127.{10 + os.getpid() % 110}.77"
"""Another for each process, so that two can run at a time."""

MINER_PORT, DONGLE_PORT = 4433, 8000


class Relay:
    """A wire: passes bytes on between the poller and a device, and notes when."""

    def __init__(self, host: str, port: int) -> None:
        """Stand in front of the device at `host`; the poller talks to `relayed`."""
        self.host, self.port = host, port
        self.relayed = host.rpartition(".")[0] + ".2" + host.rpartition(".")[2].zfill(2)
        self.answered_s = 0.0
        """When the device last answered."""
        self.orders_s: list[float] = []
        """When an order went to the device."""

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, self.relayed, self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Listen no more."""
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            device_reader, device_writer = await asyncio.open_connection(self.host, self.port)
            await asyncio.gather(
                self._pass(reader, device_writer, is_order=True), self._pass(device_reader, writer, is_order=False)
            )

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_order: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                now_s = time.monotonic()
                if not is_order:
                    self.answered_s = now_s
                elif b'"set.miner.' in data:
                    self.orders_s.append(now_s)
                writer.write(data)
                await writer.drain()
        writer.close()


class SolarHome:
    """Simulator, broker, poller and controller as real processes, and the two wires."""

    def __init__(self, folder: Path, **controller: Any) -> None:
        """Write all files; nothing is started yet."""
        self.battery = Relay(f"{NETWORK}.1", DONGLE_PORT)
        self.miner = Relay(f"{NETWORK}.3", MINER_PORT)
        (folder / "password").write_text(PASSWORD)
        self.broker = SiteBroker(folder / "broker")
        self.simulator = Simulator(folder, {"devices": self._emulated(), "house": {"battery": {"capacity_kwh": 500}}})
        self.file = folder / "site.yaml"
        soc = {"battery": "wall", "base_w": 3600}
        site = {
            "site": "home",
            "data_dir": str(folder / "var"),
            "broker": self.broker.settings("{service}"),
            "log": {"level": "WARNING"},
            "poller": {"interval_s": 10, "power_changes_per_day": 1440, "devices": self._devices()},
            "controller": {"auto_control": "enabled", "soc": soc, **controller},
        }
        self.file.write_text(yaml.safe_dump(site), encoding="utf-8")
        self.poller, self.controller = Service("poller", self.file), Service("controller", self.file)
        self._started = ExitStack()
        self._wires = AsyncExitStack()

    def _emulated(self) -> list[dict[str, Any]]:
        steady = {"tuning_s": 0, "boot_s": 0, "password_file": "password"}
        return [
            {"id": "wall", "family": "luxpower", "host": self.battery.host, "ports": {"modbus": 15_020}},
            {"id": "attic", "family": "whatsminer_v3", "host": self.miner.host, **steady},
        ]

    def _devices(self) -> dict[str, Any]:
        serials = {"dongle_serial": "BA12345678", "inverter_serial": "4512345678"}
        wall = {"driver": "luxpower", "transport": "dongle", "host": self.battery.relayed, "interval_s": 1, **serials}
        attic = {"driver": "whatsminer", "host": self.miner.relayed, "password_file": "password"}
        return {"wall": wall, "attic": {**attic, "rated_power_w": 3600, "safe_power_w": 2000}}

    async def __aenter__(self) -> Self:
        """Start everything."""
        for wire in (self.battery, self.miner):
            await self._wires.enter_async_context(wire)
        for daemon in (self.broker, self.simulator, self.poller, self.controller):
            await asyncio.to_thread(self._started.enter_context, daemon)
        return self

    async def __aexit__(self, *_: object) -> None:
        """End everything."""
        await asyncio.to_thread(self._started.close)
        await self._wires.aclose()

    def bus(self) -> MqttBus:
        """Return a place on its broker."""
        told = self.broker.settings("supervisor")
        password = Path(told.pop("password_file")).read_text(encoding="utf-8").strip()
        return MqttBus(BrokerSettings.model_validate({**told, "password": password}), site="home", account="supervisor")

    async def charge(self, soc_pct: float) -> None:
        """Fill or empty the battery."""
        await asyncio.to_thread(self._control, "/house", {"soc_pct": soc_pct})

    async def truth(self) -> dict[str, Any]:
        """Return what is really so in the emulated miner."""
        return await asyncio.to_thread(self._control, "/devices/attic/state", None)

    def _control(self, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        url = f"http://{self.simulator.host}:{self.simulator.port}{path}"
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 (ours)
            found: dict[str, Any] = json.load(answer)
            return found
