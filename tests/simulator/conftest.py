"""Emulated fleets for the tests of the simulator."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from hashbus_simulator.clock import SimulatedClock
from hashbus_simulator.fleet import Fleet
from hashbus_simulator.settings import SimulatorSettings
from tests.simulator.wire import PATIENCE_S

Emulate = Callable[..., Awaitable["Emulated"]]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something to become true, for as long as a slow machine may need."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


class HandClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.unix_s = 1_760_000_000.0

    def __call__(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> None:
        """Let simulated and wall time pass."""
        self.seconds += seconds
        self.unix_s += seconds


class Emulated:
    """A running fleet of one device, with its addresses at hand."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.device = next(iter(fleet.devices.values()))
        self.presence = next(iter(fleet.presences.values()))
        self.host = self.device.place.host

    def port(self, name: str) -> int:
        """The number of a port by its name."""
        return next(port.number for port in self.device.ports if port.name == name)

    async def back(self) -> None:
        """Wait until it has gone through a reboot."""
        await until(lambda: self.truth["reboots"] > 0 and self.presence.is_reachable)

    @property
    def truth(self) -> dict[str, Any]:
        """What really is."""
        return dict(self.device.truth())


@pytest.fixture
def clock() -> HandClock:
    """Time that only the test moves."""
    return HandClock()


@pytest.fixture
async def emulate(clock: HandClock) -> AsyncIterator[Emulate]:
    """Start one emulated device on free ports; it lives on the test's clock, or on a fast one with `speed`."""
    async with AsyncExitStack() as stack:

        async def start(family: str, *, speed: float | None = None, **options: Any) -> Emulated:
            ports = {"api": 0, "cgminer": 0, "web": 0}
            device = {"family": family, "host": "127.0.0.1", "ports": ports, **options}
            settings = SimulatorSettings.model_validate({"devices": [device]})
            by_hand = SimulatedClock(monotonic=clock, unix=lambda: clock.unix_s)
            fleet = Fleet(settings, by_hand if speed is None else SimulatedClock(speed=speed))
            return Emulated(await stack.enter_async_context(fleet))

        yield start
