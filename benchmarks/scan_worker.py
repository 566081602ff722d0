"""The walk of `hashbus scan` over a piece of a network, told when."""

from __future__ import annotations

import time
from typing import Any

from benchmarks import workers
from benchmarks.bare_scanner import cost
from hashbus.clock import SYSTEM_CLOCK
from hashbus_poller import strangers
from hashbus_poller.client import http_client
from hashbus_poller.drivers.contract import Sighting, Wiring
from hashbus_poller.networks import targets
from hashbus_poller.registry import drivers
from hashbus_poller.scanning import CONNECTIONS, Scan, looks_of
from hashbus_poller.sightings import Findings
from hashbus_poller.tapes import Ring

LOOKS = (*looks_of(drivers().values()), *strangers.LOOKS)


async def scan(first: str, last: str) -> dict[str, Any]:
    """Look at every address from `first` to `last`."""
    began = time.perf_counter(), time.process_time()
    findings = Findings()

    def hear(device: Sighting) -> None:
        findings.add(device)

    async with http_client() as http:
        wiring = Wiring(SYSTEM_CLOCK, lambda: http, Ring(SYSTEM_CLOCK, 0))
        walk = Scan(LOOKS, wiring, hear)
        await walk.walk(targets([f"{first}-{last}"]))
    return {
        **cost(*began),
        "hosts": walk.tally.done,
        "found": len(findings.devices()),
        "ports": sorted({look.port for look in LOOKS}),
        "at_once": CONNECTIONS,
    }


async def main() -> None:
    """Walk whenever told."""
    await workers.obey({"scan": scan})


if __name__ == "__main__":
    workers.run(main())
