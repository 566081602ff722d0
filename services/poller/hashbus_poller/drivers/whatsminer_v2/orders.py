"""Carrying out what changes a WhatsMiner of API v2, with as few tokens as can be (PROTOCOLS.md 2.4).

A miner that is asked for tokens too often locks its service for three minutes, and every further question begins them
anew. So a token is kept for its half hour, one that never worked is exchanged at most once a minute, and after a
lock-out nothing is asked for longer than it lasts.
"""

from __future__ import annotations

from hashbus.clock import Clock
from hashbus_poller.drivers.cgminer.answer import Answer, MinerDown
from hashbus_poller.drivers.contract import DeviceError, Refused, Unreachable, Unsupported
from hashbus_poller.drivers.whatsminer_v2 import commands, parse
from hashbus_poller.drivers.whatsminer_v2.commands import Order, Token
from hashbus_poller.drivers.whatsminer_v2.replies import (
    BAD_TOKEN,
    FAILED,
    INVALID_JSON,
    LOCKED,
    code_of,
    failure,
    succeeded,
)
from hashbus_poller.drivers.whatsminer_v2.wire import Api

LONGEST_PASSWORD = 8
TOKEN_S = 30 * 60 - 30
"""How long a token is used: its half hour, less what clocks may differ by."""

TOKEN_APART_S = 60
"""A miner bears 32 living tokens: with a wrong password there are never more than 30."""

LOCKED_S = 185
"""The lock-out lasts 180 s."""

DOUBTED = frozenset({BAD_TOKEN, INVALID_JSON})
"""Codes of a token that is void, and of a key that is another one ("enc json load err")."""


class Orders:
    """The password of one miner's `admin`, the token made of it, and what the firmware was found to take."""

    def __init__(self, api: Api, password: str, clock: Clock) -> None:
        """Ask nothing yet."""
        self._api = api
        self._password = password
        self._clock = clock
        self._token: Token | None = None
        self._is_proved = False
        self._asked_s = float("-inf")
        self._locked_until_s = float("-inf")
        self._knows_respbefore = True

    async def obstacle(self) -> str | None:
        """Return why nothing can be set, in words for the owner; None when nothing is known to stand in the way.

        Asks for a token, which the next order then has: a miner whose API is closed gives none.
        """
        try:
            await self._current()
        except Refused as refused:
            return str(refused)
        except Unreachable:
            if not self._is_locked:
                raise
        return None

    async def sleep(self) -> None:
        """Stop mining; some firmware of 2024 refuses the parameter that older firmware wants."""
        if self._knows_respbefore:
            try:
                return await self.carry_out(commands.POWER_OFF)
            except Unsupported:
                self._knows_respbefore = False
        return await self.carry_out(commands.POWER_OFF_PLAIN)

    async def carry_out(self, order: Order) -> None:
        """Have the miner do it; the right DeviceError when it does not."""
        asked_s = self._asked_s
        said = await self._api.write(order, await self._current())
        is_old = asked_s == self._asked_s
        if said is not None and code_of(said) in DOUBTED and is_old and self._may_exchange:
            self._token = None
            said = await self._api.write(order, await self._current())
        if order.hangs_up:
            self._token = None  # a reboot voids it
        if said is None:
            return
        error = failure(said)
        if error is not None:
            raise await self._explained(error, said, order)
        self._is_proved = True

    @property
    def _is_locked(self) -> bool:
        return self._clock.monotonic() < self._locked_until_s

    @property
    def _may_exchange(self) -> bool:
        """Whether another token may be asked for in place of a doubted one."""
        return self._is_proved or self._clock.monotonic() - self._asked_s >= TOKEN_APART_S

    async def _current(self) -> Token:
        """Return the token, a new one when there is none or it is too old."""
        self._require_password()
        now_s = self._clock.monotonic()
        if self._token is not None and now_s - self._asked_s < TOKEN_S:
            return self._token
        if self._is_locked:
            left_s = self._locked_until_s - now_s
            raise Unreachable(f"{self._api} was asked for too many tokens; it is asked again in {left_s:.0f} s")
        self._token, self._is_proved = await self._fetched(), False
        self._asked_s = now_s
        return self._token

    async def _fetched(self) -> Token:
        try:
            said = await self._api.hear(commands.TOKEN)
        except MinerDown as down:
            raise Unreachable(f"the API is down: {down}") from None
        if code_of(said) == LOCKED:
            self._locked_until_s = self._clock.monotonic() + LOCKED_S
        return commands.token(self._password, **parse.token_parts(succeeded(said)))

    def _require_password(self) -> None:
        if not self._password:
            raise Refused("no password is known: set `password` of this miner to that of its web account `admin`")
        if len(self._password) > LONGEST_PASSWORD:
            raise Refused(
                f"the password has more than {LONGEST_PASSWORD} characters, with which this API does not work: "
                "give `admin` a shorter one with WhatsminerTool"
            )

    async def _explained(self, error: DeviceError, said: Answer, order: Order) -> DeviceError:
        """Find out what is behind a code that can mean several things."""
        code = code_of(said)
        if code in DOUBTED:
            return Refused(
                f"{error}: the password of `admin` is another one, or another program asks this miner for tokens too"
            )
        if code == FAILED and order.cmd == commands.POWER_PERCENT and not await self._is_tuned():
            return Unreachable(f"{error}: it is busy tuning itself and takes a percentage only after that")
        return error

    async def _is_tuned(self) -> bool:
        try:
            return parse.is_tuned(await self._api.ask("summary"))
        except MinerDown:
            return False
