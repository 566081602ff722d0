"""Talking to an Avalon: one question at a time, for its API is a single thread, and some answers are only silence."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from hashbus_poller.drivers.avalon import commands
from hashbus_poller.drivers.avalon.commands import PoolLogin
from hashbus_poller.drivers.avalon.replies import failure
from hashbus_poller.drivers.cgminer.answer import Answer, MinerDown, decode
from hashbus_poller.drivers.cgminer.commands import Question
from hashbus_poller.drivers.cgminer.wire import CgminerOptions, CgminerPort
from hashbus_poller.drivers.contract import Tape, Unreachable


class Api:
    """The API of one miner."""

    def __init__(self, options: CgminerOptions, tape: Tape) -> None:
        """Open nothing yet."""
        self._options = options
        self._tape = tape
        self._turn = asyncio.Lock()
        self.port = CgminerPort(options, tape, allowed=commands.ALLOWED, turn=self._turn)

    def __str__(self) -> str:
        """Say where, for complaints."""
        return str(self.port)

    async def hear(self, question: Question) -> Answer:
        """Return what the miner says, also a no; MinerDown when only its control board answers."""
        return decode(question.name, await self.port.ask(question))

    async def ask(self, question: Question, *, fine: Collection[int] = ()) -> Answer:
        """Return what the miner says; the right DeviceError when it says no, except with a code that is `fine`."""
        try:
            answer = await self.hear(question)
        except MinerDown as down:
            raise _unreachable(down) from None
        error = failure(answer)
        if error is not None and not answer.failed_with(*fine):
            raise error
        return answer

    async def tell(self, question: Question) -> bool:
        """Have the miner do something; False when it hangs up without a word, which may mean that it does."""
        raw = await self.port.tell(question)
        if not raw:
            return False
        try:
            error = failure(decode(question.name, raw))
        except MinerDown as down:
            raise _unreachable(down) from None
        if error is not None:
            raise error
        return True

    async def set_pool(self, login: PoolLogin, *, is_home: bool) -> None:
        """Write a pool; the answer repeats the passwords, so neither the tape nor an error gets it as it is."""
        tape = _Discreet(self._tape, [secret.encode() for secret in login.secrets])
        port = CgminerPort(self._options, tape, allowed=commands.ALLOWED, turn=self._turn)
        question = commands.set_pool(login, is_home=is_home)
        try:
            answer = decode(question.name, tape.masked(await port.ask(question)))
        except MinerDown as down:
            raise _unreachable(down) from None
        error = failure(answer)
        if error is not None:
            raise error


class _Discreet:
    """A tape for answers that repeat what was sent: the secrets in them are masked."""

    def __init__(self, tape: Tape, secrets: Sequence[bytes]) -> None:
        self._tape = tape
        self._secrets = sorted(secrets, key=len, reverse=True)

    def keep(self, question: str, answer: bytes) -> None:
        """Remember one exchange."""
        self._tape.keep(question, self.masked(answer))

    def masked(self, answer: bytes) -> bytes:
        """Return the answer without the secrets. A short one, such as "x", may stand for itself elsewhere too."""
        for secret in self._secrets:
            answer = answer.replace(b"is " + secret, b"is ***") if len(secret) < 4 else answer.replace(secret, b"***")
        return answer


def _unreachable(down: MinerDown) -> Unreachable:
    return Unreachable(f"the mining process is down: {down}")
