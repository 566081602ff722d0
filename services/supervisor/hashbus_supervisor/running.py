"""A site at work: every process started in order, kept running, and ended in the opposite order."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from hashbus_supervisor.child import Child, ChildState
from hashbus_supervisor.events import Event, Tone
from hashbus_supervisor.recipes import BROKER, recipes
from hashbus_supervisor.site_log import SiteLog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from hashbus.clock import Clock
    from hashbus_supervisor.child import Recipe
    from hashbus_supervisor.events import Events
    from hashbus_supervisor.site import Site

LOW_ON_DISK_BYTES = 50_000_000

ILL = (ChildState.FALLEN, ChildState.GIVEN_UP, ChildState.DEGRADED)


class RunningSite:
    """The processes of one site on this machine."""

    def __init__(self, site: Site, events: Events, clock: Clock) -> None:
        """Prepare every process; nothing is started yet."""
        self._site = site
        self._events = events
        self._clock = clock
        self._stages = [[self._child(recipe) for recipe in stage] for stage in recipes(site)]
        self._unwritten: dict[str, str] = {}
        self._starting: asyncio.Task[None] | None = None
        self.told = asyncio.Event()

    @property
    def children(self) -> list[Child]:
        """Return all processes in the order in which they start."""
        return [child for stage in self._stages for child in stage]

    def tell(self, who: str, text: str, tone: Tone = Tone.NEUTRAL) -> None:
        """Note an event."""
        self._events.add(Event(self._clock.now(), who, text, tone))

    def stop(self) -> None:
        """End the site in good order; at the second call, at once.

        The broker always ends in good order: that is quick, and what it remembers is worth it.
        """
        if self.told.is_set():
            for child in self.children:
                if child.name != BROKER:
                    child.kill()
            return
        self.tell("site", "ending")
        self.told.set()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Start everything and keep it running; at the end, end what still runs."""
        async with asyncio.TaskGroup() as work:
            self._starting = work.create_task(self._start_in_order(work), name="start")
            try:
                yield
            finally:
                await self._end(self._stages)

    async def end_services(self) -> None:
        """End everything but the broker, so that last words can still be said."""
        await self._end([stage for stage in self._stages if stage[0].name != BROKER])

    async def _start_in_order(self, work: asyncio.TaskGroup) -> None:
        for stage in self._stages:
            for child in stage:
                work.create_task(child.keep(), name=child.name)
            # A stage that is late holds nobody up for ever: whoever comes next tries again until it is there.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._site.settings.supervisor.ready_s):
                    await asyncio.gather(*(child.settled.wait() for child in stage))

    async def _end(self, stages: Sequence[Sequence[Child]]) -> None:
        if self._starting:
            self._starting.cancel()
        for stage in reversed(stages):
            await asyncio.gather(*(child.stop() for child in stage))

    def look_around(self) -> dict[str, str]:
        """Return what does not work, by who suffers from it; tells what a person should know of disk and logs."""
        ill = [child for child in self.children if child.state in ILL and child.problems]
        unwritten = {child.name: child.log.problem for child in self.children if child.log.problem}
        if low := self._problem_of_disk():
            unwritten["disk"] = low
        for who, problem in unwritten.items():
            if who not in self._unwritten:
                self.tell(who, problem, Tone.WARNING)
        for who in self._unwritten.keys() - unwritten.keys():
            self.tell(who, "there is room again: logs are written", Tone.GOOD)
        self._unwritten = unwritten
        return {**unwritten, **{child.name: f"{child.name}: {'; '.join(child.problems)}" for child in ill}}

    def _problem_of_disk(self) -> str | None:
        free_bytes = shutil.disk_usage(self._site.data_dir).free
        if free_bytes >= LOW_ON_DISK_BYTES:
            return None
        return f"{self._site.data_dir}: {free_bytes / 1e6:.0f} MB free; soon nothing can be recorded any more"

    def _child(self, recipe: Recipe) -> Child:
        wanted = self._site.settings.supervisor
        return Child(
            recipe,
            SiteLog(self._site.logs / f"{recipe.name}.log", int(wanted.log_file_mb * 1e6)),
            self._clock,
            tell=partial(self.tell, recipe.name),
            ready_s=wanted.ready_s,
            stop_s=wanted.stop_s,
        )
