"""All emulated devices of one process: built from the settings, started, found and stopped together."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import Self

from hashbus_simulator.blocks import DeviceBlock
from hashbus_simulator.clock import SimulatedClock
from hashbus_simulator.devices import build_device
from hashbus_simulator.devices.contract import EmulatedDevice, Place, World
from hashbus_simulator.house import House
from hashbus_simulator.http import HttpFront
from hashbus_simulator.presence import Presence
from hashbus_simulator.rooms import Rooms
from hashbus_simulator.serving import raise_file_limit
from hashbus_simulator.settings import SimulatorSettings


class Fleet:
    """The emulated devices by id, in the order of the configuration.

    The same settings give the same ids, identities and figures. Use as an asynchronous context manager, or call
    `start` and `stop`.
    """

    def __init__(self, settings: SimulatorSettings, clock: SimulatedClock | None = None) -> None:
        self.devices: dict[str, EmulatedDevice] = {}
        self.world = self._world(settings, clock or SimulatedClock(speed=settings.speed))
        self.presences: dict[str, Presence] = {}
        for block, place in _places(settings):
            self.devices[place.id] = build_device(block, place, self.world)
        self._front: HttpFront | None = None

    def _world(self, settings: SimulatorSettings, clock: SimulatedClock) -> World:
        """The clock and the house with its rooms that all devices of this fleet hang on."""
        house = House(
            settings.house,
            clock=clock,
            starts_at=datetime.fromtimestamp(clock.unix_s(), UTC),
            miners_w=lambda: sum(max(0.0, device.power_w) for device in self.devices.values()),
        )
        return World(clock=clock, house=house, rooms=Rooms(house, lambda miner: self.devices[miner].power_w))

    async def start(self) -> None:
        """Listen on all ports of all devices. Raises PortError when one cannot be had."""
        raise_file_limit()
        self._front = HttpFront()
        try:
            for device_id, device in self.devices.items():
                presence = Presence(device_id, device, self.world.clock, self._front)
                self.presences[device_id] = presence
                await presence.open()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Leave the network."""
        for presence in self.presences.values():
            presence.stop()
        self.presences.clear()
        if self._front is not None:
            await self._front.close()
        await asyncio.sleep(0)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


def _places(settings: SimulatorSettings) -> Iterator[tuple[DeviceBlock, Place]]:
    """A place for each device; addresses of a block count up, skipping .0 and .255."""
    before: DeviceBlock | None = None
    host = IPv4Address(0)
    for number, (block, device_id) in enumerate(settings.named(), start=1):
        host = block.host if block is not before else _next_host(host)
        before = block
        yield block, _place(host, number, device_id, settings.seed)


def _next_host(host: IPv4Address) -> IPv4Address:
    following = host + 1
    while following.packed[3] in (0, 255):
        following += 1
    return following


def _place(host: IPv4Address, number: int, device_id: str, seed: int) -> Place:
    """Identity from the seed and the position: locally administered MAC, serial number."""
    digits = (seed << 24) + number
    octets = [0xC2, *(digits >> shift & 0xFF for shift in (32, 24, 16, 8, 0))]
    return Place(
        id=device_id,
        host=str(host),
        seed=seed * 1_000_003 + number,
        mac=":".join(f"{octet:02X}" for octet in octets),
        serial=f"HB{seed % 1000:03d}{number:010d}",
    )
