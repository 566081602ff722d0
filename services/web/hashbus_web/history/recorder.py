"""Questions about the past, asked at the recorder and kept for a moment; what is kept serves while it is away."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from pydantic import ValidationError

from hashbus.clock import Clock
from hashbus_web import metrics
from hashbus_web.history.chart import Chart, chart_of, first_known
from hashbus_web.problems import Problem, away

AT_ONCE = 3
"""The recorder answers four at the same time and sends the fifth away; one is left for `hashbus history`."""

LARGEST_ANSWER = 32 * 1024 * 1024
TIMEOUT_S = 20.0
KEPT_ANSWERS = 300
KEPT_BYTES = 64 * 1024 * 1024
FRESH_S = (2.0, 60.0)
"""A chart is asked anew after half its step: before that nothing on it can have changed that one could see."""

Parameters = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer, when it was read, and how long it is as good as new."""

    body: bytes
    read_s: float
    fresh_s: float


class Recorder:
    """The recorder as this service sees it: away, or answering."""

    def __init__(self, url: str, http: aiohttp.ClientSession, clock: Clock) -> None:
        """Ask at `url`."""
        self._url = url
        self._http = http
        self._clock = clock
        self._kept: OrderedDict[tuple[str, Parameters], Kept] = OrderedDict()
        self._asking: dict[tuple[str, Parameters], asyncio.Task[Kept]] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self.problem: str | None = None

    async def chart(self, path: str, parameters: Mapping[str, str]) -> bytes:
        """Return a chart as JSON, with its age; from memory when the recorder is away. Problem when there is none."""
        key = (path, tuple(sorted(parameters.items())))
        kept = self._kept.get(key)
        now_s = self._clock.monotonic()
        if kept is not None and now_s - kept.read_s <= kept.fresh_s:
            metrics.HISTORY.labels("memory").inc()
            return self._told(kept, why=None)
        try:
            kept = await self._once(key)
        except Problem as problem:
            if kept is None or problem.status != 503:
                raise
            metrics.HISTORY.labels("old").inc()
            return self._told(kept, why=problem.reply.error)
        metrics.HISTORY.labels("recorder").inc()
        return self._told(kept, why=None)

    async def devices(self) -> Any:
        """Return which series there are."""
        return json.loads(await self._answer("/devices", {}))

    @asynccontextmanager
    async def export(self, parameters: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open a CSV export, to be read while it is written. Problem when it cannot be had."""
        try:
            async with self._http.get(f"{self._url}/export.csv", params=dict(parameters)) as answer:
                if answer.status != 200:
                    _check(answer.status, await answer.content.read(100_000))
                yield answer
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._away(error) from None

    async def _once(self, key: tuple[str, Parameters]) -> Kept:
        """Ask a question once, however many want to know it at the same time."""
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._asked(key))
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(task)

    async def _asked(self, key: tuple[str, Parameters]) -> Kept:
        path, pairs = key
        parameters = dict(pairs)
        if parameters.get("days") == "all":
            parameters = await self._since_the_beginning(path, parameters)
        chart = await self._chart(path, parameters)
        fresh_s = min(max(chart.step_s / 2, FRESH_S[0]), FRESH_S[1])
        kept = Kept(
            chart.model_dump_json(exclude={"age_s", "is_stale", "why"}).encode(), self._clock.monotonic(), fresh_s
        )
        self._keep(key, kept)
        return kept

    async def _since_the_beginning(self, path: str, parameters: dict[str, str]) -> dict[str, str]:
        """Return the question about everything there is: from the first point that is known."""
        whole = await self._chart(path, {**parameters, "days": "3660", "max_points": "1000"})
        begin = first_known(whole)
        if begin is None:
            return {**parameters, "days": "1"}
        return {**{name: one for name, one in parameters.items() if name != "days"}, "from": begin}

    async def _chart(self, path: str, parameters: Mapping[str, str]) -> Chart:
        body = await self._answer(path, parameters)
        try:
            # A long answer takes a while to read: the live pages go on meanwhile.
            return await asyncio.to_thread(chart_of, body)
        except (ValidationError, ValueError, KeyError, TypeError) as error:
            raise away("recorder", f"its answer cannot be read: {type(error).__name__}") from None

    async def _answer(self, path: str, parameters: Mapping[str, str]) -> bytes:
        try:
            async with (
                self._slots,
                asyncio.timeout(TIMEOUT_S),
                self._http.get(f"{self._url}{path}", params=dict(parameters), allow_redirects=False) as answer,
            ):
                body = bytearray()
                async for part in answer.content.iter_chunked(1 << 16):
                    body += part
                    if len(body) > LARGEST_ANSWER:
                        raise Problem(422, "wrong", "that is too much at once; ask for less, or for a CSV file")
                self.problem = None
                _check(answer.status, bytes(body))
                return bytes(body)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._away(error) from None

    def _away(self, error: Exception) -> Problem:
        self.problem = f"the recorder does not answer: {str(error) or type(error).__name__}"
        return away("recorder", self.problem)

    def _keep(self, key: tuple[str, Parameters], kept: Kept) -> None:
        self._kept[key] = kept
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT_ANSWERS or sum(len(one.body) for one in self._kept.values()) > KEPT_BYTES:
            self._kept.popitem(last=False)

    def _told(self, kept: Kept, *, why: str | None) -> bytes:
        age_s = round(self._clock.monotonic() - kept.read_s, 1)
        head = json.dumps({"age_s": age_s, "is_stale": why is not None, "why": why})
        return kept.body[:-1] + b"," + head.encode()[1:]


def _check(status: int, body: bytes) -> None:
    """Raise the recorder's own complaint as a Problem."""
    if status == 200:
        return
    try:
        said = json.loads(body)
    except ValueError:
        said = {}
    said = said if isinstance(said, dict) else {}
    text, field = str(said.get("error", f"the recorder answers {status}")), said.get("parameter")
    if status in (400, 404):
        code = "wrong" if status == 400 else "not_found"
        raise Problem(422 if status == 400 else 404, code, text, field=str(field) if field else None)
    raise away("recorder", text)
