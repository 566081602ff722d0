"""Talking to the Hive API: one HTTPS request at a time with the account's token, and what its status means."""

from __future__ import annotations

from pydantic import SecretStr

from hashbus_poller.drivers.contract import DeviceError, Garbled, Refused, Unreachable, Wiring
from hashbus_poller.drivers.hiveos.commands import Command
from hashbus_poller.http import HttpAnswer, HttpQuestion, fetch

LONGEST_COMPLAINT = 160


class Wire:
    """One worker's place in the API."""

    def __init__(self, root: str, token: SecretStr, timeout_s: float, wiring: Wiring) -> None:
        """Open nothing yet; `root` ends with the worker's id."""
        self._root = root
        self._token = token
        self._timeout_s = timeout_s
        self._wiring = wiring

    async def ask(self, command: Command) -> bytes:
        """Return the body of a good answer; every other status becomes the DeviceError that it means."""
        question = HttpQuestion(
            method=command.method,
            url=self._root + command.path,
            body_json=None if command.body is None else dict(command.body),
            headers={"Accept": "application/json", "Authorization": f"Bearer {self._token.get_secret_value()}"},
        )
        answer = await fetch(question, self._wiring, timeout_s=self._timeout_s)
        if not answer.is_ok:
            raise _meaning(command, answer)
        return answer.body


def _meaning(command: Command, answer: HttpAnswer) -> DeviceError:
    complaint = answer.body[:LONGEST_COMPLAINT].decode("utf-8", "replace").strip()
    match answer.status:
        case 401:
            return Refused("Hive OS does not know this token: make a new one in the account and set `token`")
        case 403:
            return Refused(f"{command.title}: this token may not do that in this farm: {complaint}")
        case 404:
            return Refused("Hive OS knows no such worker: check `farm_id` and `worker_id`")
        case 422:
            return Refused(f"{command.title}: Hive OS does not take it: {complaint}")
        case 429:
            return Unreachable("Hive OS is asked too often with this account; it is asked again later")
        case status if status >= 500:
            return Unreachable(f"Hive OS cannot answer now: HTTP {status}")
        case status:
            return Garbled(f"{command.title}: HTTP {status} makes no sense here", answer.body)
