"""Lines on their way into a database: through influxdb-client, or to the write call of InfluxDB 1.

Both say the same two things when it fails: the database is away, or it will never take these lines.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

import aiohttp
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from hashbus_recorder.repository import PointsRefused, StoreUnavailable
from hashbus_recorder.stores.line_protocol import lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hashbus_recorder.repository import Point

MAX_LINES = 5_000
"""A request longer than this gains nothing and loses more when it fails."""

T = TypeVar("T")

_MAX_TRIES = 64
_SLICE = 500
_TIMEOUT_S = 30.0
_REFUSED = {400, 413, 422}


class LinesRefused(Exception):
    """The database answered that it does not take a request as it is."""


class LineWriter(Protocol):
    """Posts lines, times in milliseconds: StoreUnavailable when the database is away, LinesRefused when it says no."""

    async def post(self, lines: bytes) -> None:
        """Write all of the lines."""
        ...

    async def close(self) -> None:
        """Let go of the connections."""
        ...


class V2Writer:
    """The write call of InfluxDB 2 and 3 and of VictoriaMetrics: `/api/v2/write`."""

    def __init__(self, url: str, *, org: str, bucket: str, token: str, compress: bool) -> None:
        """Nothing is sent until the first write."""
        self._url, self._org, self._bucket = url, org, bucket
        # The spool is what repeats; a client that repeats on its own would hold up the points that come after.
        self._client = InfluxDBClient(
            url, token, org=org, timeout=int(_TIMEOUT_S * 1000), enable_gzip=compress, retries=False
        )
        self._write = self._client.write_api(write_options=SYNCHRONOUS)

    async def post(self, lines: bytes) -> None:
        """Write all of the lines, in a thread: the client blocks."""
        await asyncio.to_thread(self._post, lines)

    def _post(self, lines: bytes) -> None:
        try:
            # The client's own annotation asks for an instance of a class that only holds the words.
            self._write.write(self._bucket, self._org, lines, write_precision=WritePrecision.MS)  # type: ignore[arg-type]
        except ApiException as error:
            body = error.body.decode(errors="replace") if isinstance(error.body, bytes) else str(error.body or "")
            raise verdict(self._url, int(error.status or 0), body) from None
        except (HTTPError, OSError) as error:
            raise StoreUnavailable(f"{self._url} cannot be reached: {_short(error)}") from None

    async def close(self) -> None:
        """Let go of the connections."""
        await asyncio.to_thread(self._client.close)


class V1Writer:
    """The write call of InfluxDB 1: `/write?db=`."""

    def __init__(self, url: str, session: aiohttp.ClientSession, parameters: dict[str, str], *, compress: bool) -> None:
        """`parameters` name the database and the retention policy; the session carries the credentials."""
        self._url, self._session, self._compress = url, session, compress
        self._parameters = {**parameters, "precision": "ms"}

    async def post(self, lines: bytes) -> None:
        """Write all of the lines."""
        headers = {"Content-Encoding": "gzip"} if self._compress else {}
        body = await asyncio.to_thread(gzip.compress, lines, 5) if self._compress else lines
        status, answer = await exchanged(
            self._session, "POST", f"{self._url}/write", params=self._parameters, data=body, headers=headers
        )
        if status >= 300:
            raise verdict(self._url, status, answer)

    async def close(self) -> None:
        """Nothing of its own to let go of."""


Encode = Callable[["Sequence[Point]"], list[str]]


async def write_points(writer: LineWriter, points: Sequence[Point], encode: Encode = lines) -> None:
    """Write points in requests of at most MAX_LINES; the next is made ready while one is on its way.

    PointsRefused at the end for those that the database never takes.
    """
    batch = _Batch(writer, encode)
    on_its_way: asyncio.Task[None] | None = None
    try:
        for first in range(0, len(points), MAX_LINES):
            ready = await batch.encoded(points[first : first + MAX_LINES])
            if on_its_way is not None:
                await on_its_way
            on_its_way = asyncio.create_task(batch.post(*ready))
        if on_its_way is not None:
            await on_its_way
    finally:
        if on_its_way is not None:
            on_its_way.cancel()
    if batch.refused:
        raise PointsRefused(batch.refused, "; ".join(list(batch.reasons)[:3]))


class _Batch:
    """Points that are written together, and those of them that the database refuses."""

    def __init__(self, writer: LineWriter, encode: Encode) -> None:
        self.refused: list[Point] = []
        self.reasons: dict[str, None] = {}
        self._writer = writer
        self._encode = encode
        self._tries = _MAX_TRIES

    async def encoded(self, points: Sequence[Point]) -> tuple[list[Point], list[str]]:
        """Return the points that make a line, and their lines."""
        kept: list[Point] = []
        texts: list[str] = []
        for first in range(0, len(points), _SLICE):
            self._encode_slice(points[first : first + _SLICE], kept, texts)
            # The request that is on its way and the bus go on meanwhile.
            await asyncio.sleep(0)
        return kept, texts

    def _encode_slice(self, points: Sequence[Point], kept: list[Point], texts: list[str]) -> None:
        try:
            texts += self._encode(points)
            kept += points
        except (TypeError, ValueError) as error:
            if len(points) == 1:
                self._refuse(points, str(error))
                return
            for part in _halves(points):
                self._encode_slice(part, kept, texts)

    async def post(self, points: Sequence[Point], texts: Sequence[str]) -> None:
        """Post lines; of a request that is refused each half again, so that only the bad lines are given up."""
        if not texts:
            return
        try:
            await self._writer.post("\n".join(texts).encode())
        except LinesRefused as error:
            self._tries -= 1
            # With very many bad lines the rest of the part goes with them.
            if len(texts) == 1 or self._tries < 0:
                self._refuse(points, str(error))
                return
            for part, part_texts in zip(_halves(points), _halves(texts), strict=True):
                await self.post(part, part_texts)

    def _refuse(self, points: Sequence[Point], reason: str) -> None:
        self.refused += points
        self.reasons[reason] = None


def _halves(items: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    return items[: len(items) // 2], items[len(items) // 2 :]


async def exchanged(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    params: Mapping[str, str | float],
    data: Mapping[str, str] | str | bytes | None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Return the status and the text of an answer; StoreUnavailable when there is none."""
    try:
        try:
            return await _once(session, method, url, params=params, data=data, headers=headers)
        except aiohttp.ServerDisconnectedError:
            # A connection that was kept may have been dropped meanwhile. Twice said is once said here.
            return await _once(session, method, url, params=params, data=data, headers=headers)
    except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError) as error:
        raise StoreUnavailable(f"{url} cannot be reached: {_short(error)}") from None


async def _once(session: aiohttp.ClientSession, method: str, url: str, **request: Any) -> tuple[int, str]:
    async with session.request(method, url, **request) as answer:
        return answer.status, await answer.text()


def is_elsewhere(url: str) -> bool:
    """Say whether a server is on another machine, on the way to which bytes cost more than the time to squeeze them."""
    return urlsplit(url).hostname not in {"127.0.0.1", "::1", "localhost"}


def verdict(url: str, status: int, body: str) -> StoreUnavailable | LinesRefused:
    """Turn an answer that is no success into the error it means."""
    said = _message_in(body)
    if status in _REFUSED:
        return LinesRefused(said or f"HTTP {status}")
    if status in {401, 403}:
        return StoreUnavailable(f"{url} refuses the token (HTTP {status} {said}); set recorder.store.token")
    if status == 404:
        return StoreUnavailable(f"{url} has no such bucket or database (HTTP 404 {said}); make it, or correct the name")
    return StoreUnavailable(f"{url} answers HTTP {status} {said}")


def _message_in(body: str) -> str:
    try:
        said = json.loads(body)
    except ValueError:
        return body.strip()[:300]
    if isinstance(said, dict):
        said = said.get("message") or said.get("error") or said
    return str(said)[:300]


def _short(error: BaseException) -> str:
    return (str(error) or type(error).__name__)[:200]
