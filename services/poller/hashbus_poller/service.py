"""The poller: makes a task for each of its devices, and hands setpoints and orders to the right one."""

from __future__ import annotations

import asyncio
import resource
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from hashbus import logs
from hashbus.messages import DeviceOrder, EquipmentOrder, PowerSetpoint, ScanRequest, SensorTelemetry
from hashbus_poller.at_most_once import AtMostOnce
from hashbus_poller.client import http_client
from hashbus_poller.equipment_orders import EquipmentOrders
from hashbus_poller.fleet import Fleet
from hashbus_poller.journal import JournalUnavailable, OrderJournal
from hashbus_poller.orders import MinerOrders
from hashbus_poller.scan_requests import Scans
from hashbus_poller.sharing import FixedPart, LivePart, Sharing

if TYPE_CHECKING:
    import aiohttp

    from hashbus.service import Running
    from hashbus_poller.settings import PollerSection

log = logs.get("poller")


async def main(running: Running[Any]) -> None:
    """Read all devices until told to stop; with `--once` a single round."""
    _allow_many_sockets()
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(http_client())
        section: PollerSection = running.settings.poller
        part = FixedPart(*section.shard_of)
        is_live = section.is_live and not running.once
        fleet = Fleet(running, lambda: session, () if is_live else filter(part.has, section.devices))
        stack.push_async_callback(fleet.close)
        log.info("devices", count=len(fleet.polls), shard=section.shard)
        if running.once:
            await asyncio.gather(*(poll.round() for poll in fleet.polls.values()))
            await running.bus.flush()
            return
        running.health.add_page("/raw/", fleet.raw)
        async with asyncio.TaskGroup() as tasks:
            fleet.begin(tasks)
            sharing: Sharing = part
            if is_live:
                bound = {name: device.poller for name, device in section.devices.items()}
                sharing = live = LivePart(running, bound, fleet)
                tasks.create_task(live.run(), name="sharing")
            tasks.create_task(_hear_setpoints(running, fleet), name="setpoints")
            tasks.create_task(_hear_orders(running, fleet, sharing, tasks), name="orders")
            tasks.create_task(_hear_scans(running, sharing, tasks, session), name="scans")
            if any(device.loop for device in section.devices.values()):
                tasks.create_task(_hear_sensors(running, fleet), name="sensors")


async def _hear_setpoints(running: Running[Any], fleet: Fleet) -> None:
    async with running.bus.subscribe(PowerSetpoint) as setpoints:
        async for setpoint in setpoints:
            fleet.hear(setpoint)


async def _hear_sensors(running: Running[Any], fleet: Fleet) -> None:
    """Listen to all sensors of the site: the probes of a loop may be another poller's or Zigbee2MQTT's."""
    async with running.bus.subscribe(SensorTelemetry) as sensors:
        async for telemetry in sensors:
            fleet.sensors.hear(telemetry)


async def _hear_orders(running: Running[Any], fleet: Fleet, sharing: Sharing, tasks: asyncio.TaskGroup) -> None:
    bus, clock = running.bus, running.clock
    async with bus.subscribe(DeviceOrder, EquipmentOrder) as heard:
        # Orders wait here while the journal cannot be written; they are carried out late or, after their end, refused.
        journal = await _open_journal(running)
        to_miners = AtMostOnce(bus, clock, journal, MinerOrders(clock, fleet.miners))
        to_equipment = AtMostOnce(bus, clock, journal, EquipmentOrders(clock, fleet.equipment, fleet.visit_now))

        async def answer(order: DeviceOrder | EquipmentOrder) -> None:
            # Every poller hears every order; the owner of the id answers, also for a device that does not exist.
            if isinstance(order, DeviceOrder) and await sharing.is_mine(order.miner):
                await to_miners.carry_out(order)
            elif isinstance(order, EquipmentOrder) and await sharing.is_mine(order.equipment):
                await to_equipment.carry_out(order)

        async for order in heard:
            if isinstance(order, DeviceOrder | EquipmentOrder):
                tasks.create_task(answer(order), name=f"order {order.id}")


async def _hear_scans(
    running: Running[Any], sharing: Sharing, tasks: asyncio.TaskGroup, http: aiohttp.ClientSession
) -> None:
    """Scan when somebody asks; of several pollers one does it."""
    devices = running.settings.poller.devices.items()
    known = {device.host: name for name, device in devices if hasattr(device, "host")}
    scans = Scans(running.bus, running.clock, lambda: http, known)
    async with running.bus.subscribe(ScanRequest) as requests:
        async for request in requests:
            if sharing.is_first:
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
