"""Carrying out what changes a WhatsMiner: signed, in the form that the firmware takes, explained when it says no."""

from __future__ import annotations

from hashbus.clock import Clock
from hashbus_poller.drivers.contract import DeviceError, Refused, Unreachable
from hashbus_poller.drivers.whatsminer import commands, parse
from hashbus_poller.drivers.whatsminer.commands import Account, Order
from hashbus_poller.drivers.whatsminer.identity import obstacle
from hashbus_poller.drivers.whatsminer.replies import Reply, failure, object_of, salt_of
from hashbus_poller.drivers.whatsminer.wire import Line

FAILED = -1
BAD_ITEM = -3
NO_PERMISSION = -4

SKEW_S = 60
"""A miner whose clock is off by more may take signatures for old; the vendor names no limit."""


class Orders:
    """The account that signs for one miner, the salt it signs with, and the form of parameter the firmware takes."""

    def __init__(self, line: Line, account: Account | None, clock: Clock) -> None:
        """Ask nothing yet; the first order asks for the salt unless a reading brought it."""
        self._line = line
        self._account = account
        self._clock = clock
        self._salt: str | None = None
        self._objects_as_text = False

    def note_salt(self, said: Reply) -> None:
        """Keep the salt that a reply brings along."""
        self._salt = salt_of(said) or self._salt

    async def carry_out(self, order: Order) -> None:
        """Have the miner do it; the right DeviceError when it does not."""
        said = await self._send(order)
        if said.code == BAD_ITEM and order.has_object:
            said = await self._in_the_other_form(order)
        if said.code == NO_PERMISSION:
            # The salt is another one after a reboot or a new password.
            self._salt = None
            said = await self._send(order)
        error = failure(said)
        if error is not None:
            raise await self._explained(error, said)

    async def _send(self, order: Order) -> Reply:
        account = self._account
        if account is None:
            raise Refused(str(obstacle({}, None)))
        ts = int(self._clock.now().timestamp())
        salt = await self._current_salt()
        question = commands.signed(order, account, salt, ts, objects_as_text=self._objects_as_text)
        if order.hangs_up:
            self._salt = None  # a reboot makes another one
            return await self._line.tell(question)
        return await self._line.ask(question)

    async def _in_the_other_form(self, order: Order) -> Reply:
        """Send an object as a JSON string, or the other way round, and remember what was taken."""
        self._objects_as_text = not self._objects_as_text
        said = await self._send(order)
        if said.code == BAD_ITEM:
            self._objects_as_text = not self._objects_as_text
        return said

    async def _current_salt(self) -> str:
        if self._salt is None:
            said = await self._line.ask(commands.SALT)
            error = failure(said)
            if error is not None:
                raise error
            self._salt = salt_of(said)
        if self._salt is None:
            raise DeviceError("the miner gives no salt to sign with")
        return self._salt

    async def _explained(self, error: DeviceError, said: Reply) -> DeviceError:
        """Find out what is behind a code that can mean several things."""
        if said.code == NO_PERMISSION:
            info = object_of(await self._line.ask(commands.DEVICE_INFO))
            return Refused(f"{error}: {obstacle(info, self._account) or self._guess(said)}")
        is_percent = said.code == FAILED and said.desc == commands.POWER_PERCENT
        if is_percent and not parse.is_tuned(await self._line.ask(commands.SUMMARY)):
            return Unreachable(f"{error}: it is busy tuning itself and takes a percentage only after that")
        return error

    def _guess(self, said: Reply) -> str:
        """Return what it may be when the switch is on and the account is no factory one."""
        name = self._account.name if self._account else ""
        ahead_s = round(said.when_s - self._clock.now().timestamp()) if said.when_s is not None else 0
        if abs(ahead_s) > SKEW_S:
            side = "ahead of" if ahead_s > 0 else "behind"
            return f"its clock is {abs(ahead_s)} s {side} ours, or the password of {name} is another one"
        return f"the password of {name} is another one, or {name} may not use this command"
