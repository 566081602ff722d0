"""The recorder: hears the whole site, keeps what has numbers, and answers questions about the past."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from hashbus import logs
from hashbus.config_errors import ConfigError
from hashbus_recorder import history_api
from hashbus_recorder.history_api import HistoryApi
from hashbus_recorder.opening import open_store
from hashbus_recorder.outage import Outage
from hashbus_recorder.points import point_of, recorded_types
from hashbus_recorder.quarantine import Quarantine
from hashbus_recorder.recording import Batching, Recording
from hashbus_recorder.repository import PointsRefused, StoreUnavailable
from hashbus_recorder.spool import Spool
from hashbus_recorder.stores.database import StoreUnusable

if TYPE_CHECKING:
    from hashbus.bus import Subscription
    from hashbus.messages import Message
    from hashbus.service import Running
    from hashbus_recorder.repository import TimeSeriesRepository
    from hashbus_recorder.settings import RecorderSettings

MAINTENANCE_S = 60.0
_HEALTH_S = 2.0
_BREATH_S = 0.02
_ONCE_S = 1.0
"""How long `--once` waits for another retained message."""

log = logs.get("recorder")


async def main(running: Running[RecorderSettings]) -> None:
    """Record until told to stop; with --once, what the broker retains. A dry run writes nothing."""
    if running.dry_run:
        log.info("a dry run: the recorder says nothing on the bus and writes nothing")
        return
    async with AsyncExitStack() as stack:
        store, spool = _opened(running.settings)
        stack.push_async_callback(store.close)
        stack.callback(spool.close)
        recording = _recording(running, store, spool)
        subscription = await stack.enter_async_context(running.bus.subscribe(*recorded_types()))
        if running.once:
            await _record_once(subscription, recording)
            return
        await _answer(running, store, stack)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(recording.run(), name="recording")
            tasks.create_task(hear(subscription, recording), name="hearing")
            tasks.create_task(_maintain(running, store), name="maintenance")
            tasks.create_task(_tell(running, recording), name="health")


def _opened(settings: RecorderSettings) -> tuple[TimeSeriesRepository, Spool]:
    try:
        spool = Spool(settings.folder / "spool.sqlite3", max_mb=settings.recorder.spool_mb)
        return open_store(settings), spool
    except (StoreUnusable, OSError) as error:
        # What a person must mend. A disk that is full is no such mistake: the process ends and is started again.
        raise ConfigError([f"recorder.store: {error}"]) from error


def _recording(running: Running[RecorderSettings], store: TimeSeriesRepository, spool: Spool) -> Recording:
    section = running.settings.recorder
    quarantine = Quarantine(running.settings.folder / "refused.jsonl")
    batching = Batching(flush_s=section.flush_s, batch_points=section.batch_points)
    return Recording(store, spool, quarantine, running.clock, batching)


async def _answer(running: Running[RecorderSettings], store: TimeSeriesRepository, stack: AsyncExitStack) -> None:
    section = running.settings.recorder
    where = section.history
    api = HistoryApi(
        store,
        running.clock,
        at_once=where.at_once,
        finest_s=where.finest_step_s,
        totals_s=section.totals_step_s,
    )
    try:
        runner, port = await history_api.serve(api, where.host, where.port)
    except OSError as error:
        raise ConfigError(
            [f"recorder.history.port: {where.host}:{where.port} cannot be used: {error.strerror}; choose a free one"]
        ) from None
    stack.push_async_callback(runner.cleanup)
    log.info("answers questions", url=f"http://{where.host}:{port}/history")


async def hear(subscription: Subscription[Message], recording: Recording) -> None:
    """Record what comes, no faster than it is written: what is not read yet waits in the bus."""
    async for message in subscription:
        point = point_of(message)
        if point is not None:
            recording.add(point)
        if recording.has_batch:
            # Messages that wait already come without a pause, in which nothing would be written.
            await asyncio.sleep(_BREATH_S if recording.is_behind else 0)


async def _record_once(subscription: Subscription[Message], recording: Recording) -> None:
    while (message := await subscription.next(_ONCE_S)) is not None:
        point = point_of(message)
        if point is not None:
            recording.add(point)
    await recording.flush()


async def _maintain(running: Running[RecorderSettings], store: TimeSeriesRepository) -> None:
    outage = Outage("upkeep of the store", running.clock)
    while True:
        try:
            await store.maintain(running.clock.now())
            outage.end()
        except (StoreUnavailable, PointsRefused) as error:
            outage.begin(str(error))
        await running.clock.sleep(MAINTENANCE_S)


async def _tell(running: Running[RecorderSettings], recording: Recording) -> None:
    """Show in the service's status what does not work."""
    while True:
        for what, problem in recording.problems.items():
            running.health.report(what, f"the {what} is away: {problem}" if problem else None)
        await running.clock.sleep(_HEALTH_S)
