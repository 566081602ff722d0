"""A real bridge and a real collector, killed at every step of their work: nothing is lost and nothing is done twice."""

import asyncio
import os
from contextlib import AsyncExitStack, suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import AvailabilityState, PowerRequest, ServiceStatus
from hashbus.mqtt_bus import MqttBus
from hashbus.settings import BrokerSettings
from hashbus_collector.database import open_database
from hashbus_collector.settings import DatabaseSettings
from tests.cloud.stacks import PATIENCE_S, Bridge, counting_poller, let_die, stored, until, visitor, watched
from tests.collector.clouds import Visitor, new_person, new_site
from tests.servers import Collector, Mosquitto

SPOOL, UPLINK = "hashbus_bridge.spool:Spool", "hashbus_bridge.uplink:Uplink"
STEPS = {
    "bridge": (
        f"{UPLINK}.pending:after",
        f"{SPOOL}.begin:after",
        "hashbus_bridge.errands:Errands._say:after",
        f"{SPOOL}.finish:before",
        f"{SPOOL}.finish:after",
        f"{UPLINK}.tell:after",
        f"{SPOOL}.told:after",
        f"{SPOOL}.note:after",
        f"{UPLINK}.upload:before",
        f"{UPLINK}.upload:after",
        f"{SPOOL}.end_round:after",
    ),
    "collector": (
        "hashbus_collector.commands:Commands.take:before",
        "hashbus_collector.commands:Commands.take:after",
        "hashbus_collector.commands:Commands.answer:before",
        "hashbus_collector.commands:Commands.answer:after",
        "hashbus_collector.uploads:Uploads.store:before",
        "hashbus_collector.uploads:Uploads.store:after",
    ),
}
BETWEEN_ORDERS_S = 0.3
HANDED_OVER_S = 0.2
LIVES_S = 1.5
QUICK = {"limits": {"calls_per_minute": 1_000_000}, "commands": {"resend_s": 1}}


@pytest.mark.timeout(600)  # a machine that others use too needs several of its minutes
@pytest.mark.parametrize("side", STEPS)
async def test_killed_at_every_step_each_command_is_done_once_and_each_reading_is_kept(
    tmp_path: Path, own_mosquitto: Mosquitto, cloud_database: str, side: str
) -> None:
    key = await new_site(cloud_database, "north")
    await new_person(cloud_database, "anna")
    collector = Collector(tmp_path / "collector", cloud_database, **QUICK)
    async with AsyncExitStack() as stack:
        stack.enter_context(collector)
        broker = {"port": own_mosquitto.port}
        bridge = stack.enter_context(Bridge(tmp_path / "bridge", "north", broker, collector.url, key))
        poller = await stack.enter_async_context(counting_poller(tmp_path / "poller", own_mosquitto.port, "north"))
        anna = await stack.enter_async_context(visitor(collector))
        victim = bridge if side == "bridge" else collector
        await asyncio.to_thread(victim.stop)
        # What the broker hands over when a bridge comes back is written a moment later: nobody dies within that moment.
        let_die(victim, tmp_path / "deaths", STEPS[side], lives_s=LIVES_S)
        await asyncio.to_thread(victim.start)
        await stack.enter_async_context(watched(victim))
        readings = asyncio.create_task(poller.say_readings("attic", "cellar"))
        ids: list[str] = []
        async with asyncio.timeout(2 * PATIENCE_S):
            while len(await _names(tmp_path / "deaths")) < len(STEPS[side]):
                ids.append(await _ordered(anna, f"m{len(ids)}"))
                await asyncio.sleep(BETWEEN_ORDERS_S)
        await until(lambda: _done(anna), lambda done: done == len(ids))
        readings.cancel()
        with suppress(asyncio.CancelledError):
            await readings
        deaths = await _deaths(tmp_path / "deaths") if side == "bridge" else []
        kept = {one for one in poller.said if not _is_in(one[1], deaths)}
        # Many of them are: a bridge often dies of what it does with a reading.
        assert len(kept) > 2
        await until(lambda: stored(cloud_database, "north"), lambda found: found >= kept)
        assert poller.done == dict.fromkeys(ids, 1)
        assert await stored(cloud_database, "north") <= poller.said


async def test_a_command_that_comes_too_late_is_refused_and_not_done(
    tmp_path: Path, own_mosquitto: Mosquitto, cloud_database: str
) -> None:
    key = await new_site(cloud_database, "north")
    await new_person(cloud_database, "anna")
    with Collector(tmp_path / "collector", cloud_database, **QUICK) as collector:
        bridge = Bridge(tmp_path / "bridge", "north", {"port": own_mosquitto.port}, collector.url, key)
        async with (
            counting_poller(tmp_path / "poller", own_mosquitto.port, "north") as poller,
            visitor(collector) as anna,
        ):
            late = await anna.order("attic", "reboot", ttl_minutes=1)
            database = "UPDATE command SET expires_at = now() - interval '1 second' WHERE id = $1"
            await _execute(cloud_database, database, late)
            intime = await anna.order("attic", "blink")
            await asyncio.to_thread(bridge.start)
            try:
                await until(lambda: _status(anna, intime), lambda status: status == "completed")
                await until(lambda: _status(anna, late), lambda status: status == "expired")
            finally:
                await asyncio.to_thread(bridge.stop)
            assert poller.done == {intime: 1}


async def test_the_site_runs_on_without_the_cloud_says_so_and_catches_up(
    tmp_path: Path, own_mosquitto: Mosquitto, cloud_database: str
) -> None:
    key = await new_site(cloud_database, "north")
    with Collector(tmp_path / "collector", cloud_database, **QUICK) as collector:
        broker = {"port": own_mosquitto.port}
        with Bridge(tmp_path / "bridge", "north", broker, collector.url, key) as bridge:
            async with (
                counting_poller(tmp_path / "poller", own_mosquitto.port, "north") as poller,
                poller.bus.subscribe(ServiceStatus, service="bridge") as statuses,
            ):
                await asyncio.to_thread(collector.kill)
                poller.say_reading("attic")
                async with asyncio.timeout(60):
                    async for status in statuses:
                        if any("the cloud is away" in problem for problem in status.problems):
                            break
                await asyncio.to_thread(bridge.kill)
                poller.say_reading("attic")
                await asyncio.to_thread(bridge.start)
                await asyncio.to_thread(collector.start)
                await until(lambda: stored(cloud_database, "north"), lambda found: found == poller.said)
                async with asyncio.timeout(60):
                    async for status in statuses:
                        if status.state is AvailabilityState.ONLINE and not status.problems:
                            break


async def test_a_power_command_is_a_request_to_the_controller_also_right_after_a_restart(
    tmp_path: Path, own_mosquitto: Mosquitto, cloud_database: str
) -> None:
    key = await new_site(cloud_database, "north")
    await new_person(cloud_database, "anna")
    port = own_mosquitto.port
    with Collector(tmp_path / "collector", cloud_database, **QUICK) as collector:
        async with (
            counting_poller(tmp_path / "poller", port, "north") as poller,
            MqttBus(BrokerSettings(port=port), site="north", account="controller", client_id="c") as controller,
            visitor(collector) as anna,
            controller.subscribe(PowerRequest) as requests,
        ):
            now = SYSTEM_CLOCK.now()
            status = ServiceStatus(
                site="north", at=now, service="controller", state=AvailabilityState.ONLINE, version="1", started_at=now
            )
            controller.publish(status)
            await controller.flush()
            ids = [await anna.order("attic", kind) for kind in ("disable", "enable")]
            with Bridge(tmp_path / "bridge", "north", {"port": port}, collector.url, key):
                for one in ids:
                    await until(partial(_status, anna, one), lambda status: status == "completed")
            asked = [await requests.next(30), await requests.next(30)]
            assert all(one is not None and one.scope == "attic" and one.cap_w == 0 for one in asked)
            ends = [one.until for one in asked if one is not None]
            assert ends[0] > now + timedelta(days=29)
            assert ends[1] < ends[0]
            assert not poller.done


async def _ordered(anna: Visitor, miner: str) -> str:
    """Order, and look whether it is there when the answer was lost: the collector may die meanwhile."""
    return str(await until(lambda: _tried(anna, miner)))


async def _tried(anna: Visitor, miner: str) -> str | None:
    with suppress(aiohttp.ClientError, AssertionError):
        found = await anna.get(f"commands/history?miner_id={miner}")
        return found["commands"][0]["command_id"] if found["commands"] else await anna.order(miner, "blink")
    return None


async def _done(anna: Visitor) -> int:
    with suppress(aiohttp.ClientError):
        return len((await anna.get("commands/history?status=completed&limit=1000"))["commands"])
    return 0


async def _status(anna: Visitor, command: str) -> Any:
    return (await anna.get(f"commands/{command}"))["command"]["status"]


async def _deaths(folder: Path) -> list[float]:
    return [(folder / name).stat().st_mtime for name in await _names(folder)]


def _is_in(at: datetime, deaths: list[float]) -> bool:
    """Whether a reading came when somebody was about to die: what the broker has handed over may not be written yet."""
    return any(-HANDED_OVER_S < at.timestamp() - death < 0 for death in deaths)


async def _names(folder: Path) -> list[str]:
    return await asyncio.to_thread(os.listdir, folder)


async def _execute(url: str, statement: str, *values: object) -> None:
    database = await open_database(DatabaseSettings(), url, None)
    try:
        await database.execute(statement, *values)
    finally:
        await database.close()
