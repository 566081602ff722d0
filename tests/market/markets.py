"""Emulated markets on real sockets, and the market service in front of them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from hashbus.bus import Subscription
from hashbus.clock import SYSTEM_CLOCK, Clock
from hashbus.health import Health
from hashbus.messages import (
    BitcoinPrice,
    CurrencyRates,
    Hashprice,
    Indicators,
    Message,
    MinerEconomics,
    NetworkState,
    PowerPrice,
    PowerRequest,
    SiteEconomics,
)
from hashbus.service import Running
from hashbus.testing.memory_bus import MemoryBroker, MemoryBus
from hashbus_market.service import main
from hashbus_market.settings import MarketSettings
from hashbus_simulator.faults import Fault, FaultKind
from hashbus_simulator.fleet import Fleet
from hashbus_simulator.market.venue import MarketVenue
from hashbus_simulator.settings import SimulatorSettings

EXCHANGES = ("binance", "okx", "deribit", "bybit")
CHAINS = ("mempool", "blockchain_info")
SOURCES = (*EXCHANGES, "coingecko", *CHAINS)
PATIENCE_S = 20.0
SAID = (
    BitcoinPrice,
    NetworkState,
    CurrencyRates,
    Hashprice,
    Indicators,
    PowerPrice,
    MinerEconomics,
    SiteEconomics,
    PowerRequest,
)


class Markets:
    """All emulated venues of a test, and what they can be made to do."""

    def __init__(self, network: str, venues: tuple[str, ...] = SOURCES, **settings: Any) -> None:
        """`network` is the address of the test file alone, such as 127.94.1."""
        blocks = [
            {"family": "market", "venue": venue, "id": venue, "host": f"{network}.{number}", "ports": {"web": 0}}
            for number, venue in enumerate(venues, start=11)
        ]
        self.fleet = Fleet(SimulatorSettings.model_validate({"devices": [{**block, **settings} for block in blocks]}))

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Markets"]:
        async with self.fleet:
            yield self

    def venue(self, name: str) -> MarketVenue:
        found = self.fleet.devices[name]
        assert isinstance(found, MarketVenue)
        return found

    @property
    def urls(self) -> dict[str, str]:
        """The address of each venue."""
        return {
            name: f"http://{device.place.host}:{device.ports[0].number}" for name, device in self.fleet.devices.items()
        }

    async def fails(self, name: str, kind: str, **more: Any) -> None:
        """Let a venue misbehave: a fault of the network, or one of its own."""
        if kind in set(FaultKind):
            await self.fleet.presences[name].put_fault(Fault(kind=FaultKind(kind), **more))
        else:
            self.venue(name).show_symptom(kind, more.get("count"))

    async def behaves(self, name: str) -> None:
        """Let a venue behave again."""
        await self.fleet.presences[name].clear_fault()
        self.venue(name).clear_symptoms()


class Site:
    """A market service on a bus in memory, and everything that it says."""

    def __init__(self, folder: Path, clock: Clock = SYSTEM_CLOCK, **market: Any) -> None:
        self.settings = MarketSettings.model_validate({"data_dir": folder, "market": market})
        self.broker = MemoryBroker()
        self.clock = clock
        self.health = Health("market", "test", SYSTEM_CLOCK.now())
        self.poller = MemoryBus(self.broker, "poller")
        self.heard: list[Message] = []

    @contextlib.asynccontextmanager
    async def running(self, *, once: bool = False) -> AsyncIterator["Site"]:
        bus, ears = MemoryBus(self.broker, "market"), MemoryBus(self.broker, "recorder")
        running = Running("market", self.settings, bus, self.clock, self.health, once=once, dry_run=False)
        async with ears.subscribe(*SAID) as subscription:
            task = asyncio.create_task(main(running))
            listening = asyncio.create_task(self._listen(subscription))
            try:
                if once:
                    async with asyncio.timeout(PATIENCE_S):
                        await task
                yield self
            finally:
                for one in (task, listening):
                    one.cancel()
                await asyncio.gather(task, listening, return_exceptions=True)

    async def _listen(self, subscription: Subscription[Any]) -> None:
        async for message in subscription:
            self.heard.append(message)

    def last(self, kind: type[Message]) -> Any:
        """The last message of a type, None before the first."""
        return next((one for one in reversed(self.heard) if isinstance(one, kind)), None)

    async def says(self, kind: type[Message], holds: Callable[[Any], bool] = lambda _: True) -> Any:
        """Wait until a message of a type that fits has been said last."""
        await until(lambda: (last := self.last(kind)) is not None and holds(last))
        return self.last(kind)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 (what is waited for gives no signal)
            await asyncio.sleep(0.02)
