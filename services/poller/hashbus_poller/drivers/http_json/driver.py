"""Anything that answers a GET with JSON: options, parse and the poller's HTTP client put together."""

from __future__ import annotations

import base64

import aiohttp

from hashbus.messages import Level
from hashbus_poller.drivers.contract import DeviceKind, DriverSpec, Garbled, Refused, Unreachable, Wiring
from hashbus_poller.drivers.http_json import parse
from hashbus_poller.drivers.http_json.options import HttpJsonOptions
from hashbus_poller.http import HttpAnswer, HttpQuestion, fetch
from hashbus_poller.mapped.fields import Reading


class HttpJson:
    """One address that is asked with GET; nothing is ever changed there."""

    def __init__(self, options: HttpJsonOptions, wiring: Wiring) -> None:
        """Ask nothing yet."""
        self._options = options
        self._wiring = wiring
        self._question = _question(options)

    async def read(self) -> Reading:
        """Take one reading: one request."""
        answer = await fetch(self._question, self._wiring, timeout_s=self._options.timeout_s)
        self._check(answer)
        return parse.read(self._options, answer.body)

    def _check(self, answer: HttpAnswer) -> None:
        title, status = self._question.title, answer.status
        if status in (401, 403):
            hint = "check username and password" if self._options.password else "it wants a password or a token"
            raise Refused(f"HTTP {status} to {title}: {hint}")
        if status >= 500 or status == 429:
            raise Unreachable(f"HTTP {status} to {title}: out of order, or too busy")
        if not answer.is_ok:
            raise Garbled(f"HTTP {status} to {title}: is the url right?", answer.body)

    async def close(self) -> None:
        """Give up nothing: there is no session."""


def _question(options: HttpJsonOptions) -> HttpQuestion:
    headers, middlewares = {"Accept": "application/json"}, []
    if options.token is not None:
        headers["Authorization"] = f"Bearer {options.token.get_secret_value()}"
    elif options.password is not None:
        password = options.password.get_secret_value()
        if options.auth == "digest":
            middlewares.append(aiohttp.DigestAuthMiddleware(options.username, password))
        else:
            login = base64.b64encode(f"{options.username}:{password}".encode()).decode("ascii")
            headers["Authorization"] = f"Basic {login}"
    return HttpQuestion(method="GET", url=options.address, headers=headers, middlewares=middlewares)


DRIVER = DriverSpec(
    name=HttpJsonOptions.driver_name,
    kind=DeviceKind.SENSOR,
    title="Anything that answers GET with JSON",
    level=Level.SILVER,
    options=HttpJsonOptions,
    create=HttpJson,
)
