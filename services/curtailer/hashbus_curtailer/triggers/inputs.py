"""What the triggers learn from outside the bus: foreign topics, a file, a server. Each puts it into the state."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import aiohttp

from hashbus import logs
from hashbus.clock import Clock
from hashbus.foreign import GRID
from hashbus.health import Health
from hashbus.mqtt_feed import Feed, Heard
from hashbus.settings import BrokerSettings
from hashbus_curtailer.triggers import openadr, peaks, signal
from hashbus_curtailer.triggers.settings import Triggers
from hashbus_curtailer.triggers.step import State
from hashbus_curtailer.triggers.vtn import Vtn, VtnAway, VtnRefuses

log = logs.get("triggers")

LARGEST_FILE = 4 << 20

STARTING = "not connected yet"
"""What a feed says before its first try."""


class Input(Protocol):
    """Something outside the bus that triggers look at."""

    def into(self, state: State) -> State:
        """Return the state with what is known now in it."""
        ...


class Told:
    """Says a problem in one line when it begins and when it is over, and keeps it on the health page meanwhile."""

    def __init__(self, what: str, health: Health) -> None:
        """Begin without a problem."""
        self._what = what
        self._health = health

    def say(self, problem: str | None) -> None:
        """Note how it is now."""
        if not self._health.report(self._what, problem and f"{self._what}: {problem}"):
            return
        if problem is None:
            log.info("works again", trigger=self._what)
        else:
            log.warning("has a problem", trigger=self._what, problem=problem)


class SignalInput:
    """The topics of a signal, each at its broker."""

    def __init__(
        self, settings: signal.SignalSettings, feeds: Mapping[str, Feed], clock: Clock, health: Health
    ) -> None:
        """Listen with `feeds`, one a source by its name."""
        self._clock = clock
        self._settings = settings
        self._feeds = feeds
        self._told = Told("the signal", health)
        self._taken: dict[str, Heard] = {}

    def into(self, state: State) -> State:
        """Take in what came since the last look."""
        known, wrong = state.signal, list[str]()
        for source in self._settings.sources:
            feed = self._feeds[source.name]
            heard = feed.heard(source.topic) or feed.retained(source.topic)
            if heard is not None and self._taken.get(source.name) is not heard:
                self._taken[source.name] = heard
                known = signal.heard(known, source, signal.Said(heard.payload, None if heard.is_retained else heard.at))
            if feed.problem not in (None, STARTING):
                wrong.append(f"{source.name}: {feed.problem}")
            elif (
                heard is None
                and known.since
                and self._clock.now() - known.since > timedelta(seconds=source.stale_after_s)
            ):
                wrong.append(f"{source.name}: nothing was ever heard on {source.topic}{_hint(source)}")
        self._told.say("; ".join([*wrong, *known.problems.values()]) or None)
        return replace(state, signal=known)


def _hint(source: signal.SignalSource) -> str:
    is_let_through = source.broker is not None or source.topic.startswith(f"{GRID}/")
    return "" if is_let_through else f"; a site's own broker lets only topics below {GRID}/ through to the curtailer"


class PeaksInput:
    """The file of a forecast; it is read again when it has changed."""

    def __init__(self, settings: peaks.PeaksSettings, health: Health) -> None:
        """Read nothing yet."""
        self._file = settings.file
        self._told = Told("the forecast of peaks", health)
        self._seen: tuple[int, int] | None = None
        self._forecast: peaks.Forecast | None = None

    def into(self, state: State) -> State:
        """Read the file when it is another; one that cannot be read leaves the last one in force until it is old."""
        try:
            about = self._file.stat()
            if (about.st_mtime_ns, about.st_size) != self._seen:
                self._seen = about.st_mtime_ns, about.st_size
                self._forecast = _read(self._file, about.st_mtime)
                self._told.say(None)
        except (OSError, UnicodeDecodeError, peaks.BadForecast) as error:
            self._told.say(f"{self._file}: {error}")
        return replace(state, forecast=self._forecast)


def _read(file: Path, written_s: float) -> peaks.Forecast:
    with file.open("rb") as opened:
        content = opened.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise peaks.BadForecast(f"is longer than {LARGEST_FILE} bytes")
    return peaks.Forecast(peaks.parsed(content.decode(), file.suffix), datetime.fromtimestamp(written_s, UTC))


class VtnInput:
    """The events of an OpenADR server, asked again and again beside the loop."""

    def __init__(self, settings: openadr.OpenAdrSettings, vtn: Vtn, clock: Clock, health: Health) -> None:
        """Nothing is asked before `poll`."""
        self._settings = settings
        self._vtn = vtn
        self._clock = clock
        self._told = Told("the OpenADR server", health)
        self._events: tuple[openadr.Event, ...] | None = None

    async def poll(self) -> None:
        """Ask for ever; while the server is away, the events it gave go on to their own ends."""
        while True:
            try:
                self._events, problems = openadr.parsed(await self._vtn.events())
                self._told.say("; ".join(problems)[:1000] or None)
            except (VtnAway, VtnRefuses) as error:
                self._told.say(str(error))
            await self._clock.sleep(self._settings.poll_s)

    def into(self, state: State) -> State:
        """Take in the events as they are known now."""
        return replace(state, events=self._events)


@asynccontextmanager
async def opened(
    settings: Triggers, broker: BrokerSettings, clock: Clock, health: Health
) -> AsyncIterator[list[Input]]:
    """Open what the triggers of the settings look at, and close it at the end."""
    inputs: list[Input] = []
    async with AsyncExitStack() as stack:
        if settings.signal is not None:
            feeds = await stack.enter_async_context(_listening(settings.signal, broker, clock))
            inputs.append(SignalInput(settings.signal, feeds, clock, health))
        if settings.peaks is not None:
            inputs.append(PeaksInput(settings.peaks, health))
        if settings.openadr is not None:
            http = await stack.enter_async_context(aiohttp.ClientSession())
            server = VtnInput(settings.openadr, Vtn(settings.openadr, http, clock), clock, health)
            await stack.enter_async_context(_polled(server))
            inputs.append(server)
        yield inputs


@asynccontextmanager
async def _listening(
    settings: signal.SignalSettings, broker: BrokerSettings, clock: Clock
) -> AsyncIterator[dict[str, Feed]]:
    at = {one: Feed(one, clock) for one in {source.broker or broker for source in settings.sources}}
    feeds = {source.name: at[source.broker or broker] for source in settings.sources}
    for source in settings.sources:
        feeds[source.name].want([source.topic])
    try:
        yield feeds
    finally:
        for source in settings.sources:
            await feeds[source.name].leave([source.topic])


@asynccontextmanager
async def _polled(server: VtnInput) -> AsyncIterator[None]:
    task = asyncio.create_task(server.poll(), name="OpenADR")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
