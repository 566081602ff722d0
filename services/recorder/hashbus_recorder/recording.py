"""Points on their way into the store: gathered in memory, written in batches, spooled while the store is away.

New points always go first; what waits in the spool follows in order, a batch after each batch of new ones. A store that
is away is tried again with growing pauses, and its outage is told when it begins and when it ends.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hashbus import logs
from hashbus_recorder import metrics
from hashbus_recorder.outage import Outage
from hashbus_recorder.repository import PointsRefused, StoreUnavailable
from hashbus_recorder.thinning import every_other

if TYPE_CHECKING:
    from hashbus.clock import Clock
    from hashbus_recorder.quarantine import Quarantine
    from hashbus_recorder.repository import Point, TimeSeriesRepository
    from hashbus_recorder.spool import Spool

log = logs.get("recording")


@dataclass(frozen=True, slots=True)
class Batching:
    """When points are written: at the latest after `flush_s`, at once when `batch_points` wait.

    `memory_points` bounds what is held in memory while neither the store nor the spool takes points.
    """

    flush_s: float = 1.0
    batch_points: int = 1_000
    drain_points: int = 5_000
    memory_points: int = 50_000


class Recording:
    """Takes points and sees that they reach the store."""

    def __init__(
        self,
        store: TimeSeriesRepository,
        spool: Spool,
        quarantine: Quarantine,
        clock: Clock,
        batching: Batching | None = None,
    ) -> None:
        """Nothing is written until `run` runs."""
        self._store = store
        self._spool = spool
        self._quarantine = quarantine
        self._clock = clock
        self._batching = batching or Batching()
        self._points: list[Point] = []
        self._is_enough = asyncio.Event()
        self._is_over_bound = False
        self._store_outage = Outage("store", clock)
        self._spool_outage = Outage("spool", clock)

    @property
    def problems(self) -> dict[str, str | None]:
        """Return why the store and the spool do not take points right now; None while they do."""
        return {"store": self._store_outage.problem, "spool": self._spool_outage.problem}

    @property
    def waiting(self) -> int:
        """Return how many points are in memory alone."""
        return len(self._points)

    @property
    def has_batch(self) -> bool:
        """Say whether enough points wait to be written at once."""
        return len(self._points) >= self._batching.batch_points

    @property
    def is_behind(self) -> bool:
        """Say whether memory is half full although points can be written: whoever brings more should wait."""
        can_write = self._store_outage.problem is None or self._spool_outage.problem is None
        return can_write and len(self._points) >= self._batching.memory_points // 2

    def add(self, point: Point) -> None:
        """Take one point. At the bound of the memory the oldest get coarser, then the newest are lost."""
        if len(self._points) >= self._batching.memory_points:
            self._make_room()
        if len(self._points) < self._batching.memory_points:
            self._points.append(point)
        else:
            metrics.DROPPED.labels("memory").inc()
        metrics.WAITING.set(len(self._points))
        if self.has_batch:
            self._is_enough.set()

    async def run(self) -> None:
        """Write for ever. Cancelled, it brings what it holds into the store or the spool first."""
        try:
            while True:
                await self._gather()
                await self.flush()
        finally:
            await self._rescue()

    async def flush(self) -> None:
        """Write what is there: the new points, then one batch of the spooled ones."""
        new, self._points = self._points, []
        try:
            if new:
                await self._deliver(new)
        except asyncio.CancelledError:
            # Whether they are written is not known; written twice they count once.
            self._points = new + self._points
            raise
        if self._has_to_drain():
            await self._drain()
        metrics.WAITING.set(len(self._points))

    async def _gather(self) -> None:
        """Wait until a batch is full or old enough; a spool that drains is not waited for."""
        self._is_enough.clear()
        is_away = not (self._store_outage.may_try or self._spool_outage.may_try)
        if is_away:
            await asyncio.sleep(self._batching.flush_s)
            return
        if self.has_batch or self._has_to_drain():
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(self._batching.flush_s):
                await self._is_enough.wait()
        except TimeoutError:
            return

    async def _deliver(self, points: list[Point]) -> None:
        if self._store_outage.may_try and await self._is_written(points):
            return
        if not await self._is_spooled(points):
            # Neither the store nor the disk: memory is what is left.
            self._points = points + self._points

    async def _drain(self) -> None:
        try:
            waiting = await asyncio.to_thread(self._spool.oldest, self._batching.drain_points)
            if await self._is_written(waiting.points):
                await asyncio.to_thread(self._spool.remove, waiting)
        except StoreUnavailable as error:
            self._spool_outage.begin(str(error))

    def _has_to_drain(self) -> bool:
        return bool(self._spool.points) and self._store_outage.may_try and self._spool_outage.may_try

    async def _is_spooled(self, points: list[Point]) -> bool:
        if not self._spool_outage.may_try:
            return False
        try:
            await asyncio.to_thread(self._spool.put, points)
        except StoreUnavailable as error:
            self._spool_outage.begin(str(error))
            return False
        self._spool_outage.end()
        return True

    async def _is_written(self, points: list[Point]) -> bool:
        """Write one batch; True when it need not be tried again."""
        started_s = self._clock.monotonic()
        refused = 0
        try:
            await self._store.write(points)
        except PointsRefused as refusal:
            refused = len(refusal.points)
            await asyncio.to_thread(self._quarantine.put, refusal)
        except StoreUnavailable as error:
            self._store_outage.begin(str(error))
            metrics.STORE_UP.set(0)
            return False
        metrics.WRITE_SECONDS.observe(self._clock.monotonic() - started_s)
        metrics.WRITTEN.inc(len(points) - refused)
        metrics.STORE_UP.set(1)
        self._store_outage.end()
        self._is_over_bound = False
        return True

    def _make_room(self) -> None:
        if not self._is_over_bound:
            self._is_over_bound = True
            log.error("memory is full: waiting points get coarser", points=len(self._points))
        kept = every_other(self._points)
        metrics.THINNED.labels("memory").inc(len(self._points) - len(kept))
        self._points = kept

    async def _rescue(self) -> None:
        """Bring what is in memory to safety at the end."""
        points, self._points = self._points, []
        if not points or (self._store_outage.may_try and await self._is_written(points)):
            return
        if not await self._is_spooled(points):
            metrics.DROPPED.labels("end").inc(len(points))
            log.error("points are lost at the end", points=len(points), **self.problems)
