"""The driver of miners with LuxOS: one connection makes a reading, a session of some seconds an order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hashbus.messages import Level, MinerIdentity, MinerReading, OrderParams
from hashbus_poller.drivers.cgminer.answer import Answer, MinerDown, decode
from hashbus_poller.drivers.cgminer.commands import Question, add_pool, switch_pool
from hashbus_poller.drivers.cgminer.identity import parse_version
from hashbus_poller.drivers.cgminer.parse import down_reading
from hashbus_poller.drivers.cgminer.wire import CgminerOptions, CgminerPort
from hashbus_poller.drivers.contract import (
    DeviceError,
    DeviceKind,
    DriverSpec,
    Refused,
    Unreachable,
    Unsupported,
    Wiring,
)
from hashbus_poller.drivers.luxos import commands, parse
from hashbus_poller.drivers.luxos.identity import Known, known_of
from hashbus_poller.drivers.luxos.parse import Standing
from hashbus_poller.drivers.luxos.profiles import Profile, profile_at, profile_within, profiles_of
from hashbus_poller.drivers.luxos.session import Sessions
from hashbus_poller.drivers.luxos.sighting import LOOKS, NAME

CUSTOMARY_PASSWORD = "x"  # noqa: S105 - what pools are given that ask for none
REPORT_ERRORS = (14, 23, 24, 45)
"""Codes by which a miner says that it does not join reports."""

Order = tuple[str, *tuple[str, ...]]
"""A command and its arguments, without the session."""


class LuxosOptions(CgminerOptions):
    """What a site's configuration says of a miner with LuxOS. Its port 4028 knows no password."""


class Luxos:
    """One miner. Connections and the session are held only while an order is carried out."""

    def __init__(self, options: LuxosOptions, wiring: Wiring) -> None:
        """Open nothing yet."""
        self._port = CgminerPort(options, wiring.tape, allowed=commands.ALLOWED)
        self._sessions = Sessions(self._ask)
        self._order = asyncio.Lock()
        self._joins = True
        self._known: Known | None = None

    async def identify(self) -> MinerIdentity:
        """Ask who it is, and which profiles it has."""
        try:
            return (await self._recognise()).identity
        except MinerDown as down:
            raise _unreachable(down) from None

    async def read(self) -> MinerReading:
        """Take one reading: one connection where this version joins reports, else one for each."""
        try:
            profiles = self._known.profiles if self._known else await self._profiles()
            return parse.reading(await self._reports(), profiles)
        except MinerDown as down:
            return down_reading(str(down))

    async def close(self) -> None:
        """Give back a session that could not be given back before."""
        await self._sessions.give_back()

    async def set_power_limit(self, power_w: float) -> None:
        """Take the profile that draws the most within the limit."""
        levels = (await self._recognised()).levels
        if not levels:
            raise Unsupported("this miner lists no profiles, so its power cannot be set")
        profile = profile_within(levels, power_w)
        if profile is None:
            raise Unsupported(f"the lowest profile, {levels[0].name}, draws {levels[0].power_w:g} W")
        await self._take(profile)

    async def set_frequency(self, frequency_mhz: float) -> None:
        """Take the profile of that frequency: a frequency without the voltage that belongs to it is no favour."""
        levels = (await self._recognised()).levels
        profile = profile_at(levels, frequency_mhz)
        if profile is None:
            listed = ", ".join(f"{level.frequency_mhz:g}" for level in levels if level.frequency_mhz) or "none"
            raise Unsupported(f"no profile runs at {frequency_mhz:g} MHz; there are {listed}")
        await self._take(profile)

    async def sleep(self) -> None:
        """Turn boards and power supply off; that outlasts a restart."""
        if not (await self._standing()).is_asleep:
            await self._do(("curtail", "sleep"))

    async def wake(self) -> None:
        """Turn them on again; the boards ramp as gently as after a restart."""
        if (await self._standing()).is_asleep:
            await self._do(("curtail", "wakeup"))

    async def restart_mining(self) -> None:
        """Restart the mining process, and with it its sessions."""
        await self._do(("resetminer",), ends_sessions=True)

    async def reboot(self) -> None:
        """Restart the device."""
        await self._do(("rebootdevice",), ends_sessions=True)

    async def set_fan(self, fan_pct: float | None) -> None:
        """Hold the fans, or give them back to the firmware."""
        await self._do(("fanset", commands.fan_speed(fan_pct)))

    async def blink(self, on: bool) -> None:
        """Blink with the red light, or let it show again what the firmware wants."""
        await self._do(("ledset", *commands.light(on=on)))

    async def set_pool(self, pool: OrderParams) -> None:
        """Mine for a pool, which needs no session; one that the miner knows already is not added twice."""
        if not pool.url or not pool.worker:
            raise Refused("set_pool needs the address of the pool and the name of the worker")
        number = await self._pool_number(pool.url, pool.worker)
        if number is None:
            added = await self._ask(add_pool(pool.url, pool.worker, pool.password or CUSTOMARY_PASSWORD))
            added.require_success()
            number = await self._pool_number(pool.url, pool.worker)
        if number is None:
            raise DeviceError(f"the miner accepted the pool {pool.url} and does not list it")
        (await self._ask(switch_pool(number))).require_success()

    async def _take(self, profile: Profile) -> None:
        """Run a profile. Where the firmware itself changes profiles by temperature, it may go no higher than that."""
        now = await self._standing()
        orders: list[Order] = []
        if now.has_atm and await self._atm_ceiling() != profile.name:
            orders.append(("atmset", f"max_profile={profile.name}"))
        if now.profile != profile.name and not (now.has_atm and self._is_below(now.profile, profile)):
            orders += self._profile_orders(profile)
        if orders:
            await self._do(*orders)

    def _is_below(self, name: str | None, profile: Profile) -> bool:
        """Say whether thermal management runs a lower profile now, which a limit does not forbid."""
        known = self._known.profiles if self._known else ()
        return any(one.name == name and one.power_w < profile.power_w for one in known)

    def _profile_orders(self, profile: Profile) -> Sequence[Order]:
        known = self._known
        if known is None or known.sets_all_boards:
            return [("profileset", profile.name)]
        return [("profileset", str(board), profile.name) for board in range(known.boards)]

    async def _atm_ceiling(self) -> str | None:
        answer = await self._ask(commands.ATM)
        return answer.require_success().section("ATM").text("MaxProfile")

    async def _do(self, *orders: Order, ends_sessions: bool = False) -> None:
        """Carry out orders in one session; only one order of ours at a time asks for it."""
        async with self._order, self._sessions.session() as session_id:
            for command, *arguments in orders:
                (await self._ask(commands.in_session(command, session_id, *arguments))).require_success()
            if ends_sessions:
                self._sessions.forget()

    async def _standing(self) -> Standing:
        return parse.standing(await self._ask(commands.CONFIG))

    async def _pool_number(self, url: str, worker: str) -> int | None:
        """Return the number under which the miner knows a pool, the newest of several."""
        answer = parse.usable(await self._ask(commands.POOLS))
        rows = answer.sections("POOLS") if answer else []
        numbers = [row.count("POOL") for row in rows if (row.text("URL"), row.text("User")) == (url, worker)]
        return max((number for number in numbers if number is not None), default=None)

    async def _reports(self) -> parse.Reports:
        if self._joins:
            joined = await self._hear(commands.ALL_REPORTS)
            if not joined.failed_with(*REPORT_ERRORS):
                return parse.reports_in(joined.require_success())
            self._joins = False
        return parse.reports_of({name: await self._hear(commands.report(name)) for name in commands.REPORTS})

    async def _recognise(self) -> Known:
        """Ask who it is; an answer that was cut short would take levels away that are there, so it is none."""
        version = await self._hear(commands.VERSION)
        profiles = parse.usable(await self._hear(commands.PROFILES))
        config = await self._hear(commands.CONFIG)
        for answer in (version, profiles, config):
            if answer is not None and answer.is_partial:
                answer.reject("is not whole")
        self._known = known_of(parse_version(version), config, profiles_of(profiles) if profiles else ())
        return self._known

    async def _profiles(self) -> tuple[Profile, ...]:
        answer = parse.usable(await self._hear(commands.PROFILES))
        return profiles_of(answer) if answer else ()

    async def _recognised(self) -> Known:
        try:
            return self._known or await self._recognise()
        except MinerDown as down:
            raise _unreachable(down) from None

    async def _ask(self, question: Question) -> Answer:
        try:
            return await self._hear(question)
        except MinerDown as down:
            raise _unreachable(down) from None

    async def _hear(self, question: Question) -> Answer:
        """Return what the miner says; MinerDown when only its control board answers."""
        return decode(question.name, await self._port.ask(question))


def _unreachable(down: MinerDown) -> Unreachable:
    return Unreachable(f"the mining process is down: {down}")


DRIVER = DriverSpec(
    name=NAME,
    kind=DeviceKind.MINER,
    title="LuxOS (TCP 4028 with sessions)",
    level=Level.GOLD,
    options=LuxosOptions,
    create=Luxos,
    looks=LOOKS,
)
