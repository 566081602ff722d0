"""Talking to AxeOS: one HTTP request at a time, and what its status means."""

from __future__ import annotations

import asyncio

from hashbus_poller.drivers.bitaxe.commands import Command
from hashbus_poller.drivers.contract import DeviceError, Garbled, Refused, Unreachable, Unsupported, Wiring
from hashbus_poller.http import HttpAnswer, HttpQuestion, fetch

LONGEST_COMPLAINT = 100


class Wire:
    """Where the device is, and how long to wait for it. An ESP32 serves one client well, not two."""

    def __init__(self, host: str, port: int, timeout_s: float, wiring: Wiring) -> None:
        """Open nothing yet."""
        address = f"[{host}]" if ":" in host else host
        self._base_url = f"http://{address}:{port}"
        self._timeout_s = timeout_s
        self._wiring = wiring
        self._turn = asyncio.Lock()

    async def ask(self, command: Command) -> bytes:
        """Return the body of a good answer; every other status becomes the DeviceError that it means."""
        question = HttpQuestion(
            method=command.method,
            url=self._base_url + command.path,
            body_json=command.settings,
            may_hang_up=command.may_hang_up,
        )
        async with self._turn:
            answer = await fetch(question, self._wiring, timeout_s=self._timeout_s)
        is_gone = command.may_hang_up and answer.status == 0
        if not answer.is_ok and not is_gone:
            raise _error(command, answer)
        return answer.body


def _error(command: Command, answer: HttpAnswer) -> DeviceError:
    complaint = answer.body[:LONGEST_COMPLAINT].decode("utf-8", "replace").strip()
    match answer.status:
        case 400:
            return Refused(f"AxeOS does not take {', '.join(command.settings or {})}: {complaint}")
        case 401 | 403:
            return Refused("AxeOS serves private addresses only: the poller must be in the miner's own network")
        # Before 2.9 an unknown path leads to the start page.
        case 404 | 405 | 301 | 302 | 307 | 308:
            return Unsupported(f"this firmware has no {command.method} {command.path}")
        case status if status >= 500:
            return Unreachable(f"AxeOS could not answer {command.path} now: HTTP {status} {complaint}")
        case status:
            return Garbled(f"HTTP {status} to {command.method} {command.path} makes no sense here", answer.body)
