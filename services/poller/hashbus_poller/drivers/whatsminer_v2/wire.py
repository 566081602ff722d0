"""Talking to a WhatsMiner of API v2: one question a connection, under the spelling that its firmware serves.

Firmware of 2019 and 2020 has two processes behind the port: one hears `command`, the other `cmd`. A question that
comes to the wrong one is refused and asked again under the other spelling, which is remembered.
"""

from __future__ import annotations

from hashbus_poller.drivers.cgminer.answer import Answer, MinerDown
from hashbus_poller.drivers.cgminer.wire import CgminerOptions, CgminerPort
from hashbus_poller.drivers.contract import Tape, Unreachable
from hashbus_poller.drivers.whatsminer_v2 import commands
from hashbus_poller.drivers.whatsminer_v2.commands import Order, Spelling, Token
from hashbus_poller.drivers.whatsminer_v2.replies import NOT_HERE, code_of, succeeded, understood


class Api:
    """The API of one miner."""

    def __init__(self, options: CgminerOptions, tape: Tape) -> None:
        """Open nothing yet."""
        self._port = CgminerPort(options, tape, allowed=commands.ALLOWED)
        self._spellings: dict[tuple[str, ...], Spelling] = {}

    def __str__(self) -> str:
        """Say where, for complaints."""
        return str(self._port)

    async def ask(self, *words: str) -> Answer:
        """Return the reports; the right DeviceError when the miner says no, MinerDown when only its board is up."""
        return succeeded(await self.hear(*words))

    async def hear(self, *words: str) -> Answer:
        """Return what the miner says, also a no."""
        usual = commands.usual_spelling(words)
        answer = await self._asked(words, self._spellings.get(words, usual))
        if words not in self._spellings and code_of(answer) in NOT_HERE:
            other: Spelling = "cmd" if usual == "command" else "command"
            elsewhere = await self._asked(words, other)
            # What neither process knows is from now on asked only once.
            is_there = code_of(elsewhere) not in NOT_HERE
            self._spellings[words] = other if is_there else usual
            return elsewhere if is_there else answer
        return answer

    async def write(self, order: Order, by: Token) -> Answer | None:
        """Return the reply to an enciphered order, deciphered, whatever it says; None when the board just hung up."""
        question = commands.enciphered(order, by)
        raw = await self._port.tell(question)
        if not raw:
            if order.hangs_up:
                return None
            raise Unreachable(f"{self} hung up on {order.name} without an answer")
        try:
            return self._deciphered(understood(order.name, raw), by)
        except MinerDown as down:
            raise Unreachable(f"{self}: {down}") from None

    def _deciphered(self, answer: Answer, by: Token) -> Answer:
        """Return the reply behind an enciphered one; what is wrong with an order is said in plain text."""
        data = answer.fields.get("enc")
        if not isinstance(data, str):
            return answer
        text = commands.decrypted(data, by)
        if text is None:
            answer.reject("is enciphered and cannot be deciphered")
        return understood(answer.question, text)

    async def _asked(self, words: tuple[str, ...], spelling: Spelling) -> Answer:
        question = commands.read(*words, spelling=spelling)
        return understood(question.name, await self._port.ask(question))
