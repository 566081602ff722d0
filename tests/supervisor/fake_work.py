"""What the services of these tests do on the bus."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hashbus import service
from hashbus.messages import AvailabilityState, Level, MinerAvailability, MinerInfo, MinerState, MinerTelemetry
from hashbus.service import Running
from hashbus.settings import SiteSettings
from hashbus.topics import service_kind
from tests.servers import accepts_connections


class FakeSettings(SiteSettings):
    poller: Any = None
    recorder: Any = None


def run(account: str, work: Callable[[Running[FakeSettings]], Awaitable[None]], argv: list[str]) -> int:
    """Run as the service behind an account."""
    return service.run(service_kind(account), FakeSettings, work, argv)


async def read_a_miner(running: Running[FakeSettings]) -> None:
    """Speak as a poller that reads one miner."""
    site, now = running.settings.site, running.clock.now()
    who = {"site": site, "at": now, "miner": "attic"}
    figures = {
        "state": MinerState.MINING,
        "hashrate_ths": 212,
        "power_w": 3600,
        "chip_max_c": 76,
        "liquid_c": 41,
        "ambient_c": 19.5,
    }
    for message in (
        MinerInfo(**who, driver="whatsminer", level=Level.GOLD, make="WhatsMiner", model="M64_VL40"),
        MinerTelemetry(**who, **figures, driver="whatsminer"),
        MinerAvailability(**who, state=AvailabilityState.ONLINE, since=now),
    ):
        running.bus.publish(message)
    await asyncio.Event().wait()


async def work(running: Running[FakeSettings], diary: Path) -> None:
    """Do nothing until told to stop, and write down whether the broker is still there then."""
    try:
        await asyncio.Event().wait()
    finally:
        broker = running.settings.broker
        is_there = accepts_connections(broker.host, broker.port)
        with diary.open("a") as file:
            file.write(f"{running.account} ended, broker {'there' if is_there else 'gone'}\n")
