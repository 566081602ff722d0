"""Sharing the devices with the other pollers of the site: by a fixed part, or with whoever is there now."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from hashbus import logs
from hashbus.messages import AvailabilityState, PollerBeat, ServiceStatus
from hashbus_poller.membership import Claims, Roster
from hashbus_poller.sharding import owner_of, part_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hashbus.messages import Message
    from hashbus.service import Running

log = logs.get("sharing")

FIRST = 1
LOOKS_A_BEAT = 4
"""How often between two heartbeats it is looked who is there."""


class Devices(Protocol):
    """What is taken and let go."""

    @property
    def taken(self) -> frozenset[str]:
        """The devices that are read now."""
        ...

    def take(self, device_id: str) -> None:
        """Begin to read a device."""
        ...

    async def let_go(self, device_id: str, patience_s: float) -> None:
        """Read a device no more; an exchange with it may end within `patience_s`."""
        ...


class Sharing(Protocol):
    """What the rest of the poller asks of sharing."""

    @property
    def is_first(self) -> bool:
        """Whether this poller does what one of them alone has to do."""
        ...

    async def is_mine(self, device_id: str) -> bool:
        """Say whether this poller answers for a device, once it can; also for one that does not exist."""
        ...


class FixedPart:
    """A part of the devices that never changes: 2/3 is the second of three."""

    def __init__(self, part: int, parts: int) -> None:
        """Answer for that part."""
        self._part, self._parts = part, parts

    @property
    def is_first(self) -> bool:
        """The first part does what is to be done once."""
        return self._part == FIRST

    def has(self, device_id: str) -> bool:
        """Say whether a device is in this part."""
        return part_of(device_id, self._parts) == self._part

    async def is_mine(self, device_id: str) -> bool:
        """Say whether this poller answers for a device."""
        return self.has(device_id)


class LivePart:
    """A part of the devices that follows who is there: a dead poller's devices come, a new one's go.

    The beat is a third of the lease. Who begins listens for a beat and a half before it says that it is there; a device
    that has become this poller's is taken a beat later, so that whoever had it has let go.
    """

    def __init__(self, running: Running[Any], devices: Mapping[str, str | None], fleet: Devices) -> None:
        """Take nothing yet. `devices` are all of the site, each with the poller it is bound to or None."""
        section = running.settings.poller
        self._bus, self._clock, self._me = running.bus, running.clock, running.account
        self._site, self._devices, self._fleet = running.settings.site, devices, fleet
        self._lease_s, self._cut_off_s = section.lease_s, section.cut_off_s
        self._beat_s = section.lease_s / 3
        self._roster, self._claims = Roster(), Claims()
        self._members: frozenset[str] = frozenset()
        self._news = asyncio.Event()
        self._begin()

    def _begin(self) -> None:
        """Know nobody, and listen before speaking."""
        now_s = self._clock.monotonic()
        self._roster, self._members = Roster(), frozenset()
        self._next_beat_s = now_s + 1.5 * self._beat_s
        self._looked_s = self._connected_s = now_s

    @property
    def is_first(self) -> bool:
        """The first by name of those that are there does what is to be done once."""
        return self._me == min(self._members, default=None)

    async def is_mine(self, device_id: str) -> bool:
        """Say whether this poller answers for a device; one that is just being handed over is waited for."""
        while not self._members or self._is_coming(device_id):
            self._news.clear()
            await self._news.wait()
        return self._owner(device_id) == self._me

    def _is_coming(self, device_id: str) -> bool:
        is_known = device_id in self._devices
        return is_known and self._owner(device_id) == self._me and device_id not in self._fleet.taken

    def _owner(self, device_id: str) -> str | None:
        return self._devices.get(device_id) or owner_of(device_id, self._members)

    async def run(self) -> None:
        """Follow who is there, for ever."""
        async with self._bus.subscribe(PollerBeat, ServiceStatus) as heard:
            while True:
                first = await heard.next(self._beat_s / LOOKS_A_BEAT)
                for message in (first, *heard.drain()):
                    self._hear(message)
                await self._look()

    def _hear(self, message: Message | None) -> None:
        if isinstance(message, PollerBeat):
            self._roster = self._roster.with_beat(message.service, self._clock.monotonic())
        elif isinstance(message, ServiceStatus) and message.state is AvailabilityState.OFFLINE:
            self._roster = self._roster.without(message.service)

    async def _look(self) -> None:
        """Beat when it is time, and take and let go what has changed hands."""
        now_s = self._clock.monotonic()
        slept_s, self._looked_s = now_s - self._looked_s, now_s
        if slept_s > self._lease_s:
            # The machine, or this process, stood still: the others have taken what was ours.
            log.warning("stood still: sharing begins anew", for_s=round(slept_s, 1))
            self._begin()
            await self._follow(Claims(), now_s)
        elif self._bus.is_connected:
            await self._beat_and_follow(now_s)
        elif now_s - self._connected_s > self._cut_off_s:
            await self._follow(Claims(), now_s)

    async def _beat_and_follow(self, now_s: float) -> None:
        if now_s - self._connected_s > self._cut_off_s:
            self._begin()
        elif now_s - self._connected_s > self._beat_s:
            self._roster = self._roster.excused(now_s)
        self._connected_s = now_s
        if now_s >= self._next_beat_s:
            self._next_beat_s = now_s + self._beat_s
            self._bus.publish(
                PollerBeat(
                    site=self._site,
                    at=self._clock.now(),
                    service=self._me,
                    lease_s=self._lease_s,
                    devices=len(self._fleet.taken),
                )
            )
        members, claims = self._roster.members(now_s, self._lease_s), self._claims
        if members != self._members:
            log.info("pollers that share the devices", members=sorted(members))
            self._members = members
            claims = claims.among(members, self._me, self._devices, now_s)
        await self._follow(claims, now_s)

    async def _follow(self, claims: Claims, now_s: float) -> None:
        is_news, self._claims = claims is not self._claims, claims
        due, taken = claims.due(now_s, self._beat_s), self._fleet.taken
        gone = taken - claims.since_s.keys()
        if gone:
            log.info("devices go to another poller", count=len(gone))
            await asyncio.gather(*(self._fleet.let_go(device, self._beat_s) for device in sorted(gone)))
        if due - taken:
            log.info("devices taken", count=len(due - taken))
        for device in sorted(due - taken):
            self._fleet.take(device)
        if is_news or due - taken:
            self._news.set()
