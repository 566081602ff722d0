"""The real poller, told round by round: all its miners are visited once, and every message is confirmed by the broker.

What differs from the service is only who says when: its schedule waits for no round to end.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import workers
from hashbus.clock import SYSTEM_CLOCK
from hashbus.health import Health
from hashbus.mqtt_bus import MqttBus
from hashbus.service import Running, collect_garbage_rarely
from hashbus.settings import load
from hashbus_poller.client import http_client
from hashbus_poller.fleet import Fleet
from hashbus_poller.settings import settings_model


async def main(site_file: Path) -> None:
    """Make the fleet of a site file and visit it whenever told."""
    settings: Any = load(settings_model(), site_file, account="poller")
    collect_garbage_rarely()
    health = Health("poller", "benchmark", SYSTEM_CLOCK.now())
    async with http_client() as http, MqttBus(settings.broker, site=settings.site, account="poller") as bus:
        running = Running("poller", settings, bus, SYSTEM_CLOCK, health, once=False, dry_run=False)
        fleet = Fleet(running, lambda: http, settings.poller.devices)
        await workers.obey({"round": Visits(fleet, bus).round})
        await fleet.close()


class Visits:
    """Visits the miners of a family, or of all, and counts time and CPU."""

    def __init__(self, fleet: Fleet, bus: MqttBus) -> None:
        """Visit `fleet`."""
        self._fleet = fleet
        self._bus = bus

    async def round(self, families: list[str]) -> dict[str, float]:
        """Visit every miner of these families once; as many at a time as the site file allows."""
        polls = [poll for poll in self._fleet.polls.values() if poll.device.spec.name in families]
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        answered = await asyncio.gather(*(poll.round() for poll in polls))
        await self._bus.flush()
        return {
            "seconds": time.perf_counter() - began_s,
            "cpu_s": time.process_time() - began_cpu_s,
            "readings": sum(answered),
            "failures": len(polls) - sum(answered),
        }


if __name__ == "__main__":
    workers.run(main(Path(sys.argv[1])))
