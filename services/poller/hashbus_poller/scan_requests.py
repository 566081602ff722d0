"""Scans that somebody asks for over the bus: carried out one at a time, told about while they run.

No password is tried and nothing is changed. Only private addresses are visited: a page must not become a way to knock
on strangers' doors.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import aiohttp

from hashbus import logs
from hashbus.messages import FoundDevice, ScanRequest, ScanResult, ScanStatus
from hashbus_poller import strangers
from hashbus_poller.drivers.contract import Sighting, Wiring
from hashbus_poller.neighbours import neighbours
from hashbus_poller.networks import LARGEST_SCAN, Targets, WrongNetwork, own_networks, targets
from hashbus_poller.registry import drivers
from hashbus_poller.scanning import Scan, looks_of
from hashbus_poller.sightings import Findings, configuration
from hashbus_poller.tapes import Ring

if TYPE_CHECKING:
    from hashbus.bus import Bus
    from hashbus.clock import Clock

TOLD_EVERY_S = 1.0
MOST_FOUND = 5_000
CONNECTIONS = 200
"""Fewer than `hashbus scan` takes: the poller reads its miners at the same time."""

log = logs.get("scan")


class Scans:
    """Carries out what is asked, for one poller."""

    def __init__(
        self, bus: Bus, clock: Clock, http: Callable[[], aiohttp.ClientSession], known: Mapping[str, str]
    ) -> None:
        """`known` gives the ids of this site's devices by their address."""
        self._bus = bus
        self._clock = clock
        self._http = http
        self._known = known
        self._is_busy = False

    async def carry_out(self, request: ScanRequest) -> None:
        """Look who is there, and tell it while it goes on."""
        told = ScanResult(
            site=self._bus.site,
            at=self._clock.now(),
            asker=request.source,
            id=request.id,
            status=ScanStatus.RUNNING,
            networks=request.networks,
        )
        if self._is_busy:
            # The scan that runs goes on being told; a second answer under its asker would hide it.
            log.info("a scan is refused: one is running", id=request.id)
            return
        hosts = self._hosts(request)
        if isinstance(hosts, str):
            self._say(told, status=ScanStatus.REJECTED, message=hosts)
            return
        self._is_busy = True
        try:
            await self._walk(told, hosts)
        finally:
            self._is_busy = False

    def _hosts(self, request: ScanRequest) -> Targets | str:
        """Return the addresses to look at, or why there are none."""
        if request.expires_at <= self._clock.now():
            return "the request came too late"
        networks = request.networks or tuple(own_networks())
        if not networks:
            return "this machine has no private network of its own; name one, such as 192.168.1.0/24"
        try:
            hosts = targets(networks)
        except WrongNetwork as error:
            return str(error)
        if len(hosts) > LARGEST_SCAN:
            return f"{len(hosts):,} addresses are more than a /16 network; name smaller ones"
        return hosts if hosts.is_private else "some of these addresses are public; only private networks are scanned"

    async def _walk(self, told: ScanResult, hosts: Targets) -> None:
        findings = Findings()
        wiring = Wiring(self._clock, self._http, Ring(self._clock, 0))
        looks = (*looks_of(drivers().values()), *strangers.LOOKS)
        walk = Scan(looks, wiring, lambda one: self._note(findings, one), connections=CONNECTIONS)
        walking = asyncio.ensure_future(walk.walk(hosts))
        try:
            while not walking.done():
                self._tell(told, walk, findings, len(hosts))
                await asyncio.wait({walking}, timeout=TOLD_EVERY_S)
            walking.result()
            self._tell(told, walk, findings, len(hosts), is_over=True)
        except OSError as error:
            self._say(told, status=ScanStatus.FAILED, message=f"the scan had to stop: {error}")
        finally:
            walking.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await walking

    def _note(self, findings: Findings, sighting: Sighting) -> None:
        findings.add(replace(sighting, mac=sighting.mac or neighbours().get(sighting.host)))

    def _tell(self, told: ScanResult, walk: Scan, findings: Findings, total: int, *, is_over: bool = False) -> None:
        devices = findings.devices()[:MOST_FOUND]
        new = [device for device in devices if device.host not in self._known]
        self._say(
            told,
            status=ScanStatus.DONE if is_over else ScanStatus.RUNNING,
            visited=walk.tally.done,
            total=total,
            answering=walk.tally.answering,
            strangers=walk.tally.strangers,
            found=tuple(self._found(device) for device in devices),
            configuration=configuration(new, drivers(), set(self._known.values())) if is_over and new else "",
        )

    def _found(self, device: Sighting) -> FoundDevice:
        return FoundDevice(
            host=device.host,
            driver=device.driver,
            make=_word(device.make),
            model=_word(device.model),
            firmware=_word(device.firmware),
            mac=device.mac,
            hashrate_ths=device.hashrate_ths,
            power_w=device.power_w,
            note=device.note,
            configured_as=self._known.get(device.host),
        )

    def _say(self, told: ScanResult, **news: object) -> None:
        self._bus.publish(told.model_copy(update={"at": self._clock.now(), **news}))


def _word(text: str | None) -> str | None:
    """Return what a device says of itself, no longer than a page can show."""
    return None if text is None else text[:200]
