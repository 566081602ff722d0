"""A session with LuxOS: there is one at a time, for whoever changes something; held briefly and always given back.

A session that could not be given back, because the miner was away or the order was cancelled, is given back before the
next one is asked for. The miner itself ends one that nobody has used for a minute.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from hashbus_poller.drivers.cgminer.answer import Answer
from hashbus_poller.drivers.cgminer.commands import Question
from hashbus_poller.drivers.contract import DeviceError, Garbled, Refused
from hashbus_poller.drivers.luxos import commands

ANOTHER_IS_ACTIVE = 402
LONGEST_ID = 64
HELD_BY_ANOTHER = "another program holds the miner's only session; it ends a minute after its last use at the latest"


class Sessions:
    """Takes the miner's session and gives it back; `ask` puts one question and returns the answer, good or bad."""

    def __init__(self, ask: Callable[[Question], Awaitable[Answer]]) -> None:
        """Hold none yet."""
        self._ask = ask
        self._held: str | None = None

    @asynccontextmanager
    async def session(self) -> AsyncIterator[str]:
        """Hold the session; Refused while somebody else does.

        An id that is still noted here belongs to a session that was not given back: that is made up for first.
        """
        await self.give_back()
        self._held = await self._log_on()
        try:
            yield self._held
        except DeviceError:
            await self.give_back()
            raise
        await self.give_back()

    async def give_back(self) -> None:
        """Give back what is held; a miner that is away keeps it till the next time, or till it lapses."""
        if self._held is None:
            return
        try:
            # Whatever it answers, the session is over: ended now, or lapsed before.
            await self._ask(commands.in_session("logoff", self._held))
        except DeviceError:
            return
        self._held = None

    def forget(self) -> None:
        """The miner restarts, which ends all sessions."""
        self._held = None

    async def _log_on(self) -> str:
        answer = await self._ask(commands.LOGON)
        if answer.failed_with(ANOTHER_IS_ACTIVE):
            raise Refused(
                "another program holds the miner's session (one at a time); it lapses a minute after its last use"
            )
        row = answer.require_success().section("SESSION")
        session_id = row.text("SessionID")
        if session_id is None or len(session_id) > LONGEST_ID or "," in session_id:
            raise Garbled("logon: the miner gave a session without a proper id", answer.raw)
        return session_id
