"""The site around the web service in its tests: who says what on the bus, and the service as a process of its own."""

import asyncio
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import yaml

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import (
    AvailabilityState,
    BatteryTelemetry,
    Capability,
    Decision,
    Health,
    HeardBid,
    Level,
    Message,
    MinerAvailability,
    MinerInfo,
    MinerState,
    MinerTelemetry,
    PowerLevel,
    PowerRequest,
)
from hashbus.messages.plan import BidEffect
from hashbus.mqtt_bus import MqttBus
from hashbus.settings import BrokerSettings
from tests.servers import Daemon, Mosquitto, answers, free_port

ADMIN, PASSWORD = "anna", "correct horse battery"
PATIENCE_S = 30.0
PAGE = {"X-Hashbus": "page"}

M = TypeVar("M", bound=Message)


class WebService(Daemon):
    """The web service of one site, as the supervisor runs it."""

    def __init__(self, folder: Path, broker: Mosquitto, site: str, **section: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.site, self.folder = site, folder
        self.data_dir = folder / "var"
        port, health = free_port(), free_port()
        self.url = f"http://{self.host}:{port}"
        self.file = folder / "site.yaml"
        settings = {
            "site": site,
            "data_dir": str(self.data_dir),
            "broker": {"host": broker.host, "port": broker.port},
            "health": {"port": health},
            "web": {"host": self.host, "port": port, **section},
        }
        self.file.write_text(yaml.safe_dump(settings))
        self.health_url = f"http://{self.host}:{health}"
        super().__init__(
            [sys.executable, "-m", "hashbus_web", "--config", str(self.file)],
            port=port,
            log=folder / "web.log",
            is_ready=lambda: answers(f"{self.url}/api/system/health"),
        )

    def command(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run `hashbus web ...` beside the service."""
        line = [sys.executable, "-c", "import sys; from hashbus_web.cli import web; sys.exit(web(sys.argv[1:]))"]
        return subprocess.run(
            [*line, "--config", str(self.file), *arguments],
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def code(self) -> str:
        """The one-time code of the first start."""
        return (self.data_dir / "web" / "setup-code").read_text().strip()

    def client(self, **more: Any) -> httpx.AsyncClient:
        """A browser or a program that nobody knows yet."""
        return httpx.AsyncClient(base_url=self.url, timeout=PATIENCE_S, trust_env=False, **more)

    async def set_up(self) -> None:
        """Make the first administrator, unless there is one."""
        async with self.client() as client:
            state = (await client.get("/api/auth/state")).json()["state"]
            if state == "setup":
                body = {"code": self.code(), "name": ADMIN, "password": PASSWORD}
                assert (await client.post("/api/setup", json=body)).status_code == 201

    @asynccontextmanager
    async def signed_in(self, name: str = ADMIN, password: str = PASSWORD) -> AsyncIterator[httpx.AsyncClient]:
        """A program with the access token of somebody."""
        async with self.client() as client:
            said = await client.post("/api/auth/login", json={"name": name, "password": password})
            assert said.status_code == 200, said.text
            client.headers["Authorization"] = f"Bearer {said.json()['access_token']}"
            yield client

    @asynccontextmanager
    async def page(self, name: str = ADMIN, password: str = PASSWORD) -> AsyncIterator[httpx.AsyncClient]:
        """A browser with the cookies of somebody."""
        async with self.client(headers=PAGE) as client:
            body = {"name": name, "password": password, "cookie": True}
            said = await client.post("/api/auth/login", json=body)
            assert said.status_code == 200, said.text
            yield client


class World:
    """The other services of the site, each with its own place on the bus."""

    def __init__(self, broker: Mosquitto, site: str, stack: AsyncExitStack) -> None:
        self.site = site
        self._broker = BrokerSettings(host=broker.host, port=broker.port)
        self._stack = stack
        self._buses: dict[str, MqttBus] = {}

    async def bus(self, account: str) -> MqttBus:
        """The place of one service."""
        if account not in self._buses:
            bus = await self._stack.enter_async_context(MqttBus(self._broker, site=self.site, account=account))
            await bus.connected()
            self._buses[account] = bus
        return self._buses[account]

    async def say(self, account: str, *messages: Message) -> None:
        """Let a service say something; returns when the broker has it."""
        bus = await self.bus(account)
        for message in messages:
            bus.publish(message)
        await bus.flush()

    def now(self) -> datetime:
        """The time."""
        return SYSTEM_CLOCK.now()

    def miner(self) -> str:
        """A miner of this test alone."""
        return f"m-{secrets.token_hex(4)}"

    def info(self, miner: str, **more: Any) -> MinerInfo:
        """Who a miner is."""
        values: dict[str, Any] = {
            "driver": "whatsminer",
            "level": Level.GOLD,
            "make": "WhatsMiner",
            "model": "M64",
            "min_power_w": 1000,
            "max_power_w": 3600,
            "rated_power_w": 3600,
            "power_step_w": 1,
            "power_levels": (PowerLevel(name="full", power_w=3600),) if more.pop("has_levels", False) else (),
            "capabilities": (Capability.POWER_LIMIT, Capability.SLEEP, Capability.REBOOT, Capability.BLINK),
            **more,
        }
        return MinerInfo(site=self.site, at=self.now(), miner=miner, **values)

    def reading(self, miner: str, *, age_s: float = 0, **more: Any) -> MinerTelemetry:
        """How a miner is."""
        values: dict[str, Any] = {
            "state": MinerState.MINING,
            "health": Health.NORMAL,
            "power_w": 3000,
            "hashrate_ths": 150,
            "driver": "whatsminer",
            **more,
        }
        at = self.now() - timedelta(seconds=age_s)
        return MinerTelemetry(site=self.site, at=at, miner=miner, **values)

    def reached(self, miner: str, state: AvailabilityState = AvailabilityState.ONLINE) -> MinerAvailability:
        """Whether a miner answers."""
        now = self.now()
        return MinerAvailability(site=self.site, at=now, miner=miner, state=state, since=now)

    def battery(self, battery: str, **more: Any) -> BatteryTelemetry:
        """How a battery is."""
        values: dict[str, Any] = {"soc_pct": 58, "pv_w": 5000, "load_w": 7600, "battery_w": -2600, **more}
        return BatteryTelemetry(site=self.site, at=self.now(), battery=battery, driver="eg4_portal", **values)

    def decision(self, request: PowerRequest, effect: BidEffect, power_w: float, **more: Any) -> Decision:
        """What the controller makes of a request."""
        bid = HeardBid(
            **request.model_dump(
                include={"source", "scope", "name", "rank", "cap_w", "floor_w", "wish_w", "until", "why"}
            ),
            effect=effect,
            blocked_by=more.pop("blocked_by", None),
        )
        values: dict[str, Any] = {"reason": request.why, "bids": (bid,), "winner": request.name, **more}
        miner = request.scope
        return Decision(
            site=self.site, at=self.now(), miner=miner, id=f"d-{secrets.token_hex(4)}", power_w=power_w, **values
        )

    async def new_miner(self, **more: Any) -> str:
        """A miner that is there, with a reading."""
        miner = self.miner()
        await self.say("poller", self.info(miner, **more), self.reached(miner), self.reading(miner))
        return miner


async def until(ask: Any, holds: Any) -> Any:
    """Ask again until the answer is as it should be; returns that answer."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            answer = await ask()
            if holds(answer):
                return answer
            await asyncio.sleep(0.05)


async def seen(client: httpx.AsyncClient, miner: str) -> None:
    """Wait until the service knows a miner with its reading."""
    await until(
        lambda: client.get(f"/api/miner/{miner}"),
        lambda said: said.status_code == 200 and said.json()["telemetry"] and said.json()["info"],
    )
