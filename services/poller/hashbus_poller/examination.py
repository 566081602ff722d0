"""Looking at one device once: who it is, what it says, how long each step took, and what went wrong."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from hashbus.clock import Clock
from hashbus.messages import Health, MinerIdentity, MinerReading
from hashbus.messages.base import Part
from hashbus_poller.drivers.contract import (
    DeviceError,
    DeviceKind,
    DeviceOptions,
    DriverSpec,
    Look,
    Sighting,
    Unreachable,
    Unsupported,
    Wiring,
)
from hashbus_poller.scanning import Door, knock, recognise
from hashbus_poller.vitals import Thresholds, judge

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done, and the error in which it ended, if it did."""

    name: str
    took_ms: float
    error: DeviceError | None = None


@dataclass
class Examination:
    """What is known of a device; steps are added as they are done."""

    clock: Clock
    identity: MinerIdentity | None = None
    reading: Part | None = None
    steps: list[Step] = field(default_factory=list)

    @property
    def error(self) -> DeviceError | None:
        """Return the first error."""
        return next((step.error for step in self.steps if step.error), None)

    @property
    def health(self) -> Health:
        """Return the status word under the usual thresholds."""
        if not isinstance(self.reading, MinerReading):
            return Health.UNKNOWN
        return judge(self.reading, Thresholds(), Health.UNKNOWN)

    async def step(self, name: str, act: Callable[[], Awaitable[T]]) -> T | None:
        """Do one step and take its time; None when it ended in a DeviceError."""
        began_s = self.clock.monotonic()
        result, error = None, None
        try:
            result = await act()
        except DeviceError as problem:
            error = problem
        self.steps.append(Step(name, (self.clock.monotonic() - began_s) * 1000, error))
        return result


async def examine(spec: DriverSpec, options: DeviceOptions, wiring: Wiring, so_far: Examination) -> None:
    """Identify a device and read it once with its driver.

    A device that does not identify itself is read all the same, unless it is not reached at all.
    """
    driver = spec.create(options, wiring)
    try:
        if spec.kind is DeviceKind.MINER:
            so_far.identity = await so_far.step("identify", driver.identify)
            if isinstance(so_far.error, Unreachable):
                return
        so_far.reading = await so_far.step("read", driver.read)
    finally:
        await driver.close()


async def find(host: str, port: int | None, looks: Iterable[Look], wiring: Wiring, *, timeout_s: float) -> Sighting:
    """Find out which driver knows a device.

    Asked is at the ports that drivers look at, or at `port` alone. Unreachable when nobody opens one of them,
    Unsupported when nobody knows who does.
    """
    address = await _address(host)
    chosen = _at_port(looks, port)
    ports = sorted({look.port for look in chosen})
    doors = await asyncio.gather(*(knock(address, one, timeout_s) for one in ports))
    opened = [one for one, door in zip(ports, doors, strict=True) if door is Door.OPEN]
    if not opened:
        raise _nobody(host, ports, doors)
    sightings = await recognise(address, opened, chosen, wiring)
    if not sightings:
        raise Unsupported(f"{_listed(opened)} of {host} is open, but no installed driver knows who answers there")
    return sightings[0]


async def _address(host: str) -> str:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        # UnicodeError: what a name can end in that is none at all.
        raise Unreachable(f"{host} is not known: {getattr(error, 'strerror', None) or error}") from None
    return str(found[0][4][0])


def _at_port(looks: Iterable[Look], port: int | None) -> list[Look]:
    """Return the looks at a port; at a port that no driver looks at, everybody may."""
    looks = list(looks)
    if port is None:
        return looks
    return [look for look in looks if look.port == port] or [replace(look, port=port) for look in looks]


def _nobody(host: str, ports: list[int], doors: Iterable[Door]) -> Unreachable:
    if Door.CLOSED in doors:
        return Unreachable(f"{host} is there, but nothing listens on {_listed(ports)}", is_refused=True)
    return Unreachable(f"{host} does not answer on {_listed(ports)}")


def _listed(ports: list[int]) -> str:
    word = "port" if len(ports) == 1 else "ports"
    return f"{word} {', '.join(map(str, ports))}"
