"""The web pages of a stock Antminer (TCP 80): HTTP digest authentication, one page at a time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import aiohttp
from pydantic import SecretStr
from yarl import URL

from hashbus_poller.drivers.contract import DeviceError, Garbled, Refused, Tape, Unreachable, Unsupported, Wiring
from hashbus_poller.http import HttpAnswer, HttpQuestion, fetch

REALM = "antMiner Configuration"
MISSING_PASSWORD = "no password is known: set `password` to that of the miner's web page"  # noqa: S105
_POOL_PASSWORD = re.compile(rb'("pass"\s*:\s*)"(?:[^"\\]|\\.)*+"?')


class AntminerWeb:
    """One miner's pages, opened with its user name and password; the digest nonce is kept from page to page."""

    def __init__(
        self, address: URL, login: tuple[str, SecretStr], wiring: Wiring, *, timeout_s: float, turn: asyncio.Lock
    ) -> None:
        """`address` is the root of the pages; `turn` is shared with whatever else speaks to the same miner."""
        user, password = login
        self._address = address
        self._user = user
        self._digest = aiohttp.DigestAuthMiddleware(user, password.get_secret_value())
        self._wiring = replace(wiring, tape=_WithoutPoolPasswords(wiring.tape))
        self._timeout_s = timeout_s
        self._turn = turn

    async def get(self, path: str) -> bytes:
        """Return a page. Refused when the login is wrong, Unsupported when this firmware has no such page."""
        return await self._ask("GET", path, None)

    async def post(self, path: str, body: Any) -> bytes:
        """Send JSON to a page and return what it answers."""
        return await self._ask("POST", path, body)

    async def post_form(self, path: str, form: Mapping[str, str]) -> bytes:
        """Send a form to a page, as S17 and before want it, and return what it answers."""
        return await self._ask("POST", path, None, form)

    async def _ask(self, method: str, path: str, body: Any, form: Mapping[str, str] | None = None) -> bytes:
        address = str(self._address.with_path(path))
        question = HttpQuestion(method=method, url=address, body_json=body, form=form, middlewares=(self._digest,))
        async with self._turn:
            answer = await fetch(question, self._wiring, timeout_s=self._timeout_s)
        if not answer.is_ok:
            raise self._meaning(question.title, answer)
        return answer.body

    def _meaning(self, title: str, answer: HttpAnswer) -> DeviceError:
        """Return what a status that is not 200 means for the operator."""
        if answer.status in {401, 403}:
            return Refused(f"the web login of {self._user!r} is refused: check `username` and `password`")
        if answer.status in {404, 405}:
            return Unsupported(f"{title}: this firmware has no such page")
        if answer.status >= 500:
            return Unreachable(f"{title}: the miner's web server is busy or broken (HTTP {answer.status})")
        return Garbled(f"{title}: HTTP {answer.status}", answer.body or str(answer.status).encode())


class _WithoutPoolPasswords:
    """A tape on which the pool passwords of the configuration page do not show."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def keep(self, question: str, answer: bytes) -> None:
        """Remember one exchange."""
        self._tape.keep(question, without_pool_passwords(answer))


def without_pool_passwords(page: bytes) -> bytes:
    """Return a page with every pool password masked."""
    return _POOL_PASSWORD.sub(rb'\1"***"', page)
