"""A thermometer, a miner, broker, poller and controller as they run on a site: the zone from the wall to the wire."""

import asyncio
import json
import os
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from benchmarks.servers import Service, Simulator, SiteBroker
from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import HeatState, PowerSetpoint, Profile, ZoneActivity, ZoneRequest, ZoneState
from hashbus.mqtt_bus import MqttBus
from hashbus.settings import BrokerSettings

PATIENCE_S = 60.0
NETWORK = f"127.{10 + os.getpid() % 110}.78"
PASSWORD = "heated-pass1"
STEADY = {"tuning_s": 0, "boot_s": 0, "password_file": "password"}
ROOM = {"id": "living", "miners": ["attic"], "initial_c": 23.0, "capacity_kwh_per_k": 500}
ZONE = {
    "name": "Living room",
    "miners": ["attic"],
    "inputs": [{"sensor": "living", "max_age_s": 10}],
    # A minute of a test is not a day of a house: the zone answers at once.
    "regulator": {"rise_s": 1},
    "steps": {"cycles_per_day": 1000, "min_on_s": 0, "min_off_s": 0},
}


class HeatedSite:
    """Simulator, broker, poller and controller as real processes around one warm room."""

    def __init__(self, folder: Path) -> None:
        (folder / "password").write_text(PASSWORD)
        self.broker = SiteBroker(folder / "broker")
        thermometer = {"family": "modbus", "model": "XY-MD02", "room": "living", "ports": {"modbus": 15_021}}
        devices = [
            {"id": "attic", "family": "whatsminer_v3", "host": f"{NETWORK}.1", **STEADY},
            {"id": "thermometer", "host": f"{NETWORK}.2", **thermometer},
        ]
        self.simulator = Simulator(folder, {"devices": devices, "house": {"rooms": [ROOM]}})
        site = {
            "site": "home",
            "data_dir": str(folder / "var"),
            "broker": self.broker.settings("{service}"),
            "log": {"level": "WARNING"},
            "poller": {
                "interval_s": 1,
                "power_changes_per_day": 1440,
                "devices": {
                    "attic": {
                        "driver": "whatsminer",
                        "host": f"{NETWORK}.1",
                        "password_file": "password",
                        "rated_power_w": 3600,
                    },
                    "living": {"driver": "modbus", "template": "xy_md02", "host": f"{NETWORK}.2", "port": 15_021},
                },
            },
            "controller": {"auto_control": "enabled", "min_interval_s": 0, "heat": {"zones": {"living": ZONE}}},
        }
        file = folder / "site.yaml"
        file.write_text(yaml.safe_dump(site))
        self.poller, self.controller = Service("poller", file), Service("controller", file)

    def bus(self) -> MqttBus:
        """A person's place on its broker."""
        told = self.broker.settings("supervisor")
        password = Path(told.pop("password_file")).read_text().strip()
        return MqttBus(BrokerSettings.model_validate({**told, "password": password}), site="home", account="supervisor")

    async def ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask the emulated hardware for the truth, or let something happen to it."""

        def answer() -> dict[str, Any]:
            data = None if body is None else json.dumps(body).encode()
            url = f"http://{self.simulator.host}:{self.simulator.port}{path}"
            with urllib.request.urlopen(urllib.request.Request(url, data), timeout=10) as reply:
                found: dict[str, Any] = json.load(reply)
                return found

        return await asyncio.to_thread(answer)

    async def is_asleep(self) -> bool:
        """Whether the miner really sleeps."""
        truth = await self.ask("/devices/attic/state")
        return bool(truth["asleep"])


class Ears:
    """What was last heard of the zone, the house and the miner."""

    def __init__(self, heard: Any) -> None:
        self.heard = heard
        self.last: dict[type, Any] = {}

    async def zone(self, holds: Callable[[ZoneState], bool], what: str) -> ZoneState:
        """Listen until the zone says so."""
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            message = await self.heard.next(1.0)
            if message is not None:
                self.last[type(message)] = message
            if isinstance(message, ZoneState) and holds(message):
                return message
            assert time.monotonic() < deadline_s, f"{what} in vain; last heard: {self.last}"


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[tuple[HeatedSite, MqttBus, Ears]]:
    site = HeatedSite(folder)
    with ExitStack() as started:
        for daemon in (site.broker, site.simulator, site.poller, site.controller):
            await asyncio.to_thread(started.enter_context, daemon)
        async with site.bus() as bus, bus.subscribe(ZoneState, HeatState, PowerSetpoint) as heard:
            await bus.connected()
            yield site, bus, Ears(heard)


async def comes(holds: Callable[[], Any], what: str) -> None:
    """Wait until the hardware shows it."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not await holds():
        assert time.monotonic() < deadline_s, f"{what} in vain"
        await asyncio.sleep(0.2)


async def test_a_zone_from_the_thermometer_to_the_miner_through_every_death(tmp_path: Path) -> None:
    async with running(tmp_path) as (site, bus, ears):
        warm = await ears.zone(lambda zone: zone.is_window_open is False and zone.temperature_c is not None, "warmth")
        assert warm.temperature_c == 23.0
        await comes(site.is_asleep, "a warm room lets its miner sleep")

        now = SYSTEM_CLOCK.now()
        bus.publish(ZoneRequest(site="home", at=now, zone="living", source="cli", target_c=27))
        await bus.flush()
        heating = await ears.zone(lambda zone: zone.activity is ZoneActivity.HEATING, "heat on request")
        assert (heating.profile, heating.target_c, heating.profile_by) == (Profile.MANUAL, 27, "cli")

        async def heats() -> bool:
            truth = await site.ask("/devices/attic/state")
            return bool(truth["power_w"] > 1000)

        await comes(heats, "the miner wakes and heats")
        await asyncio.gather(asyncio.to_thread(site.controller.kill), asyncio.to_thread(site.broker.kill))
        await asyncio.to_thread(site.broker.start)
        await asyncio.to_thread(site.controller.start)
        after = await ears.zone(lambda zone: zone.at > heating.at, "the zone after both died")
        assert (after.profile, after.target_c) == (Profile.MANUAL, 27)
        assert after.activity is ZoneActivity.HEATING
        assert after.needed_wh >= heating.needed_wh > 0
        assert await heats()

        await site.ask("/devices/thermometer/fault", {"kind": "refuse"})
        blind = await ears.zone(lambda zone: zone.activity is ZoneActivity.BLIND, "blindness")
        assert blind.temperature_c is None
        assert blind.limited_by is not None
        assert blind.limited_by.startswith("poller/living is ")
        await comes(site.is_asleep, "a blind zone lets its miner sleep")
