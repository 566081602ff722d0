"""Asks the recorder how much was drawn: watt-hours of each interval, of the site's meter or of all miners together."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import aiohttp

TIMEOUT_S = 60.0
LARGEST_ANSWER = 16 << 20


class RecordAway(Exception):
    """The recorder does not answer, or not yet: the same question later helps."""


class NoRecord(Exception):
    """The recorder answers that it has nothing of that: a person has to look."""


class Record:
    """The energy of one site, as its recorder keeps it."""

    def __init__(self, url: str, meter: str | None, http: aiohttp.ClientSession) -> None:
        """Ask at `url` for the `meter`; without one for the sum of the miners."""
        self._url = url.rstrip("/")
        self._meter = meter
        self._http = http

    @property
    def measured(self) -> str:
        """Say where the energy was read."""
        return f"meter {self._meter}" if self._meter else "sum of the miners' own readings"

    async def energy(self, start: datetime, stop: datetime, interval_s: int) -> dict[datetime, float]:
        """Return the watt-hours of each whole interval from `start` on; what was not recorded is not in it."""
        query = {"from": start.isoformat(), "to": stop.isoformat(), "step": f"{interval_s}s", "fields": "power_w"}
        if self._meter:
            answer = await self._asked("history", {**query, "measurement": "meter", "device": self._meter})
        else:
            answer = await self._asked("totals", query)
        column = "mean" if self._meter else "sum"
        hours = interval_s / 3600
        return {at: round(mean_w * hours, 3) for at, mean_w in _pairs(answer, column) if start <= at < stop}

    async def _asked(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        where = f"{self._url}/{path}"
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                self._http.get(where, params=query, allow_redirects=False) as answer,
            ):
                body = bytearray()
                async for chunk in answer.content.iter_chunked(65_536):
                    body += chunk
                    if len(body) > LARGEST_ANSWER:
                        raise RecordAway(f"{where}: the answer is longer than {LARGEST_ANSWER} bytes")
        except TimeoutError:
            raise RecordAway(f"{where}: no answer in {TIMEOUT_S:g} s") from None
        except aiohttp.ClientError as error:
            raise RecordAway(f"{where}: {error}") from None
        return _understood(where, answer.status, bytes(body))


def _understood(where: str, status: int, body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    if status in (400, 404) and isinstance(content, dict):
        raise NoRecord(f"{where}: {content.get('error', status)}")
    if status != 200 or not isinstance(content, dict):
        raise RecordAway(f"{where}: the recorder answers {status}")
    return content


def _pairs(answer: dict[str, Any], column: str) -> Iterator[tuple[datetime, float]]:
    """Yield the buckets that have a figure."""
    figures = answer.get("fields", {}).get("power_w", {}).get(column, [])
    for at, figure in zip(answer.get("at", []), figures, strict=False):
        if figure is not None:
            yield datetime.fromisoformat(at), float(figure)
