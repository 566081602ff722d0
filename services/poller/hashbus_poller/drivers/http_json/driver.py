"""Anything that answers a GET with JSON: options, parse and the poller's HTTP client put together."""

from __future__ import annotations

import base64

import aiohttp

from hashbus.messages import Level, Setting, SettingValue
from hashbus_poller.drivers.contract import (
    DeviceKind,
    DriverSpec,
    Garbled,
    Refused,
    Unreachable,
    Unsupported,
    Wiring,
)
from hashbus_poller.drivers.http_json import parse
from hashbus_poller.drivers.http_json.options import HttpJsonOptions
from hashbus_poller.drivers.http_json.settings import HttpSetting, set_address, value_in
from hashbus_poller.http import HttpAnswer, HttpQuestion, fetch
from hashbus_poller.mapped import settable
from hashbus_poller.mapped.fields import Reading
from hashbus_poller.mapped.json_values import document
from hashbus_poller.readings import understanding


class HttpJson:
    """One address that is asked with GET; its settings are set when its owner lets it take orders."""

    def __init__(self, options: HttpJsonOptions, wiring: Wiring) -> None:
        """Ask nothing yet."""
        self._options = options
        self._wiring = wiring
        self._question = _question(options, "GET", options.address)
        its = options.settings if options.takes_orders else {}
        self.settings: tuple[Setting, ...] = tuple(
            settable.described(name, one, finest=one.finest) for name, one in its.items()
        )

    async def read(self) -> Reading:
        """Take one reading: one request."""
        return parse.read(self._options, await self._ask(self._question))

    async def read_setting(self, name: str) -> SettingValue | None:
        """Return what a setting is now, as the device itself shows it."""
        setting = self._setting(name)
        answer = await self._ask(self._question)
        with understanding(answer):
            return value_in(setting, document(answer))

    async def write_setting(self, name: str, value: SettingValue) -> None:
        """Ask for a value within the bounds of its setting; Unsupported where it is not."""
        setting = self._setting(name)
        problem = next((settable.why_not(one, value) for one in self.settings if one.name == name), None)
        if problem is not None:
            raise Unsupported(problem)
        address = set_address(setting, value, self._options.place)
        await self._ask(_question(self._options, setting.method, address))

    def _setting(self, name: str) -> HttpSetting:
        if not self._options.takes_orders or name not in self._options.settings:
            raise Unsupported(f"{name} is nothing that can be set here")
        return self._options.settings[name]

    async def _ask(self, question: HttpQuestion) -> bytes:
        answer = await fetch(question, self._wiring, timeout_s=self._options.timeout_s)
        self._check(question, answer)
        return answer.body

    def _check(self, question: HttpQuestion, answer: HttpAnswer) -> None:
        title, status = question.title, answer.status
        if status in (401, 403):
            hint = "check username and password" if self._options.password else "it wants a password or a token"
            raise Refused(f"HTTP {status} to {title}: {hint}")
        if status >= 500 or status == 429:
            raise Unreachable(f"HTTP {status} to {title}: out of order, or too busy")
        if not answer.is_ok:
            raise Garbled(f"HTTP {status} to {title}: is the url right?", answer.body)

    async def close(self) -> None:
        """Give up nothing: there is no session."""


def _question(options: HttpJsonOptions, method: str, url: str) -> HttpQuestion:
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
    return HttpQuestion(method=method, url=url, headers=headers, middlewares=middlewares)


DRIVER = DriverSpec(
    name=HttpJsonOptions.driver_name,
    kind=DeviceKind.SENSOR,
    title="Anything that answers GET with JSON",
    level=Level.SILVER,
    options=HttpJsonOptions,
    create=HttpJson,
)
