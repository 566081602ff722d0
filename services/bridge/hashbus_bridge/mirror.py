"""Mirrors the site upward: the newest first, then what waited, never so much that the newest has to wait."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from hashbus import logs
from hashbus.messages import AvailabilityState, MinerAvailability, MinerInfo, MinerTelemetry
from hashbus_bridge import metrics
from hashbus_bridge.records import absence, record
from hashbus_bridge.spool import Spool, SpoolUnavailable, packed
from hashbus_bridge.uplink import CloudAway, CloudRefuses, Uplink

if TYPE_CHECKING:
    from hashbus.bus import Subscription
    from hashbus.messages import Message
    from hashbus.service import Running
    from hashbus_bridge.settings import BridgeSection, BridgeSettings

log = logs.get("mirror")

HELD_RECORDS = 50_000
"""What is held in memory when neither the cloud nor the disk takes it: about 100 MB."""


class Mirror:
    """What the site has said since the last upload, and its way to the cloud."""

    def __init__(self, running: Running[BridgeSettings], spool: Spool, uplink: Uplink) -> None:
        """Start with nothing to say."""
        self._running = running
        self._settings: BridgeSection = running.settings.bridge
        self._spool = spool
        self._uplink = uplink
        self._infos: dict[str, MinerInfo] = {}
        self._states: dict[str, MinerAvailability] = {}
        self._records: list[dict[str, Any]] = []

    def hear(self, message: Message) -> None:
        """Take in a message that the cloud should know of."""
        if isinstance(message, MinerInfo):
            self._infos[message.miner] = message
        elif isinstance(message, MinerAvailability):
            self._states[message.miner] = message
            if message.state is AvailabilityState.OFFLINE:
                self._records.append(absence(message, self._infos.get(message.miner)))
        elif isinstance(message, MinerTelemetry):
            info, state = self._infos.get(message.miner), self._states.get(message.miner)
            self._records.append(record(message, info, state, with_address=self._settings.upload_addresses))

    async def listen(self, subscription: Subscription[Message]) -> None:
        """Take in everything that is said, for ever."""
        async for message in subscription:
            self.hear(message)

    async def run(self) -> None:
        """Upload at the set pace, for ever; what was gathered is kept when this is cancelled."""
        try:
            while True:
                await self._running.clock.sleep(self._settings.upload_s)
                await self.round()
        finally:
            await self._keep(self._taken())

    async def round(self) -> None:
        """Upload what is new; when that went well, some of what waits."""
        is_away = False
        for batch in self._taken():
            is_away = is_away or not await self._sent(packed(batch), len(batch))
            if is_away:
                await self._keep([batch])
        if not is_away:
            await self._backfill()
        metrics.SPOOLED.set(await asyncio.to_thread(self._spool.waiting))

    def _taken(self) -> list[list[dict[str, Any]]]:
        records, self._records = self._records, []
        size = self._settings.batch
        return [records[start : start + size] for start in range(0, len(records), size)]

    async def _keep(self, batches: list[list[dict[str, Any]]]) -> None:
        for batch in batches:
            before = self._spool.thinned
            try:
                await asyncio.to_thread(self._spool.keep, packed(batch), len(batch))
            except SpoolUnavailable as error:
                self._hold(batch, str(error))
            else:
                self._running.health.report("spool", None)
            metrics.THINNED.inc(self._spool.thinned - before)

    def _hold(self, batch: list[dict[str, Any]], problem: str) -> None:
        """Hold in memory what the disk does not take, the newest of it."""
        held = [*batch, *self._records]
        self._records = held[-HELD_RECORDS:]
        metrics.THINNED.inc(max(0, len(held) - HELD_RECORDS))
        if self._running.health.report("spool", f"records wait in memory only: {problem}"):
            log.error("the spool takes nothing; records wait in memory", problem=problem)

    async def _backfill(self) -> None:
        for _ in range(self._settings.backfill_batches):
            batch = await asyncio.to_thread(self._spool.oldest)
            if batch is None or not await self._sent(batch.body, batch.records):
                return
            await asyncio.to_thread(self._spool.sent, batch)

    async def _sent(self, body: bytes, records: int) -> bool:
        """Send one batch; False when it must wait. A batch that will never be taken is dropped, counted and said."""
        try:
            await self._uplink.upload(body)
        except CloudAway as error:
            self._report(f"the cloud is away, {records} records wait: {error}")
            return False
        except CloudRefuses as error:
            self._report(str(error))
            if error.is_key:
                return False
            metrics.REFUSED.inc(records)
            log.error("records refused for good", records=records, problem=str(error))
            return True
        self._report(None)
        metrics.UPLOADED.inc(records)
        return True

    def _report(self, problem: str | None) -> None:
        if self._running.health.report("cloud", problem):
            log.info("the cloud is there") if problem is None else log.warning("cloud", problem=problem)
