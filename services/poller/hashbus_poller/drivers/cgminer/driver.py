"""The cgminer driver: any miner with the classic API on TCP 4028, read in one connection where it joins reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from hashbus.messages import Capability, Level, MinerIdentity, MinerReading, OrderParams
from hashbus.models import rated
from hashbus_poller.drivers.cgminer import commands, parse
from hashbus_poller.drivers.cgminer.answer import Answer, MinerDown, Section, decode
from hashbus_poller.drivers.cgminer.commands import Question
from hashbus_poller.drivers.cgminer.identity import UNKNOWN_MAKE, parse_version
from hashbus_poller.drivers.cgminer.recognise import LOOKS, recognise
from hashbus_poller.drivers.cgminer.wire import CgminerOptions, CgminerPort
from hashbus_poller.drivers.contract import (
    DeviceError,
    DeviceKind,
    DriverSpec,
    Garbled,
    Refused,
    Unreachable,
    Unsupported,
    Wiring,
)

NAME = "cgminer"

NEEDS: Mapping[Capability, tuple[str, ...]] = MappingProxyType(
    {
        Capability.RESTART: ("restart",),
        Capability.POOL: ("addpool", "switchpool"),
    }
)
"""The commands that a capability is made of; `sleep` also depends on how the miner numbers its boards."""

CUSTOMARY_PASSWORD = "x"  # noqa: S105 - what pools are given that ask for none
REPORT_ERRORS = (14, 23, 24, 45)
"""Codes by which a miner says that it does not join reports."""


class CgminerMiner:
    """One miner. A connection is open only while a question is, so there is nothing to close."""

    def __init__(self, options: CgminerOptions, wiring: Wiring) -> None:
        """Open nothing yet."""
        self._port = CgminerPort(options, wiring.tape)
        self._can_join: bool | None = None

    async def identify(self) -> MinerIdentity:
        """Ask who it is and what this computer may do with it; the rights are asked for, never tried."""
        try:
            version = await recognise(self._port)
        except MinerDown as down:
            raise _unreachable(down) from None
        self._can_join = version.can_join
        rows = await self._board_rows()
        sheet = rated(version.make, version.model) if version.model else None
        return MinerIdentity(
            make=version.make or UNKNOWN_MAKE,
            model=version.model,
            mac=version.mac,
            firmware=version.firmware,
            firmware_version=version.firmware_version,
            api_version=version.api_version,
            is_liquid_cooled=sheet.is_liquid_cooled if sheet else None,
            boards_total=len(rows) or (sheet.boards if sheet else None),
            rated_hashrate_ths=sheet.rated_hashrate_ths if sheet else None,
            rated_power_w=sheet.rated_power_w if sheet else None,
            capabilities=await self._capabilities(rows),
        )

    async def read(self) -> MinerReading:
        """Take one reading: one connection where the firmware joins reports, else three."""
        try:
            if self._can_join is None:
                self._can_join = await self._learn_to_join()
            if self._can_join:
                joined = await self._hear(commands.ALL_AT_ONCE)
                if not joined.failed_with(*REPORT_ERRORS):
                    return parse.parse_joined(joined.require_success())
                self._can_join = False
            summary = (await self._hear(commands.SUMMARY)).require_success()
            devs, pools = await self._hear(commands.DEVS), await self._hear(commands.POOLS)
        except MinerDown as down:
            return parse.down_reading(str(down))
        return parse.parse_reading(summary, devs, pools)

    async def close(self) -> None:
        """Give up nothing."""

    async def restart_mining(self) -> None:
        """Restart the mining process."""
        await self._do(commands.RESTART)

    async def sleep(self) -> None:
        """Give no board work any more."""
        await self._switch_boards(on=False)

    async def wake(self) -> None:
        """Give every board work again."""
        await self._switch_boards(on=True)

    async def set_pool(self, pool: OrderParams) -> None:
        """Mine for a pool; one that the miner knows already (by address and worker) is not added twice."""
        if not pool.url or not pool.worker:
            raise Refused("set_pool needs the address of the pool and the name of the worker")
        number = await self._pool_number(pool.url, pool.worker)
        if number is None:
            await self._do(commands.add_pool(pool.url, pool.worker, pool.password or CUSTOMARY_PASSWORD))
            number = await self._pool_number(pool.url, pool.worker)
        if number is None:
            raise DeviceError(f"the miner accepted the pool {pool.url} and does not list it")
        await self._do(commands.switch_pool(number))

    async def _learn_to_join(self) -> bool:
        try:
            return parse_version(await self._hear(commands.VERSION)).can_join
        except (Refused, Unsupported, Garbled):
            return False

    async def _capabilities(self, rows: list[Section]) -> tuple[Capability, ...]:
        wanted = dict(NEEDS)
        if rows:
            kind, number = parse.board_number(rows[0])
            switches = (commands.switch_board(kind, number, on=False), commands.switch_board(kind, number, on=True))
            wanted[Capability.SLEEP] = tuple(word for switch in switches for word in switch.words)
        return tuple([capability for capability, words in wanted.items() if await self._may_all(words)])

    async def _may_all(self, words: Iterable[str]) -> bool:
        for word in words:
            answer = await self._ask(commands.may(word))
            try:
                right = answer.require_success().section("CHECK")
            except (Refused, Unsupported):
                return False
            if not (right.flag("Exists") and right.flag("Access")):
                return False
        return True

    async def _switch_boards(self, *, on: bool) -> None:
        rows = await self._board_rows()
        if not rows:
            raise Unsupported("the miner shows no boards that could be switched")
        for row in rows:
            kind, number = parse.board_number(row)
            await self._do(commands.switch_board(kind, number, on=on))

    async def _board_rows(self) -> list[Section]:
        return parse.board_rows(await self._ask(commands.DEVS))

    async def _pool_number(self, url: str, worker: str) -> int | None:
        """Return the number under which the miner knows a pool, the newest of several."""
        pools = await self._ask(commands.POOLS)
        if pools.failed_with(*parse.NOTHING_THERE):
            return None
        rows = pools.require_success().sections("POOLS")
        numbers = [row.count("POOL") for row in rows if (row.text("URL"), row.text("User")) == (url, worker)]
        return max((number for number in numbers if number is not None), default=None)

    async def _do(self, question: Question) -> None:
        (await self._ask(question)).require_success()

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
    title="Miners with the cgminer API (TCP 4028)",
    level=Level.GOLD,
    options=CgminerOptions,
    create=CgminerMiner,
    looks=LOOKS,
)
