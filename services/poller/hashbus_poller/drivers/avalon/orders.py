"""Carrying out what changes an Avalon, also when it hangs up instead of answering (PROTOCOLS.md 3.7, 10)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from hashbus.clock import Clock
from hashbus.messages import OrderParams
from hashbus_poller.drivers.avalon import commands, parse, steps
from hashbus_poller.drivers.avalon.commands import PoolLogin
from hashbus_poller.drivers.avalon.identity import Offers
from hashbus_poller.drivers.avalon.mm import Machine, Shape
from hashbus_poller.drivers.avalon.wire import Api
from hashbus_poller.drivers.cgminer import commands as cgminer
from hashbus_poller.drivers.cgminer.commands import Question
from hashbus_poller.drivers.cgminer.parse import NOTHING_THERE
from hashbus_poller.drivers.contract import DeviceError, Refused, Unreachable, Unsupported

LEAD_S = 5
"""Seconds from an order to sleep or wake until its time: what other clients give the miner."""

EARLIEST_UNIX_S = 1_500_000_000
"""A clock of the miner that is before 2017 is none; old generations count from when they were powered up."""

LOOKS_AFTER_S = (0.5, 1.0, 2.0, 4.0)
"""When the miner is looked at again after it hung up: together longer than LEAD_S."""

CUSTOMARY_PASSWORD = "x"  # noqa: S105 - what pools are given that ask for none

Look = Callable[[], Awaitable[Machine]]


class Orders:
    """What is done to one miner; `look` shows its MM string."""

    def __init__(self, api: Api, clock: Clock, look: Look, login: tuple[str | None, str]) -> None:
        """Do nothing yet. `login` is account and password of the miner's web page."""
        self._api = api
        self._clock = clock
        self._look = look
        self._account, self._password = login

    async def switch(self, offers: Offers, *, is_off: bool) -> None:
        """Put it to sleep or wake it, unless it is so already."""
        told = await self._look()
        if parse.is_off(told) == is_off:
            return
        if offers.sleeps_softly and (is_off or told.first.number("SoftOFF")):
            at_s = self._unix_s(told) + LEAD_S
            question = commands.soft_off(at_s) if is_off else commands.soft_on(at_s)
            key = "SoftOffTime" if is_off else "SoftOnTime"
            await self._told(question, lambda now: parse.is_off(now) is is_off or now.first.number(key) == at_s)
        elif not is_off:
            await self.reboot()  # boards without power get it back no other way
        elif offers.cuts_power:
            await self._told(commands.HASHPOWER_OFF, parse.is_off)
        else:
            raise Unsupported("this firmware neither sleeps nor cuts the power of its boards")

    async def limit_power(self, offers: Offers, power_w: float) -> None:
        """Take the highest step that draws no more than that; nothing when it is in force."""
        told = await self._look()
        unit, model = told.first, steps.model_of(told.first)
        ladder = steps.ladder_of(told, model)
        if ladder is None or ladder.option not in offers.options:
            raise Unsupported("this firmware has no power steps")
        by_number = steps.watts(ladder, unit, model)
        step = steps.chosen(ladder, by_number, power_w)
        if step is None:
            lowest_w = min(by_number.values(), default=0.0)
            raise Unsupported(f"a power of {power_w:g} W: the lowest step takes {lowest_w:g}; to draw nothing, sleep")
        if step.number == steps.number_now(ladder, unit):
            return
        await self._told(
            commands.step(ladder.option, step.number, at_once=ladder.at_once),
            lambda now: steps.number_now(ladder, now.first) == step.number,
        )
        if not ladder.at_once and not parse.is_off(told):
            await self.reboot()

    async def reboot(self) -> None:
        """Restart the device, which may hang up without an answer."""
        await self._api.tell(commands.REBOOT)

    async def blink(self, *, on: bool) -> None:
        """Light every unit's lamp, or leave it to the firmware."""
        told = await self._look()
        units = range(1, len(told.units) + 1) if told.shape is Shape.MODULES else (1,)
        for unit in units:
            await self._api.ask(commands.led(unit, on=on))

    async def set_pool(self, offers: Offers, pool: OrderParams) -> None:
        """Mine for a pool: by the web page's password for good, else until the next reboot."""
        if not pool.url or not pool.worker:
            raise Unsupported("set_pool needs url and worker")
        if offers.sets_pools and self._password:
            await self._write_pool(pool.url, pool.worker, pool.password or CUSTOMARY_PASSWORD)
        elif offers.adds_pools:
            await self._add_pool(pool.url, pool.worker, pool.password or CUSTOMARY_PASSWORD)
        else:
            raise Refused("this firmware takes pools only with `password`, that of the miner's web page")

    async def _write_pool(self, url: str, worker: str, password: str) -> None:
        is_home = (await self._look()).shape is Shape.SUMMARY
        account = self._account or ("admin" if is_home else "root")
        login = PoolLogin(account, self._password, url, worker, password)
        await self._api.set_pool(login, is_home=is_home)
        await self.reboot()

    async def _add_pool(self, url: str, worker: str, password: str) -> None:
        number = await self._pool_number(url, worker)
        if number is None:
            await self._api.ask(cgminer.add_pool(url, worker, password))
            number = await self._pool_number(url, worker)
        if number is None:
            raise DeviceError(f"the miner accepted the pool {url} and does not list it")
        await self._api.ask(cgminer.switch_pool(number))

    async def _pool_number(self, url: str, worker: str) -> int | None:
        """Return the number under which the miner knows a pool, the newest of several."""
        rows = (await self._api.ask(commands.POOLS, fine=NOTHING_THERE)).sections("POOLS")
        numbers = [row.count("POOL") for row in rows if (row.text("URL"), row.text("User")) == (url, worker)]
        return max((number for number in numbers if number is not None), default=None)

    async def _told(self, question: Question, is_done: Callable[[Machine], bool]) -> None:
        """Give an order; when the miner hangs up, look until it shows that it was taken."""
        if await self._api.tell(question):
            return
        for wait_s in LOOKS_AFTER_S:
            await asyncio.sleep(wait_s)
            if is_done(await self._look()):
                return
        raise Unreachable(f"{self._api} hung up on {question.name} and does not show that it took it")

    def _unix_s(self, told: Machine) -> int:
        """Return the miner's time, or ours where it does not know the time of day."""
        has_time = told.when_s is not None and told.when_s > EARLIEST_UNIX_S
        return int(told.when_s if has_time and told.when_s else self._clock.now().timestamp())
