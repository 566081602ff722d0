"""Mirrors the site upward: the newest first, then what waited, never so much that the newest has to wait."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hashbus import logs
from hashbus.messages import AvailabilityState, MinerAvailability, MinerInfo, MinerTelemetry
from hashbus_bridge import metrics
from hashbus_bridge.records import absence, record
from hashbus_bridge.spool import Batch, Chunk, Spool, SpoolUnavailable, batches, packed
from hashbus_bridge.uplink import CloudAway, CloudRefuses, Uplink

if TYPE_CHECKING:
    from hashbus.bus import Subscription
    from hashbus.messages import Message
    from hashbus.service import Running
    from hashbus_bridge.settings import BridgeSection, BridgeSettings

log = logs.get("mirror")

BETWEEN_WRITES_S = 0.02
"""What is heard meanwhile is written down together."""

DISK_RETRY_S = 1.0

BACKFILL_SHARE = 0.5
"""Of the time between two uploads: what is new does not wait for what is old, however slow the line."""

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
        self._news = asyncio.Event()

    def hear(self, message: Message) -> None:
        """Take in a message that the cloud should know of."""
        if isinstance(message, MinerInfo):
            self._infos[message.miner] = message
        elif isinstance(message, MinerAvailability):
            self._states[message.miner] = message
            if message.state is AvailabilityState.OFFLINE:
                self._take(absence(message, self._infos.get(message.miner)))
        elif isinstance(message, MinerTelemetry):
            info, state = self._infos.get(message.miner), self._states.get(message.miner)
            self._take(record(message, info, state, with_address=self._settings.upload_addresses))

    def _take(self, found: dict[str, Any]) -> None:
        self._records.append(found)
        self._news.set()

    async def listen(self, subscription: Subscription[Message]) -> None:
        """Take in everything that is said, for ever."""
        async for message in subscription:
            self.hear(message)

    async def write(self) -> None:
        """Write down what is heard, for ever; what was gathered is kept when this is cancelled."""
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                is_well = await self._write_down()
                await self._running.clock.sleep(BETWEEN_WRITES_S if is_well else DISK_RETRY_S)
        finally:
            await self._write_down()

    async def run(self) -> None:
        """Upload at the set pace, for ever."""
        clock = self._running.clock
        while True:
            begun_s = clock.monotonic()
            await self.round()
            await clock.sleep(max(0.1, self._settings.upload_s - (clock.monotonic() - begun_s)))

    async def round(self) -> None:
        """Upload what is new; when that went well, some of what waits."""
        begun_s = self._running.clock.monotonic()
        is_away = not await self._write_down() and not await self._send_held()
        chunks = await self._written()
        unsent: list[Batch] = []
        for batch in await asyncio.to_thread(batches, chunks, self._settings.batch):
            is_away = is_away or not await self._sent(batch.body, batch.records)
            if is_away:
                unsent.append(batch)
        if chunks:
            await self._end_round(chunks[-1].id, unsent)
        if not is_away:
            await self._backfill(begun_s + BACKFILL_SHARE * self._settings.upload_s)
        with suppress(SpoolUnavailable):
            metrics.SPOOLED.set(await asyncio.to_thread(self._spool.waiting))

    async def _write_down(self) -> bool:
        """Put on disk what was heard; False when it takes nothing: then the newest is held in memory."""
        records, self._records = self._records, []
        try:
            await asyncio.to_thread(self._spool.note, records, self._settings.batch)
        except SpoolUnavailable as error:
            held = [*records, *self._records]
            self._records = held[-HELD_RECORDS:]
            metrics.THINNED.inc(max(0, len(held) - HELD_RECORDS))
            if self._running.health.report("spool", f"records wait in memory only: {error}"):
                log.error("the spool takes nothing; records wait in memory", problem=str(error))
            return False
        if self._running.health.report("spool", None):
            log.info("the spool takes records again")
        return True

    async def _written(self) -> list[Chunk]:
        try:
            return await asyncio.to_thread(self._spool.heard)
        except SpoolUnavailable:
            return []

    async def _send_held(self) -> bool:
        """Send from memory what the disk did not take; what does not go stays there. False when the cloud is away."""
        size = self._settings.batch
        while self._records:
            part, self._records = self._records[:size], self._records[size:]
            if not await self._sent(packed(part), len(part)):
                self._records = [*part, *self._records]
                return False
        return True

    async def _end_round(self, last: int, unsent: list[Batch]) -> None:
        before = self._spool.thinned
        try:
            await asyncio.to_thread(self._spool.end_round, last, unsent)
        except SpoolUnavailable as error:
            log.error("the spool does not end a round: its records go up once more", problem=str(error))
        metrics.THINNED.inc(self._spool.thinned - before)

    async def _backfill(self, until_s: float) -> None:
        for _ in range(self._settings.backfill_batches):
            if self._running.clock.monotonic() >= until_s:
                return
            try:
                batch = await asyncio.to_thread(self._spool.oldest)
                if batch is None or not await self._sent(batch.body, batch.records):
                    return
                await asyncio.to_thread(self._spool.sent, batch)
            except SpoolUnavailable as error:
                log.error("what waits cannot be read", problem=str(error))
                return

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
