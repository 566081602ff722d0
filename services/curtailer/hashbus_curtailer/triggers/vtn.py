"""The calls to an OpenADR 3 server: a token for the secret, and the events, page by page.

A client of our own, because openadr3-client (Apache-2.0) needs Python 3.12 and blocks on `requests`, and the reading
side of OpenADR 3 is two calls.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp

from hashbus.clock import Clock
from hashbus_curtailer.triggers.openadr import OpenAdrSettings

LARGEST_ANSWER = 4 << 20
PAGE = 50
MOST_PAGES = 40
DENIED = (401, 403)


class VtnAway(Exception):
    """The server does not answer, or what it answers is no list of events."""


class VtnRefuses(Exception):
    """The server does not let us in: a person has to look at client_id, secret, scope or rights."""


class Vtn:
    """One client's line to its server."""

    def __init__(self, settings: OpenAdrSettings, http: aiohttp.ClientSession, clock: Clock) -> None:
        """Prepare the calls; nothing is connected yet."""
        self._settings = settings
        self._http = http
        self._clock = clock
        self._base = settings.vtn_url.rstrip("/")
        self._token: str | None = None
        self._token_ends_s = 0.0

    async def events(self) -> list[Any]:
        """Return all events that we may see."""
        found: list[Any] = []
        for page in range(MOST_PAGES):
            entries = await self._page(page * PAGE)
            found += entries
            if len(entries) < PAGE:
                break
        return found

    async def _page(self, skip: int) -> list[Any]:
        query = {"skip": str(skip), "limit": str(PAGE)}
        if self._settings.program is not None:
            query["programID"] = self._settings.program
        status, answer = await self._get(query)
        if status in DENIED:
            # A server that was started anew does not know the tokens it gave before.
            self._token = None
            status, answer = await self._get(query)
        if status in DENIED:
            raise VtnRefuses(f"{self._base}/events: the server answers {status} to client {self._settings.client_id}")
        if status != 200 or not isinstance(answer, list):
            raise VtnAway(f"{self._base}/events: the server answers {status}, no list of events")
        return answer

    async def _get(self, query: dict[str, str]) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {await self._bearer()}", "Accept": "application/json"}
        return await self._call("GET", f"{self._base}/events", params=query, headers=headers)

    async def _bearer(self) -> str:
        if self._token is not None and self._clock.monotonic() < self._token_ends_s:
            return self._token
        settings = self._settings
        secret = settings.client_secret.get_secret_value() if settings.client_secret else ""
        form = {"grant_type": "client_credentials", "client_id": settings.client_id, "client_secret": secret}
        if settings.scope:
            form["scope"] = settings.scope
        url = settings.token_url or f"{self._base}/auth/token"
        status, answer = await self._call("POST", url, data=form, headers={"Accept": "application/json"})
        if status in (400, *DENIED):
            raise VtnRefuses(f"{url}: the server answers {status} to client {settings.client_id}")
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if status not in (200, 201) or not isinstance(token, str):
            raise VtnAway(f"{url}: the server answers {status}, no access_token")
        lasts = answer.get("expires_in", 3600)
        lasts_s = float(lasts) if isinstance(lasts, int | float) else 3600.0
        self._token, self._token_ends_s = token, self._clock.monotonic() + lasts_s / 2
        return token

    async def _call(self, method: str, url: str, **more: Any) -> tuple[int, Any]:
        try:
            async with (
                asyncio.timeout(self._settings.timeout_s),
                self._http.request(method, url, allow_redirects=False, **more) as answer,
            ):
                body = await answer.content.read(LARGEST_ANSWER + 1)
                while len(body) <= LARGEST_ANSWER and (rest := await answer.content.read(LARGEST_ANSWER)):
                    body += rest
        except TimeoutError:
            raise VtnAway(f"{url}: no answer in {self._settings.timeout_s:g} s") from None
        except aiohttp.ClientError as error:
            raise VtnAway(f"{url}: {error}") from None
        if len(body) > LARGEST_ANSWER:
            raise VtnAway(f"{url}: the answer is longer than {LARGEST_ANSWER} bytes")
        try:
            return answer.status, json.loads(body) if body else None
        except ValueError:
            return answer.status, None
