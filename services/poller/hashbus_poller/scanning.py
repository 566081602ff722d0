"""Finding devices on a network: connect to the ports that drivers know, and ask politely whoever opens one.

No password is tried and nothing is changed. Only as many hosts are held in memory as are being looked at.
"""

from __future__ import annotations

import asyncio
import errno
import resource
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from hashbus import logs
from hashbus_poller.drivers.contract import DeviceError, DriverSpec, Look, Sighting, Wiring
from hashbus_poller.shared import Shared
from hashbus_poller.sightings import merged

CONNECTIONS = 500
CONNECT_TIMEOUT_S = 1.5
"""Seconds; a miner in the same network answers in milliseconds, one behind a busy radio link in one."""

LONGEST_ASK_S = 10.0
"""Seconds that one driver may take to recognise a device; its own limits are shorter."""

SPARE_FILES = 64
"""Files that the process needs for itself beside the connections of a scan."""

MOST_STRANGERS = 20
"""Unknown devices whose addresses are remembered; the others are only counted."""

log = logs.get("scan")


class Door(Enum):
    """What a host does with a connection to one of its ports."""

    OPEN = "open"
    CLOSED = "closed"
    SILENT = "silent"


@dataclass
class Tally:
    """How far a scan is."""

    done: int = 0
    answering: int = 0
    found: int = 0
    strangers: int = 0
    some_strangers: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def note_stranger(self, host: str, ports: Iterable[int]) -> None:
        """Remember a host that opens a port and that no driver knows."""
        self.strangers += 1
        if len(self.some_strangers) < MOST_STRANGERS:
            self.some_strangers[host] = tuple(ports)


def looks_of(specs: Iterable[DriverSpec]) -> tuple[Look, ...]:
    """Return how the drivers recognise their devices."""
    return tuple(look for spec in specs for look in spec.looks)


def most_connections() -> int:
    """Return how many connections this process may have, after asking the system for as many as it gives."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return max(1, hard - SPARE_FILES)


class Scan:
    """One walk over many hosts. `tally` is right at every moment, also after the walk was cancelled."""

    def __init__(
        self,
        looks: Sequence[Look],
        wiring: Wiring,
        hear: Callable[[Sighting], None],
        *,
        connections: int = CONNECTIONS,
        timeout_s: float = CONNECT_TIMEOUT_S,
    ) -> None:
        """Call `hear` with each device as it is found; open at most `connections` at the same time."""
        self.tally = Tally()
        self._looks = looks
        self._ports = sorted({look.port for look in looks})
        self._wiring = wiring
        self._hear = hear
        self._timeout_s = timeout_s
        # All ports of a host are tried at once: a host that is not there costs one time-out.
        self._workers = max(1, min(connections, most_connections()) // max(1, len(self._ports)))

    async def walk(self, hosts: Iterable[str]) -> None:
        """Look at every host once."""
        remaining = iter(hosts)
        async with asyncio.TaskGroup() as tasks:
            for number in range(self._workers):
                tasks.create_task(self._work(remaining), name=f"scan worker {number}")

    async def _work(self, hosts: Iterator[str]) -> None:
        for host in hosts:
            await self._visit(host)
            self.tally.done += 1

    async def _visit(self, host: str) -> None:
        doors = await asyncio.gather(*(knock(host, port, self._timeout_s) for port in self._ports))
        is_there = any(door is not Door.SILENT for door in doors)
        self.tally.answering += is_there
        ports = [port for port, door in zip(self._ports, doors, strict=True) if door is Door.OPEN]
        if not ports:
            return
        sightings = await recognise(host, ports, self._looks, self._wiring)
        if not sightings:
            self.tally.note_stranger(host, ports)
        for sighting in sightings:
            self.tally.found += 1
            self._hear(sighting)


async def knock(host: str, port: int, timeout_s: float) -> Door:
    """Connect to a port and hang up: does anybody listen there, is anybody there at all?"""
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as door:
            door.setblocking(False)
            async with asyncio.timeout(timeout_s):
                await loop.sock_connect(door, (host, port))
    except ConnectionRefusedError:
        return Door.CLOSED
    except OSError as error:  # a TimeoutError is one
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise  # nothing was tried: that must not look like a host that is not there
        return Door.SILENT
    return Door.OPEN


async def recognise(host: str, ports: Iterable[int], looks: Iterable[Look], wiring: Wiring) -> list[Sighting]:
    """Ask whoever opened a port, the specific driver first; return each device once, with all that it told."""
    unknown = set(ports)
    sightings = []
    # What one has read, such as the start page, the next need not ask for; it is forgotten with the visit.
    wiring = replace(wiring, shared=Shared())
    for look in sorted(looks, key=lambda look: look.order):
        if look.port in unknown:
            sighting = await ask(look, host, look.port, wiring)
            if sighting is not None:
                sightings.append(sighting)
                unknown.discard(look.port)
    return merged(sightings)


async def ask(look: Look, host: str, port: int, wiring: Wiring) -> Sighting | None:
    """Let a driver look at an open port; None when the device is not one of its own, or does not say so in time."""
    try:
        async with asyncio.timeout(LONGEST_ASK_S):
            return await look.ask(host, port, wiring)
    except (DeviceError, TimeoutError):
        return None
    except Exception as error:  # noqa: BLE001 (a plugin may fail in any way; the scan goes on without it)
        log.warning("a driver failed to look", host=host, port=port, problem=f"{type(error).__name__}: {error}")
        return None
