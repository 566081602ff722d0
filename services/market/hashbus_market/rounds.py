"""One round over several sources at once: whoever is quick is heard, whoever hangs is not waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

import aiohttp

from hashbus.clock import Clock
from hashbus_market import metrics
from hashbus_market.asking import Ask
from hashbus_market.errors import SourceAway, SourceError, SourceRests, answers_of_others
from hashbus_market.settings import MarketSection

T = TypeVar("T")

Question = Callable[[], Awaitable[T]]


async def heard_from_all(
    questions: Mapping[str, Question[T]], *, clock: Clock, grace_s: float | None
) -> dict[str, T | SourceError]:
    """Ask all at once and return what each said, or its error, in the order of the questions.

    When more than half have given a good answer, or only one is left to answer, the rest have `grace_s` more seconds;
    None waits for all of them (each question has a time-out of its own).
    """
    tasks = {asyncio.create_task(_error_as_value(question), name=name): name for name, question in questions.items()}
    deadline_s: float | None = None
    waiting = set(tasks)
    try:
        while waiting:
            left_s = None if deadline_s is None else max(0.0, deadline_s - clock.monotonic())
            done, waiting = await asyncio.wait(waiting, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                break
            good = sum(1 for task in tasks if task.done() and not isinstance(task.result(), SourceError))
            is_enough = good * 2 > len(tasks) or (good > 0 and len(waiting) == 1)
            if grace_s is not None and deadline_s is None and is_enough:
                deadline_s = clock.monotonic() + grace_s
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    late = SourceAway(f"no answer {grace_s:g} s after most others" if grace_s is not None else "no answer")
    return {name: late if task in waiting else task.result() for task, name in tasks.items()}


async def _error_as_value(question: Question[T]) -> T | SourceError:
    try:
        return await question()
    except SourceError as error:
        return error


class Lines:
    """The lines to the sources by name; a source that asked for rest is not asked before that is over."""

    def __init__(self, settings: MarketSection, http: aiohttp.ClientSession, clock: Clock) -> None:
        """Nothing is connected yet."""
        self._settings = settings
        self._http = http
        self._clock = clock
        self._rests: dict[str, tuple[datetime, str]] = {}

    def to_address(self, url: str, headers: Mapping[str, str]) -> Ask:
        """Return a line to an address."""
        return Ask(self._http, url, self._settings.timeout_s, headers, self._settings.proxy)

    def question(self, name: str, url: str, ask: Callable[[Ask], Awaitable[T]]) -> Question[T]:
        """Return the question to a source, with its rest respected and its outcome counted."""

        async def asked() -> T:
            now = self._clock.now()
            until, why = self._rests.get(name, (now, ""))
            if now < until:
                raise SourceAway(f"{why}, until {until:%H:%M:%S} UTC")
            try:
                with answers_of_others():
                    found = await ask(self.to_address(self._settings.urls.get(name, url), {}))
            except SourceRests as error:
                self._rests[name] = (now + timedelta(seconds=error.rest_s), str(error))
                metrics.ASKED.labels(name, "rests").inc()
                raise
            except SourceError as error:
                metrics.ASKED.labels(name, type(error).__name__.removeprefix("Source").lower()).inc()
                raise
            metrics.ASKED.labels(name, "ok").inc()
            return found

        return asked
