"""The devices of one poller: what is made for each, and what runs it."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from hashbus.messages import PowerSetpoint
from hashbus_poller import metrics
from hashbus_poller.device import Device
from hashbus_poller.drivers.contract import DeviceKind, Wiring
from hashbus_poller.miner_visit import MinerVisit
from hashbus_poller.polling import DevicePoll, Pace
from hashbus_poller.probes import LatestSensors, Loop
from hashbus_poller.reading_visit import ReadingVisit
from hashbus_poller.registry import drivers
from hashbus_poller.shared import Shared
from hashbus_poller.tapes import Ring

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import aiohttp

    from hashbus.messages import Message
    from hashbus.service import Running
    from hashbus_poller.device import Say
    from hashbus_poller.settings import PollerSection

FIRST_VISITS_PER_S = 100
"""A home sees its site at once; a farm's network is not flooded at the start."""


class Fleet:
    """The devices that this poller reads now. Those of a live part come and go."""

    def __init__(
        self, running: Running[Any], http: Callable[[], aiohttp.ClientSession], devices: Iterable[str]
    ) -> None:
        """Make a driver for each of these devices; nothing is connected yet."""
        self._running, self._http = running, http
        self.section: PollerSection = running.settings.poller
        self.slots = asyncio.Semaphore(self.section.connections)
        self.miners: dict[str, MinerVisit] = {}
        self.equipment: dict[str, Device] = {}
        self.polls: dict[str, DevicePoll] = {}
        self.shared = Shared()
        self.sensors = LatestSensors()
        self._setpoints: dict[str, PowerSetpoint] = {}
        self._said: dict[str, set[str]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}
        for device_id in devices:
            self.take(device_id)

    @property
    def taken(self) -> frozenset[str]:
        """The devices that are read now."""
        return frozenset(self.polls)

    def begin(self, tasks: asyncio.TaskGroup) -> None:
        """Read all devices, and each that is taken later, with a task of its own."""
        self._group = tasks
        for device_id in self.polls:
            self._run(device_id)

    def take(self, device_id: str) -> None:
        """Make a device and, once begun, read it; it is brought to the setpoint that was heard last."""
        section, settings = self.section, self.section.devices[device_id]
        device = self._device(device_id, settings)
        visit: MinerVisit | ReadingVisit
        if device.kind is DeviceKind.MINER:
            visit = self.miners[device_id] = MinerVisit(
                device,
                section.thresholds,
                section.confirm_s,
                section.power_changes_per_day,
                loop=Loop(settings.loop, self.sensors) if settings.loop else None,
            )
            if device_id in self._setpoints:
                visit.hear(self._setpoints[device_id])
        else:
            visit = ReadingVisit(device)
            self.equipment[device_id] = device
        interval_s = max(settings.interval_s or section.interval_s, device.spec.min_interval_s)
        spread_s = min(interval_s, len(section.devices) / FIRST_VISITS_PER_S)
        pace = Pace(interval_s, spread_s, section.offline_after, section.offline_retry_s)
        self.polls[device_id] = DevicePoll(device, visit, pace, self.slots)
        metrics.DEVICES.labels(device.kind.value).inc()
        self._run(device_id)

    async def let_go(self, device_id: str, patience_s: float) -> None:
        """Read a device no more; an exchange with it may end within `patience_s`."""
        poll, task = self.polls.pop(device_id), self._tasks.pop(device_id, None)
        self.miners.pop(device_id, None)
        self.equipment.pop(device_id, None)
        metrics.DEVICES.labels(poll.device.kind.value).dec()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s), poll.device.lock:
                # Cancelled while it does not speak, so that nothing is left half said.
                if task is not None:
                    task.cancel()
        if task is not None:
            task.cancel()
        await asyncio.gather(poll.device.driver.close(), return_exceptions=True)
        self._running.bus.disown(self._said.pop(device_id, ()))

    def hear(self, setpoint: PowerSetpoint) -> None:
        """Hand a setpoint to its miner; in a live part it is kept for a miner that comes later."""
        if self.section.is_live:
            self._setpoints[setpoint.miner] = setpoint
        visit = self.miners.get(setpoint.miner)
        if visit is not None and visit.hear(setpoint):
            self.visit_now(setpoint.miner)

    def visit_now(self, device_id: str) -> None:
        """Have a device read soon, because something was done with it or is wanted of it."""
        poll = self.polls.get(device_id)
        if poll is not None:
            poll.call()

    def raw(self, device_id: str) -> tuple[HTTPStatus, str, bytes]:
        """Answer `hashbus raw`: the last exchanges of a device as JSON."""
        poll = self.polls.get(device_id)
        if poll is None:
            return HTTPStatus.NOT_FOUND, "text/plain", f"no device {device_id!r} here\n".encode()
        exchanges = [
            {
                "at": one.at.isoformat(),
                "question": one.question,
                "bytes": one.size,
                "answer": one.answer.decode("utf-8", "backslashreplace"),
            }
            for one in poll.device.ring.exchanges()
        ]
        return HTTPStatus.OK, "application/json", json.dumps(exchanges, ensure_ascii=False).encode()

    async def close(self) -> None:
        """Close every driver; one that fails does not keep the others open."""
        closing = (poll.device.driver.close() for poll in self.polls.values())
        await asyncio.gather(*closing, return_exceptions=True)

    def _device(self, device_id: str, settings: Any) -> Device:
        running, spec = self._running, drivers()[settings.driver]
        ring = Ring(running.clock, self.section.raw_replies)
        wiring = Wiring(running.clock, self._http, ring, self.shared, running.settings.broker)
        driver = spec.create(settings, wiring)
        say = self._remembering(device_id) if self.section.is_live else running.bus.publish
        return Device(device_id, running.settings.site, settings, spec, driver, ring, running.clock, say)

    def _remembering(self, device_id: str) -> Say:
        """Return how a device of a live part speaks: what stays on the broker is noted, for when another has it."""
        said = self._said.setdefault(device_id, set())

        def say(message: Message) -> None:
            if message.topic.retain:
                said.add(message.address())
            self._running.bus.publish(message)

        return say

    def _run(self, device_id: str) -> None:
        if self._group is not None:
            self._tasks[device_id] = self._group.create_task(self.polls[device_id].run(), name=device_id)
