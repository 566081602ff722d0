"""A poller with the simulator's devices in front of it and a bus behind it, all in this process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

from hashbus.bus import M, Subscription
from hashbus.clock import SYSTEM_CLOCK, Clock
from hashbus.health import Health
from hashbus.messages import Message
from hashbus.service import Running
from hashbus.testing.memory_bus import MemoryBroker, MemoryBus
from hashbus_poller.service import main
from hashbus_poller.settings import settings_model
from hashbus_simulator.faults import Fault, FaultKind
from hashbus_simulator.fleet import Fleet
from hashbus_simulator.settings import SimulatorSettings

PATIENCE_S = 30.0


class Site:
    """What a test sees of a running poller: the bus around it and the truth in front of it."""

    def __init__(self, broker: MemoryBroker, fleet: Fleet, health: Health) -> None:
        self.broker = broker
        self.fleet = fleet
        self.health = health
        self._buses: dict[str, MemoryBus] = {}

    def bus(self, account: str) -> MemoryBus:
        """The place of another service on the bus."""
        if account not in self._buses:
            self._buses[account] = MemoryBus(self.broker, account)
        return self._buses[account]

    def truth(self, device: str) -> Mapping[str, object]:
        """What is really so in the emulated device."""
        return self.fleet.devices[device].truth()

    async def misbehave(self, device: str, kind: FaultKind | None) -> None:
        """Let a device misbehave, or behave again."""
        presence = self.fleet.presences[device]
        if kind is None:
            await presence.clear_fault()
        else:
            await presence.put_fault(Fault(kind=kind))


async def until(subscription: Subscription[M], holds: Callable[[M], bool]) -> M:
    """Read until a message is as it should be."""
    seen: list[Message] = []
    try:
        async with asyncio.timeout(PATIENCE_S):
            async for message in subscription:
                seen.append(message)
                if holds(message):
                    return message
    except TimeoutError:
        last = seen[-1].encode().decode() if seen else "nothing"
        raise AssertionError(f"it did not come; the last of {len(seen)} heard was {last}") from None
    raise AssertionError("the subscription ended")


@contextlib.asynccontextmanager
async def site(
    tmp_path: Path,
    *,
    emulated: list[dict[str, object]],
    devices: Mapping[str, Mapping[str, object]],
    speed: float = 200.0,
    clock: Clock = SYSTEM_CLOCK,
    broker: MemoryBroker | None = None,
    once: bool = False,
    **poller: object,
) -> AsyncIterator[Site]:
    """Run the emulated devices and a poller that reads them every second."""
    simulated = SimulatorSettings.model_validate({"speed": speed, "control_port": None, "devices": emulated})
    settings: Any = settings_model().model_validate(
        {"data_dir": tmp_path, "poller": {"interval_s": 1, "offline_retry_s": 1, **poller, "devices": devices}}
    )
    health = Health("poller", "test", clock.now())
    broker = broker or MemoryBroker()
    async with Fleet(simulated) as fleet:
        found = Site(broker, fleet, health)
        bus = MemoryBus(broker, "poller")
        task = asyncio.create_task(main(Running("poller", settings, bus, clock, health, once, dry_run=False)))
        try:
            yield found
            if once:
                await task
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
