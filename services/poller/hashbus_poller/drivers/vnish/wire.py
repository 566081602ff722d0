"""Talking to VNish: one HTTP request at a time, unlocked when it has to be, and what its status means."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from pydantic import SecretStr

from hashbus_poller.drivers.contract import DeviceError, Garbled, Refused, Unreachable, Unsupported, Wiring
from hashbus_poller.drivers.vnish import commands
from hashbus_poller.drivers.vnish.commands import BASE, Command
from hashbus_poller.http import HttpAnswer, HttpQuestion, fetch
from hashbus_poller.readings import json_object, number_or_none, text_or_none
from hashbus_poller.secret_tape import guarded, without_secrets

MISSING_LOGIN = "set `password` (that of its web page) or `api_key` to change anything on a miner with VNish"
WRONG_PASSWORD_REST_S = 300.0
"""After a wrong password nobody tries again for so long: the firmware locks itself after a few (PROTOCOLS.md 3.10)."""

LONGEST_COMPLAINT = 160
NOBODY_ENTERS = 429


@dataclass(frozen=True, slots=True)
class Login:
    """What opens the miner: its password, or a key that was made for a program."""

    password: SecretStr | None = None
    api_key: SecretStr | None = None

    def __bool__(self) -> bool:
        """Say whether there is anything to try."""
        return self.password is not None or self.api_key is not None


class Wire:
    """One miner's interface. The token is kept until the miner does not know it any more."""

    def __init__(self, address: tuple[str, int], login: Login, timeout_s: float, wiring: Wiring) -> None:
        """Open nothing yet. `address` is host and port."""
        host, port = address
        self._root = f"http://{f'[{host}]' if ':' in host else host}:{port}{BASE}"
        self._login = login
        self._timeout_s = timeout_s
        self._wiring = wiring
        self._guarded = guarded(wiring)
        self._turn = asyncio.Lock()
        self._token: str | None = None
        self._shut_until_s = 0.0
        self._refusal = ""

    async def ask(self, command: Command, *, is_last: bool = True) -> bytes:
        """Return the body of a good answer; every other status becomes the DeviceError that it means.

        Where it is not the last of a row of questions, the connection is kept for the next.
        """
        async with self._turn:
            return await self._ask(command, is_last=is_last)

    async def _ask(self, command: Command, *, is_last: bool) -> bytes:
        if command.needs_login and self._token is None and self._login.api_key is None:
            self._token = await self._unlock()
        answer = await self._send(command, is_last=is_last)
        if answer.status == 401 and self._login.api_key is None:
            # The token has lapsed, or the miner has rebooted since; some builds also want one for reading.
            self._token = None
            self._token = await self._unlock()
            answer = await self._send(command, is_last=is_last)
        if answer.is_ok or (command.may_hang_up and answer.status == 0):
            return answer.body
        raise _meaning(command, answer)

    async def _unlock(self) -> str:
        """Return a new token; after a refusal the miner is left in peace for as long as it says."""
        if self._login.password is None:
            raise Refused(MISSING_LOGIN)
        now_s = self._wiring.clock.monotonic()
        if now_s < self._shut_until_s:
            raise Refused(f"{self._refusal}; not tried again for {self._shut_until_s - now_s:.0f} s")
        command = commands.unlock(self._login.password.get_secret_value())
        answer = await self._send(command, is_last=False)
        if answer.status in {401, 403, NOBODY_ENTERS}:
            raise self._shut(answer)
        if not answer.is_ok:
            raise _meaning(command, answer)
        token = _token(answer.body)
        if token is None:
            raise Garbled("the answer to unlock has no token", without_secrets(answer.body))
        return token

    def _shut(self, answer: HttpAnswer) -> Refused:
        """Note for how long nobody may try, and return what to say until then."""
        timeout_s = _timeout_s(answer.body)
        if answer.status == NOBODY_ENTERS:
            self._refusal = "VNish lets nobody in after too many wrong passwords"
        else:
            self._refusal = "VNish refuses the password: check `password`"
        self._shut_until_s = self._wiring.clock.monotonic() + (timeout_s or WRONG_PASSWORD_REST_S)
        return Refused(self._refusal if timeout_s is None else f"{self._refusal}; it is locked for {timeout_s:g} s")

    async def _send(self, command: Command, *, is_last: bool) -> HttpAnswer:
        headers = {} if is_last else {"Connection": "keep-alive"}
        if self._login.api_key is not None:
            headers["x-api-key"] = self._login.api_key.get_secret_value()
        elif self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        question = HttpQuestion(
            method=command.method,
            url=self._root + command.path,
            body_json=command.body,
            headers=headers,
            may_hang_up=command.may_hang_up,
        )
        wiring = self._guarded if command.has_secrets else self._wiring
        return await fetch(question, wiring, timeout_s=self._timeout_s)


def _token(body: bytes) -> str | None:
    try:
        return text_or_none(json_object(body), "token")
    except Garbled:
        raise Garbled("the answer to unlock is not what it should be", without_secrets(body)) from None


def _timeout_s(body: bytes) -> float | None:
    """Return for how long the miner is locked; None where it does not say."""
    try:
        timeout_s = number_or_none(json_object(body), "unlock_timeout")
    except Garbled:
        return None
    return timeout_s if timeout_s and timeout_s > 0 else None


def _meaning(command: Command, answer: HttpAnswer) -> DeviceError:
    """Return what a status that is not 2xx means for the operator."""
    complaint = without_secrets(answer.body)[:LONGEST_COMPLAINT].decode("utf-8", "replace").strip()
    match answer.status:
        case 401 | 403:
            return Refused(f"{command.title}: VNish does not take the login: check `password` or `api_key`")
        case 404 | 405:
            return Unsupported(f"{command.title}: this version of VNish has no such command")
        case 429 | 502 | 503 | 504:
            return Unreachable(f"{command.title}: VNish cannot answer now: HTTP {answer.status} {complaint}")
        # Everything that it does not do is a 500 with a reason.
        case 400 | 409 | 422 | 500:
            return DeviceError(f"{command.title}: VNish does not do it: {complaint or f'HTTP {answer.status}'}")
        case status:
            return Garbled(f"{command.title}: HTTP {status} makes no sense here", without_secrets(answer.body))
