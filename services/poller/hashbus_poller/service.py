"""The poller: makes a task for each of its devices, and hands setpoints and orders to the right one."""

from __future__ import annotations

import asyncio
import json
import resource
from contextlib import AsyncExitStack
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import aiohttp

from hashbus import logs
from hashbus.messages import DeviceOrder, EquipmentOrder, PowerSetpoint, ScanRequest, SensorTelemetry
from hashbus_poller import metrics
from hashbus_poller.at_most_once import AtMostOnce
from hashbus_poller.client import http_client
from hashbus_poller.device import Device
from hashbus_poller.drivers.contract import DeviceKind, Wiring
from hashbus_poller.equipment_orders import EquipmentOrders
from hashbus_poller.journal import JournalUnavailable, OrderJournal
from hashbus_poller.miner_visit import MinerVisit
from hashbus_poller.orders import MinerOrders
from hashbus_poller.polling import DevicePoll, Pace
from hashbus_poller.probes import LatestSensors, Loop
from hashbus_poller.reading_visit import ReadingVisit
from hashbus_poller.registry import drivers
from hashbus_poller.scan_requests import Scans
from hashbus_poller.sharding import part_of
from hashbus_poller.shared import Shared
from hashbus_poller.tapes import Ring

if TYPE_CHECKING:
    from collections.abc import Callable

    from hashbus.service import Running
    from hashbus_poller.settings import PollerSection

log = logs.get("poller")

FIRST_VISITS_PER_S = 100
"""A home sees its site at once; a farm's network is not flooded at the start."""


class Fleet:
    """The devices of one poller and what runs them."""

    def __init__(self, running: Running[Any], http: Callable[[], aiohttp.ClientSession]) -> None:
        """Make a driver for each device of this poller's shard; nothing is connected yet."""
        self._running = running
        self.section: PollerSection = running.settings.poller
        self.slots = asyncio.Semaphore(self.section.connections)
        self.miners: dict[str, MinerVisit] = {}
        self.equipment: dict[str, Device] = {}
        self.polls: dict[str, DevicePoll] = {}
        self.shared = Shared()
        self.sensors = LatestSensors()
        part, parts = self.section.shard_of
        for device_id, settings in self.section.devices.items():
            if part_of(device_id, parts) == part:
                self._add(device_id, settings, http)

    def _add(self, device_id: str, settings: Any, http: Callable[[], aiohttp.ClientSession]) -> None:
        running, section = self._running, self.section
        spec = drivers()[settings.driver]
        ring = Ring(running.clock, section.raw_replies)
        driver = spec.create(settings, Wiring(running.clock, http, ring, self.shared, running.settings.broker))
        device = Device(
            device_id, running.settings.site, settings, spec, driver, ring, running.clock, running.bus.publish
        )
        visit: MinerVisit | ReadingVisit
        if device.kind is DeviceKind.MINER:
            visit = self.miners[device_id] = MinerVisit(
                device,
                section.thresholds,
                section.confirm_s,
                section.power_changes_per_day,
                loop=Loop(settings.loop, self.sensors) if settings.loop else None,
            )
        else:
            visit = ReadingVisit(device)
            self.equipment[device_id] = device
        interval_s = max(settings.interval_s or section.interval_s, spec.min_interval_s)
        spread_s = min(interval_s, len(section.devices) / FIRST_VISITS_PER_S)
        pace = Pace(interval_s, spread_s, section.offline_after, section.offline_retry_s)
        self.polls[device_id] = DevicePoll(device, visit, pace, self.slots)
        metrics.DEVICES.labels(device.kind.value).inc()

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

    def visit_now(self, device_id: str) -> None:
        """Have a device read soon, because something was done with it."""
        self.polls[device_id].call()

    async def close(self) -> None:
        """Close every driver; one that fails does not keep the others open."""
        closing = (poll.device.driver.close() for poll in self.polls.values())
        await asyncio.gather(*closing, return_exceptions=True)


async def main(running: Running[Any]) -> None:
    """Read all devices until told to stop; with `--once` a single round."""
    _allow_many_sockets()
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(http_client())
        fleet = Fleet(running, lambda: session)
        stack.push_async_callback(fleet.close)
        log.info("devices", count=len(fleet.polls), shard=fleet.section.shard)
        if running.once:
            await asyncio.gather(*(poll.round() for poll in fleet.polls.values()))
            await running.bus.flush()
            return
        running.health.add_page("/raw/", fleet.raw)
        async with asyncio.TaskGroup() as tasks:
            for poll in fleet.polls.values():
                tasks.create_task(poll.run(), name=poll.device.id)
            tasks.create_task(_hear_setpoints(running, fleet), name="setpoints")
            tasks.create_task(_hear_orders(running, fleet, tasks), name="orders")
            tasks.create_task(_hear_scans(running, fleet, tasks, session), name="scans")
            if any(poll.device.settings.loop for poll in fleet.polls.values()):
                tasks.create_task(_hear_sensors(running, fleet), name="sensors")


async def _hear_setpoints(running: Running[Any], fleet: Fleet) -> None:
    async with running.bus.subscribe(PowerSetpoint) as setpoints:
        async for setpoint in setpoints:
            visit = fleet.miners.get(setpoint.miner)
            if visit is not None and visit.hear(setpoint):
                fleet.polls[setpoint.miner].call()


async def _hear_sensors(running: Running[Any], fleet: Fleet) -> None:
    """Listen to all sensors of the site: the probes of a loop may be another poller's or Zigbee2MQTT's."""
    async with running.bus.subscribe(SensorTelemetry) as sensors:
        async for telemetry in sensors:
            fleet.sensors.hear(telemetry)


async def _hear_orders(running: Running[Any], fleet: Fleet, tasks: asyncio.TaskGroup) -> None:
    part, parts = fleet.section.shard_of
    bus, clock = running.bus, running.clock
    async with bus.subscribe(DeviceOrder, EquipmentOrder) as heard:
        # Orders wait here while the journal cannot be written; they are carried out late or, after their end, refused.
        journal = await _open_journal(running)
        to_miners = AtMostOnce(bus, clock, journal, MinerOrders(clock, fleet.miners))
        to_equipment = AtMostOnce(bus, clock, journal, EquipmentOrders(clock, fleet.equipment, fleet.visit_now))
        async for order in heard:
            # Every poller hears every order; the owner of the id answers, also for a device that does not exist.
            if isinstance(order, DeviceOrder) and part_of(order.miner, parts) == part:
                tasks.create_task(to_miners.carry_out(order), name=f"order {order.id}")
            elif isinstance(order, EquipmentOrder) and part_of(order.equipment, parts) == part:
                tasks.create_task(to_equipment.carry_out(order), name=f"order {order.id}")


async def _hear_scans(
    running: Running[Any], fleet: Fleet, tasks: asyncio.TaskGroup, http: aiohttp.ClientSession
) -> None:
    """Scan when somebody asks; of several pollers the first does it."""
    if fleet.section.shard_of[0] != 1:
        return
    devices = fleet.section.devices.items()
    known = {device.host: name for name, device in devices if hasattr(device, "host")}
    scans = Scans(running.bus, running.clock, lambda: http, known)
    async with running.bus.subscribe(ScanRequest) as requests:
        async for request in requests:
            tasks.create_task(scans.carry_out(request), name=f"scan {request.id}")


async def _open_journal(running: Running[Any]) -> OrderJournal:
    """Open the journal, waiting for a disk that is full or not there yet."""
    path = running.settings.data_dir / running.account / "orders.db"
    while True:
        try:
            journal = await asyncio.to_thread(OrderJournal, path)
            await asyncio.to_thread(partial(journal.forget_old, running.clock.now()))
        except JournalUnavailable as error:
            if running.health.report("journal", f"no orders are carried out: {error}"):
                log.error("no orders are carried out until the journal can be written", problem=str(error))
            await running.clock.sleep(10)
        else:
            running.health.report("journal", None)
            return journal


def _allow_many_sockets() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
