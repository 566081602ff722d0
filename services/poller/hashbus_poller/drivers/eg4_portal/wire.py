"""Talking to the portal: one POST of a form at a time, with the session's cookie in our own keeping."""

from __future__ import annotations

from hashbus_poller.drivers.contract import Garbled, Refused, Unreachable, Wiring
from hashbus_poller.drivers.eg4_portal.commands import Command
from hashbus_poller.http import HttpAnswer, HttpQuestion, fetch

COOKIE = "JSESSIONID"


class Wire:
    """Where the portal is, and how long to wait for it."""

    def __init__(self, base_url: str, timeout_s: float, wiring: Wiring) -> None:
        """Open nothing yet."""
        self._base_url = base_url
        self._timeout_s = timeout_s
        self._wiring = wiring

    async def post(self, command: Command, session_id: str | None = None) -> HttpAnswer:
        """Return the answer to a command; the statuses that say something about the session are the caller's."""
        question = HttpQuestion(
            method="POST",
            url=self._base_url + command.path,
            form=command.form,
            headers={"Cookie": f"{COOKIE}={session_id}"} if session_id else None,
        )
        answer = await fetch(question, self._wiring, timeout_s=self._timeout_s)
        if answer.status >= 500 or answer.status == 429:
            raise Unreachable(f"the portal is out of order: HTTP {answer.status}")
        if answer.status == 403:
            raise Refused("the portal refuses to talk to us: HTTP 403")
        if answer.status >= 400 and answer.status != 401:
            raise Garbled(f"HTTP {answer.status} to {command.path}: is `base_url` a portal?", answer.body)
        return answer
