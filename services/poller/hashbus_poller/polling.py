"""The life of one device in the poller: read, tell, wait; and when it does not answer, wait longer and say so."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from hashbus import logs
from hashbus.backoff import Backoff
from hashbus.messages import AvailabilityState
from hashbus_poller import metrics
from hashbus_poller.drivers.contract import DeviceError, Garbled, Unreachable

if TYPE_CHECKING:
    from datetime import datetime

    from hashbus_poller.device import Device

log = logs.get("polling")


class Visit(Protocol):
    """What is done with a device each round."""

    async def __call__(self) -> float | None:
        """Read the device and say what it said; DeviceError when it does not answer.

        Returns in how many seconds it wants to come again, when that is sooner than usual.
        """
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a device is visited, and how soon it counts as offline."""

    interval_s: float
    spread_s: float
    offline_after: int
    offline_retry_s: float

    def next_due_s(self, due_s: float, begun_s: float) -> float:
        """Return when a visit is due after one that was due and begun at these seconds.

        One that begins a little late makes the next no later. One that was called early counts from then: whoever has
        asked something of a miner wants to see an interval later what became of it.
        """
        return min(due_s, begun_s) + self.interval_s


@dataclass
class Reachability:
    """Whether a device is reached: pure, from one outcome after the other."""

    offline_after: int
    state: AvailabilityState | None = None
    failures: int = 0

    def answered(self) -> bool:
        """Note an answer; True when the device was not known to be online."""
        is_news = self.state is not AvailabilityState.ONLINE
        self.state, self.failures = AvailabilityState.ONLINE, 0
        return is_news

    def failed(self, error: DeviceError) -> bool:
        """Note a failure; True when the device counts as offline from now on.

        A clear no of the network counts at once, everything else when it lasts (S1.45).
        """
        self.failures += 1
        is_clear = isinstance(error, Unreachable) and error.is_refused
        is_over = is_clear or self.failures >= self.offline_after
        is_news = is_over and self.state is not AvailabilityState.OFFLINE
        if is_over:
            self.state = AvailabilityState.OFFLINE
        return is_news


@dataclass
class DevicePoll:
    """Visits one device for ever. A slow or dead one costs only its own time."""

    device: Device
    visit: Visit
    pace: Pace
    slots: asyncio.Semaphore
    _reach: Reachability = field(init=False)
    _backoff: Backoff = field(init=False)
    _again_s: float | None = None
    _is_called: bool = False
    _waiting: asyncio.Future[None] | None = None

    def __post_init__(self) -> None:
        """Start with an unknown device."""
        self._reach = Reachability(self.pace.offline_after)
        self._backoff = Backoff(first_s=min(2.0, self.pace.interval_s), longest_s=self.pace.offline_retry_s)

    def call(self) -> None:
        """Ask for a visit now, because something is wanted of the device."""
        self._is_called = True
        self._wake()

    async def run(self) -> None:
        """Visit until cancelled, each `interval_s` from the beginning of one visit to the beginning of the next."""
        clock = self.device.clock
        # The first visits are spread, so that a farm does not call all its miners in one moment.
        await clock.sleep(random.uniform(0, self.pace.spread_s))  # noqa: S311 (keeps no secret)
        due_s = clock.monotonic()
        while True:
            begun_s = clock.monotonic()
            is_answered = await self.round()
            due_s = self.pace.next_due_s(due_s, begun_s)
            late_s = clock.monotonic() - due_s
            if late_s > 0:
                metrics.ROUNDS_LATE.inc()
                due_s = clock.monotonic()
            wait_s = self._until_next(-late_s) if is_answered else self._backoff.next_s()
            await self._wait(wait_s)
            if not is_answered:
                due_s = clock.monotonic()

    def _until_next(self, due_in_s: float) -> float:
        return due_in_s if self._again_s is None else min(due_in_s, self._again_s)

    async def _wait(self, seconds: float) -> None:
        """Wait that long, or until somebody calls.

        A bare future, because most miners wait most of the time: an Event under a time-out weighs 1.5 kB for each.
        """
        if seconds > 0 and not self._is_called:
            loop = asyncio.get_running_loop()
            self._waiting = loop.create_future()
            alarm = loop.call_later(seconds, self._wake)
            try:
                await self._waiting
            finally:
                alarm.cancel()
                self._waiting = None
        self._is_called = False

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def round(self) -> bool:
        """Visit once; True when the device answered."""
        clock = self.device.clock
        async with self.slots:
            begun_s = clock.monotonic()
            at = clock.now()
            try:
                async with self.device.lock:
                    self._again_s = await self.visit()
            except DeviceError as error:
                self._failed(error, at)
                return False
            metrics.POLL_LATENCY.observe((clock.monotonic() - begun_s) * 1000)
        self._backoff.reset()
        if self._reach.answered():
            log.info("device online", device=self.device.id)
            self.device.say_availability(AvailabilityState.ONLINE, at, None)
        return True

    def _failed(self, error: DeviceError, at: datetime) -> None:
        kind = type(error).__name__.lower()
        metrics.POLL_ERRORS.labels(kind).inc()
        if isinstance(error, Garbled) and error.payload:
            self.device.ring.keep(f"not understood: {error}", error.payload)
        if self._reach.failed(error):
            log.warning("device offline", device=self.device.id, problem=str(error), kind=kind)
            self.device.say_availability(AvailabilityState.OFFLINE, at, str(error)[:1000])
