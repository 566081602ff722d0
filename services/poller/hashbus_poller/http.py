"""One HTTP question to a device or a portal, under the poller's limits; what goes wrong is one of the five errors."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from hashbus_poller.drivers.contract import Garbled, Refused, Unreachable, Wiring

MAX_ANSWER_BYTES = 1 << 20
"""S1.41: no device has more than 1 MiB to say."""

_NO_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=None)
_ALWAYS: Mapping[str, str] = MappingProxyType(
    {
        "Accept-Encoding": "identity",  # so that the limit counts what came over the wire, not what it unpacks to
        "Connection": "close",  # a small device has few sockets; its owner's browser needs one too
    }
)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back, whole; whether the status is a good one is for the driver to say."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Set by this answer. The poller's HTTP client keeps none: two accounts of one portal must not mix."""

    @property
    def is_ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpQuestion:
    """One request. `body_json` and `form` exclude each other; neither is ever shown or taped."""

    method: str
    url: str
    body_json: Any = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    middlewares: Sequence[aiohttp.ClientMiddlewareType] = ()
    may_hang_up: bool = False
    """The device restarts and may be gone before it has answered: then the answer has status 0 and no body."""

    @property
    def title(self) -> str:
        """What an error and the tape call it: method and path, without host, query or body."""
        return f"{self.method} {urlsplit(self.url).path}"


async def fetch(question: HttpQuestion, wiring: Wiring, *, timeout_s: float) -> HttpAnswer:
    """Ask and return the whole answer, which is on the tape by then; redirects are answers, not followed.

    Raises Unreachable when nothing listens, the answer is not whole within `timeout_s` or the connection breaks;
    Refused when the certificate is not trusted; Garbled when it is not HTTP or longer than 1 MiB.
    """
    try:
        async with asyncio.timeout(timeout_s):
            return await _ask(question, wiring)
    except TimeoutError:
        raise Unreachable(f"no whole answer to {question.title} within {timeout_s:g} s") from None
    except aiohttp.ClientConnectorCertificateError as error:
        raise Refused(f"the certificate of {error.host} is not trusted") from None
    except aiohttp.ClientConnectorError as error:
        raise _unreachable(error) from None
    except aiohttp.ClientResponseError as error:
        raise Garbled(f"the answer to {question.title} is not HTTP: {error.message}", error.message.encode()) from None
    except (aiohttp.ClientError, OSError) as error:
        if question.may_hang_up:
            return HttpAnswer(0, b"", {})
        raise Unreachable(f"the connection broke during {question.title}: {_named(error)}") from None


async def _ask(question: HttpQuestion, wiring: Wiring) -> HttpAnswer:
    async with wiring.http().request(
        question.method,
        question.url,
        json=question.body_json,
        data=question.form,
        headers={**_ALWAYS, **(question.headers or {})},
        allow_redirects=False,
        auto_decompress=False,
        timeout=_NO_TIMEOUT,
        middlewares=question.middlewares,
    ) as response:
        body = await _whole_body(question, response)
        wiring.tape.keep(question.title, body)
        cookies = {name: cookie.value for name, cookie in response.cookies.items()}
        return HttpAnswer(response.status, body, response.headers, cookies)


async def _whole_body(question: HttpQuestion, response: aiohttp.ClientResponse) -> bytes:
    """Read to the end, but never more than the limit: the length that a device announces is not believed."""
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > MAX_ANSWER_BYTES:
            response.close()
            raise Garbled(f"the answer to {question.title} is longer than 1 MiB", bytes(body[:MAX_ANSWER_BYTES]))
    return bytes(body)


def _unreachable(error: aiohttp.ClientConnectorError) -> Unreachable:
    where = f"{error.host}:{error.port}"
    if isinstance(error.os_error, ConnectionRefusedError):
        return Unreachable(f"nothing listens on {where}", is_refused=True)
    return Unreachable(f"cannot connect to {where}: {_named(error.os_error)}")


def _named(error: BaseException) -> str:
    reason = error.strerror if isinstance(error, OSError) else None
    return reason or str(error) or type(error).__name__
