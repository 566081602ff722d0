"""One HTTP question to a source: bounded in time and size, and every way it fails is one of three errors."""

from __future__ import annotations

import asyncio
import email.utils
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import aiohttp

from hashbus_market.errors import SourceAway, SourceGarbled, SourceRests

LARGEST_ANSWER = 1024 * 1024
REST_S: Mapping[int, float] = {429: 300.0, 418: 3600.0, 403: 3600.0, 451: 21_600.0}
"""How long a source that sends us away is left alone when it does not say: rate limit, ban, refused, blocked region."""

LONGEST_REST_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer: its text, and how to read it."""

    body: bytes

    def text(self) -> str:
        """Return it as text."""
        try:
            return self.body.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise SourceGarbled("the answer is not text") from None

    def json(self) -> Any:
        """Return it as JSON; numbers that are no numbers (NaN, Infinity) are refused."""
        try:
            return json.loads(self.text(), parse_constant=_refused_constant)
        except (ValueError, RecursionError):
            raise SourceGarbled(f"the answer is not JSON: {self.body[:60].decode('utf-8', 'replace')!r}") from None


def _refused_constant(name: str) -> NoReturn:
    raise ValueError(name)


@dataclass(frozen=True)
class Ask:
    """A line to one source: its address, how long to wait, and what is sent with every question."""

    http: aiohttp.ClientSession
    base_url: str
    timeout_s: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    proxy: str | None = None

    async def get(self, path: str, **parameters: str) -> Answer:
        """Ask and return the whole answer. SourceAway, SourceRests or SourceGarbled."""
        return await self._bounded("GET", path, params=parameters)

    async def post(self, path: str, **form: str) -> Answer:
        """Send a form and return the whole answer; errors as those of `get`."""
        return await self._bounded("POST", path, data=form)

    async def _bounded(self, method: str, path: str, **sent: Mapping[str, str]) -> Answer:
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._answered(method, path, **sent)
        except TimeoutError:
            raise SourceAway(f"no answer in {self.timeout_s:g} s") from None
        except (aiohttp.ClientError, ssl.SSLError, OSError) as error:
            # The address may carry a token: say what happened, not where.
            raise SourceAway(_named(error)) from None

    async def _answered(self, method: str, path: str, **sent: Mapping[str, str]) -> Answer:
        async with self.http.request(
            method,
            f"{self.base_url.rstrip('/')}{path}",
            params=sent.get("params"),
            data=sent.get("data"),
            headers={"Accept": "application/json, application/xml, text/plain, text/csv", **self.headers},
            proxy=self.proxy,
            allow_redirects=False,
        ) as response:
            body = await _whole(response)
            if response.status in REST_S or (response.status == 503 and "Retry-After" in response.headers):
                rest_s = _rest_s(response)
                raise SourceRests(f"it answers {response.status}; it is left alone for {rest_s:.0f} s", rest_s)
            if response.status in (400, 401, 404, 422):
                raise SourceGarbled(f"it answers {response.status}: {body[:100].decode('utf-8', 'replace')!r}")
            if response.status != 200:
                raise SourceAway(f"it answers {response.status}")
            return Answer(body)


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_chunked(65_536):
        body += piece
        if len(body) > LARGEST_ANSWER:
            raise SourceGarbled("the answer is longer than 1 MiB")
    return bytes(body)


def _rest_s(response: aiohttp.ClientResponse) -> float:
    """Return what Retry-After asks, in seconds or as a date (RFC 9110, 10.2.3); else what is usual for the status."""
    usual_s = REST_S.get(response.status, 300.0)
    asked = response.headers.get("Retry-After", "").strip()
    if asked.isascii() and asked.isdigit():
        return min(max(1.0, float(asked[:9])), LONGEST_REST_S)
    try:
        moment = email.utils.parsedate_to_datetime(asked)
        said = email.utils.parsedate_to_datetime(response.headers["Date"])
    except (ValueError, KeyError, TypeError):
        return usual_s
    return min(max(1.0, (moment - said).total_seconds()), LONGEST_REST_S)


def _named(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection: {error.os_error.strerror or type(error.os_error).__name__}"
    return f"the connection broke ({type(error).__name__})"
