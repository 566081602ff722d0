"""A clock that stands still until a test moves it, and whose date can jump while its seconds do not."""

from __future__ import annotations

import asyncio
import heapq
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class HandClock:
    """Time as a test wants it; who sleeps wakes when the hand passes."""

    def __init__(self, start: datetime = START) -> None:
        """Stand at `start`."""
        self._now = start
        self._seconds = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = 0

    def now(self) -> datetime:
        """Return the date."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds moved so far, jumps left out."""
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        """Sleep until the clock was moved that far."""
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._order += 1
        heapq.heappush(self._sleepers, (self._seconds + seconds, self._order, waking))
        await waking

    def jump(self, seconds: float) -> None:
        """Set the date forward or back, as a wrong NTP server does; nobody wakes."""
        self._now += timedelta(seconds=seconds)

    async def move(self, seconds: float) -> None:
        """Let time pass, waking each sleeper in its turn and letting it work until it sleeps again."""
        end = self._seconds + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, waking = heapq.heappop(self._sleepers)
            self._step_to(at)
            if not waking.done():
                waking.set_result(None)
            for _ in range(10):
                await asyncio.sleep(0)
        self._step_to(end)

    def _step_to(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds - self._seconds)
        self._seconds = seconds
