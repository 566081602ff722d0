"""Talking to Braiins OS: one HTTP request at a time, logged in when it has to be, and what its status means."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pydantic import SecretStr

from hashbus_poller.drivers.braiins import commands
from hashbus_poller.drivers.braiins.commands import BASE, Command
from hashbus_poller.drivers.contract import DeviceError, Garbled, Refused, Unreachable, Unsupported, Wiring
from hashbus_poller.http import HttpAnswer, HttpQuestion, fetch
from hashbus_poller.readings import json_object, text_or_none
from hashbus_poller.secret_tape import guarded, without_secrets

LONGEST_COMPLAINT = 160
NOT_LOGGED_IN = frozenset({401, 403})
MISSING_PASSWORD = (
    "Braiins OS tells nothing without a login: set `password` (that of its web page; "  # noqa: S105
    '"" where none was ever set)'
)


class Wire:
    """One miner's interface. The token is kept; the miner prolongs it with each request."""

    def __init__(
        self, address: tuple[str, int], login: tuple[str, SecretStr | None], timeout_s: float, wiring: Wiring
    ) -> None:
        """Open nothing yet. `address` is host and port, `login` user and password."""
        host, port = address
        self._root = f"http://{f'[{host}]' if ':' in host else host}:{port}{BASE}"
        self._username, self._password = login
        self._timeout_s = timeout_s
        self._wiring = wiring
        self._guarded = guarded(wiring)
        self._turn = asyncio.Lock()
        self._token: str | None = None

    async def ask(self, command: Command, *, is_last: bool = True) -> bytes:
        """Return the body of a good answer; every other status becomes the DeviceError that it means.

        Where it is not the last of a row of questions, the connection is kept for the next.
        """
        async with self._turn:
            return await self._ask(command, is_last=is_last)

    async def ask_all(self, questions: Sequence[Command]) -> list[bytes]:
        """Ask one after another over one connection, and hang up after the last."""
        async with self._turn:
            return [await self._ask(command, is_last=command is questions[-1]) for command in questions]

    async def _ask(self, command: Command, *, is_last: bool) -> bytes:
        if self._token is None:
            self._token = await self._log_in()
        answer = await self._send(command, self._token, is_last=is_last)
        if answer.status in NOT_LOGGED_IN:
            # The token has lapsed, or the miner has rebooted since: it forgets its logins.
            self._token = None
            self._token = await self._log_in()
            answer = await self._send(command, self._token, is_last=is_last)
        return _good(command, answer)

    async def _log_in(self) -> str:
        if self._password is None:
            raise Refused(MISSING_PASSWORD)
        command = commands.log_in(self._username, self._password.get_secret_value())
        answer = await self._send(command, None, is_last=False)
        if answer.status in NOT_LOGGED_IN or answer.status == 400:
            raise Refused(f"Braiins OS refuses the login of {self._username!r}: check `username` and `password`")
        masked = without_secrets(_good(command, answer))
        try:
            token = text_or_none(json_object(answer.body), "token")
        except Garbled:
            raise Garbled("the answer to the login is not what it should be", masked) from None
        if token is None:
            raise Garbled("the answer to the login has no token", masked)
        return token

    async def _send(self, command: Command, token: str | None, *, is_last: bool) -> HttpAnswer:
        headers = {} if token is None else {"Authorization": token}
        if not is_last:
            headers["Connection"] = "keep-alive"
        question = HttpQuestion(
            method=command.method,
            url=self._root + command.path,
            body_json=command.body,
            headers=headers,
            may_hang_up=command.may_hang_up,
        )
        wiring = self._guarded if command.has_secrets else self._wiring
        return await fetch(question, wiring, timeout_s=self._timeout_s)


def _good(command: Command, answer: HttpAnswer) -> bytes:
    """Return the body of a good answer, or raise what the status means for the operator."""
    if answer.is_ok or (command.may_hang_up and answer.status == 0):
        return answer.body
    raise _meaning(command, answer)


def _meaning(command: Command, answer: HttpAnswer) -> DeviceError:
    complaint = without_secrets(answer.body)[:LONGEST_COMPLAINT].decode("utf-8", "replace").strip()
    match answer.status:
        case 401 | 403:
            return Refused(f"{command.title}: the login is not good enough: {complaint}")
        case 404 | 405 | 501:
            return Unsupported(f"{command.title}: this version of Braiins OS has no such command")
        case 400 | 409 | 412 | 422:
            return Refused(f"{command.title}: Braiins OS does not take it: {complaint}")
        case status if status >= 500:
            return Unreachable(f"{command.title}: Braiins OS cannot answer now: HTTP {status} {complaint}")
        case status:
            return Garbled(f"{command.title}: HTTP {status} makes no sense here", without_secrets(answer.body))
