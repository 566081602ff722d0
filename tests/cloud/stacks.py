"""The parts of a site and of the cloud as real processes, and a poller that counts what it does."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import DeviceOrder, MinerState, MinerTelemetry, OrderResult, OrderStatus
from hashbus.mqtt_bus import MqttBus
from hashbus.settings import BrokerSettings
from hashbus_collector.database import open_database
from hashbus_collector.settings import DatabaseSettings
from hashbus_poller.at_most_once import AtMostOnce, Outcome
from hashbus_poller.journal import Key, OrderJournal
from tests.collector.clouds import Visitor
from tests.servers import Collector, Daemon, answers, free_port

DYING = Path(__file__).with_name("dying.py")
PATIENCE_S = 180.0


async def until(ask: Callable[[], Any], holds: Callable[[Any], bool] = bool) -> Any:
    """Ask until the answer is right: three minutes at most, as an order without an answer is said again each minute."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds(found := await ask()):  # noqa: ASYNC110 (what is waited for gives no signal)
            await asyncio.sleep(0.1)
    return found


class Bridge(Daemon):
    """A bridge as a process of its own, between a broker and a collector."""

    def __init__(self, folder: Path, site: str, broker: dict[str, Any], url: str, key: str, **settings: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        (folder / "key").write_text(key)
        self.config = folder / "bridge.yaml"
        section = {"url": url, "api_key_file": str(folder / "key"), "upload_s": 1, "commands_s": 1, **settings}
        written = {"site": site, "data_dir": str(folder), "broker": broker, "health": {"port": port}, "bridge": section}
        self.config.write_text(yaml.safe_dump(written))
        super().__init__(
            [sys.executable, "-m", "hashbus_bridge", "--config", str(self.config)],
            port=port,
            log=folder / "bridge.log",
            is_ready=lambda: answers(f"http://{self.host}:{port}/healthz"),
        )


def let_die(daemon: Daemon, folder: Path, steps: Sequence[str], *, lives_s: float = 0) -> None:
    """Let a service that is not started yet be killed at each of these steps, the first time it comes there.

    `lives_s`: so long it lives at least between two deaths.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _, _, module, *arguments = daemon._command
    daemon._command = [sys.executable, str(DYING), str(folder), str(lives_s), ",".join(steps), module, *arguments]
    # One that dies while it starts is started again by whoever watches it.
    daemon._is_ready = lambda: True


@asynccontextmanager
async def watched(*daemons: Daemon) -> AsyncIterator[None]:
    """Start each again that has died, as a supervisor does."""

    async def watch() -> None:
        while True:
            for one in daemons:
                if one._process is not None and one._process.poll() is not None:
                    one._process = None
                    await asyncio.to_thread(one.start)
            await asyncio.sleep(0.05)

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        task.cancel()


class CountingPoller:
    """A poller with the real journal, whose miners only count what is done to them."""

    results = OrderResult

    def __init__(self, folder: Path, bus: MqttBus) -> None:
        self.done: Counter[str] = Counter()
        self.said: set[tuple[str, Any]] = set()
        self.bus = bus
        self.once = AtMostOnce(bus, SYSTEM_CLOCK, OrderJournal(folder / "orders.db"), self)

    def key(self, order: DeviceOrder) -> Key:
        return order.source, order.id

    async def do(self, order: DeviceOrder) -> Outcome:
        self.done[order.id] += 1
        return Outcome(OrderStatus.DONE, "ok", "done")

    async def find_out(self, order: DeviceOrder) -> Outcome:
        raise AssertionError(f"{order.id} was interrupted, and nobody interrupts this poller")

    def result(self, order: DeviceOrder, outcome: Outcome) -> OrderResult:
        return OrderResult(
            site=order.site,
            at=SYSTEM_CLOCK.now(),
            miner=order.miner,
            asker=order.source,
            id=order.id,
            command=order.command,
            status=outcome.status,
            code=outcome.code,
            message=outcome.message,
        )

    async def obey(self) -> None:
        async with self.bus.subscribe(DeviceOrder) as orders, asyncio.TaskGroup() as tasks:
            async for order in orders:
                tasks.create_task(self.once.carry_out(order))

    async def say_readings(self, *miners: str) -> None:
        """Read the miners as often as a quick poller does, for ever."""
        while True:
            for miner in miners:
                self.say_reading(miner)
            await asyncio.sleep(1.3)

    def say_reading(self, miner: str) -> None:
        at = SYSTEM_CLOCK.now()
        self.said.add((miner, at))
        self.bus.publish(
            MinerTelemetry(
                site=self.bus.site,
                at=at,
                miner=miner,
                driver="x",
                state=MinerState.MINING,
                hashrate_ths=100,
                power_w=3000,
            )
        )


@asynccontextmanager
async def counting_poller(folder: Path, port: int, site: str) -> AsyncIterator[CountingPoller]:
    """Run such a poller on a broker."""
    broker = BrokerSettings(port=port)
    async with MqttBus(broker, site=site, account="poller", client_id=f"{site}-poller") as bus:
        await bus.connected()
        poller = CountingPoller(folder, bus)
        task = asyncio.create_task(poller.obey())
        try:
            yield poller
        finally:
            task.cancel()


@asynccontextmanager
async def visitor(collector: Collector, name: str = "anna") -> AsyncIterator[Visitor]:
    """A person who is logged in; the person must be known."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)))
        one = Visitor(http, collector.url)
        await one.log_in(name)
        yield one


async def stored(database_url: str, site: str) -> set[tuple[str, Any]]:
    """Every reading in the history of a site: which miner, taken when."""
    database = await open_database(DatabaseSettings(), database_url, None)
    try:
        rows = await database.fetch(
            "SELECT m.miner_id, h.recorded_at FROM history h JOIN miner m ON m.no = h.miner WHERE m.site = $1", site
        )
    finally:
        await database.close()
    return {(row["miner_id"], row["recorded_at"]) for row in rows}
