"""Talking to NiceHash: one signed HTTPS request at a time, and what its status means."""

from __future__ import annotations

import uuid

from hashbus_poller.drivers.contract import DeviceError, Garbled, Refused, Unreachable, Wiring
from hashbus_poller.drivers.nicehash.commands import Command, Key, signed
from hashbus_poller.http import HttpAnswer, HttpQuestion, fetch

LONGEST_COMPLAINT = 160


class Wire:
    """One account's access to the cloud."""

    def __init__(self, base_url: str, key: Key, timeout_s: float, wiring: Wiring) -> None:
        """Open nothing yet."""
        self._base_url = base_url
        self._key = key
        self._timeout_s = timeout_s
        self._wiring = wiring

    async def ask(self, command: Command) -> bytes:
        """Return the body of a good answer; every other status becomes the DeviceError that it means."""
        time_ms = int(self._wiring.clock.now().timestamp() * 1000)
        question = HttpQuestion(
            method=command.method,
            url=self._base_url + command.path,
            body_json=None if command.body is None else dict(command.body),
            headers=signed(command, self._key, time_ms=time_ms, nonce=str(uuid.uuid4())),
        )
        answer = await fetch(question, self._wiring, timeout_s=self._timeout_s)
        if not answer.is_ok:
            raise _meaning(command, answer)
        return answer.body


def _meaning(command: Command, answer: HttpAnswer) -> DeviceError:
    complaint = answer.body[:LONGEST_COMPLAINT].decode("utf-8", "replace").strip()
    match answer.status:
        case 401:
            return Refused(
                "NiceHash refuses the signature: check organization_id, api_key and api_secret, "
                f"and that this machine's clock is right: {complaint}"
            )
        case 403:
            return Refused(f"this key may not do that: give it the permissions of mining: {complaint}")
        case 404:
            return Refused("NiceHash knows no such rig: check `rig_id`")
        case 400 | 422:
            return Refused(f"{command.method} {command.path}: NiceHash does not take it: {complaint}")
        case 429:
            return Unreachable("NiceHash is asked too often with this key; it is asked again later")
        case status if status >= 500:
            return Unreachable(f"NiceHash cannot answer now: HTTP {status}")
        case status:
            return Garbled(f"{command.method} {command.path}: HTTP {status} makes no sense here", answer.body)
