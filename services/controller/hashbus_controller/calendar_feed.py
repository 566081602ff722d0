"""Reads the calendars of the settings, from a file or by HTTP, and says what they ask for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp

from hashbus import logs
from hashbus.bus import Bus
from hashbus.clock import Clock
from hashbus.messages import CalendarEvent, CalendarWindows
from hashbus_controller.calendar_settings import CalendarSettings, url_of
from hashbus_controller.calendars import AHEAD, BadCalendar, events_of

LONGEST_BYTES = 5_000_000
PATIENCE_S = 20.0

log = logs.get("calendar")


@dataclass
class CalendarFeed:
    """One calendar, read again and again. What cannot be read now leaves what was read before."""

    name: str
    settings: CalendarSettings
    zone: ZoneInfo
    bus: Bus
    clock: Clock
    events: tuple[CalendarEvent, ...] = ()
    read_at: datetime | None = None
    problem: str | None = None

    async def run(self) -> None:
        """Read it until told to stop."""
        while True:
            await self.visit()
            await self.clock.sleep(self.settings.every_s)

    async def visit(self) -> None:
        """Read it once and say what it asks for."""
        now = self.clock.now()
        try:
            text = await self._text()
            self.events = await asyncio.to_thread(events_of, text, now, self.zone)
            self.read_at, problem = now, None
        except (OSError, ValueError, aiohttp.ClientError, TimeoutError) as error:
            problem = self._words(error)
        if problem != self.problem:
            log.info(
                "calendar can be read" if problem is None else "calendar cannot be read",
                calendar=self.name,
                problem=problem,
            )
            self.problem = problem
        if self.read_at is not None:
            self.bus.publish(self._windows(now))
        elif problem is not None:
            log.debug("nothing is known of the calendar yet", calendar=self.name)

    def _windows(self, now: datetime) -> CalendarWindows:
        read_at = self.read_at or now
        return CalendarWindows(
            site=self.bus.site,
            at=now,
            calendar=self.name,
            events=self.events,
            read_at=read_at,
            known_until=read_at + AHEAD,
            problem=self.problem,
        )

    async def _text(self) -> bytes:
        settings = self.settings
        if settings.file is not None:
            return await asyncio.to_thread(_read, settings.file)
        url = settings.url
        if settings.url_file is not None:
            url = (await asyncio.to_thread(_read, settings.url_file)).decode().strip()
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
            session.get(url_of(url or ""), headers={"Accept": "text/calendar"}) as answer,
        ):
            if answer.status != 200:
                raise BadCalendar(f"the server answers {answer.status}")
            text = await answer.content.read(LONGEST_BYTES + 1)
            while len(text) <= LONGEST_BYTES and (more := await answer.content.read(LONGEST_BYTES)):
                text += more
        return _of_size(text)

    def _words(self, error: BaseException) -> str:
        """Say what is wrong without the URL, which may be a secret."""
        if isinstance(error, TimeoutError):
            return f"no answer within {PATIENCE_S:g} s"
        if isinstance(error, aiohttp.ClientError):
            return f"cannot be fetched ({type(error).__name__})"
        if isinstance(error, OSError):
            return error.strerror or type(error).__name__
        return str(error)[:500]


def _read(path: Path) -> bytes:
    with path.open("rb") as opened:
        return _of_size(opened.read(LONGEST_BYTES + 1))


def _of_size(text: bytes) -> bytes:
    if len(text) > LONGEST_BYTES:
        raise BadCalendar(f"is longer than {LONGEST_BYTES // 1_000_000} MB")
    return text
