"""A WhatsMiner of API v2 as the poller sees it: port, commands and parsers put together."""

from __future__ import annotations

from pydantic import Field, SecretStr

from hashbus.messages import Level, MinerIdentity, MinerReading, OrderParams
from hashbus_poller.drivers.cgminer.answer import Answer, MinerDown
from hashbus_poller.drivers.cgminer.wire import PORT, CgminerOptions
from hashbus_poller.drivers.contract import (
    DeviceError,
    DeviceKind,
    DriverSpec,
    Garbled,
    Look,
    Refused,
    Sighting,
    Unreachable,
    Unsupported,
    Wiring,
)
from hashbus_poller.drivers.whatsminer.driver import PORT as V3_PORT
from hashbus_poller.drivers.whatsminer.driver import look as look_for_v3
from hashbus_poller.drivers.whatsminer_v2 import commands, parse
from hashbus_poller.drivers.whatsminer_v2.identity import Introduction, identity, is_whatsminer
from hashbus_poller.drivers.whatsminer_v2.orders import Orders
from hashbus_poller.drivers.whatsminer_v2.parse import Heard
from hashbus_poller.drivers.whatsminer_v2.wire import Api

NAME = "whatsminer_v2"
LOOK_ORDER = 30
LOOK_TIMEOUT_S = 3.0

LARGEST_LIMIT_W = 99_998
"""A limit of 99,999 W would mean: back to what the factory set."""

REPORTS = ("summary", "edevs", "pools")


class WhatsminerV2Options(CgminerOptions):
    """What a site's configuration says of a WhatsMiner with older firmware."""

    password: SecretStr | None = Field(
        None, description="Of the web account `admin`, at most 8 characters; without one the miner is only read"
    )


class WhatsminerV2:
    """One WhatsMiner. A connection is open only while a question is, so there is nothing to close.

    A reading takes three questions: the joined reports, what is set (`status`) and the supply; a fourth lists the
    faults when there are any. Firmware that does not join reports takes two more.
    """

    def __init__(self, options: WhatsminerV2Options, wiring: Wiring) -> None:
        """Open nothing yet."""
        self._api = Api(options, wiring.tape)
        self._clock = wiring.clock
        password = options.password.get_secret_value() if options.password else ""
        self._orders = Orders(self._api, password, wiring.clock)
        self._can_join = True

    async def recognise(self) -> tuple[Answer | None, Answer | None]:
        """Return `get_version` and `devdetails`; Garbled when neither is that of a WhatsMiner."""
        version, details = await self._told("get_version"), await self._told("devdetails")
        if not is_whatsminer(version, details):
            raise Garbled(
                f"{self._api}: neither get_version nor devdetails is that of a WhatsMiner",
                b"\n".join(answer.raw for answer in (version, details) if answer),
            )
        return version, details

    async def identify(self) -> MinerIdentity:
        """Ask who it is; what can be set is listed only when the owner allows us to set it."""
        version, details = await self.recognise()
        told = Introduction(
            version=version,
            details=details,
            summary=await self._told("summary"),
            status=await self._told("status"),
            info=await self._told("get_miner_info"),
            psu=await self._told("get_psu"),
        )
        return identity(told, is_open=await self._orders.obstacle() is None)

    async def read(self) -> MinerReading:
        """Take one reading."""
        started_s = self._clock.monotonic()
        down: str | None = None
        try:
            summary, edevs, pools = await self._reports()
        except MinerDown as is_down:
            summary = edevs = pools = None
            down = str(is_down)
        status, psu = await self._told("status"), await self._told("get_psu")
        if summary is None and status is None and down is None:
            raise Refused(f"{self._api} tells neither its summary nor its status")
        heard = Heard(
            summary=summary,
            edevs=edevs,
            pools=pools,
            status=status,
            psu=psu,
            faults=await self._told("get_error_code") if parse.counts_faults(summary) else None,
            down=down,
        )
        return parse.reading(heard, latency_ms=(self._clock.monotonic() - started_s) * 1000)

    async def close(self) -> None:
        """Give up nothing."""

    async def set_power_limit(self, power_w: float) -> None:
        """Draw at most that many watts. A change restarts mining, so what is set already is not set again."""
        if not 1 <= power_w <= LARGEST_LIMIT_W:
            raise Unsupported(
                f"a power limit of {power_w:g} W: it takes 1 to {LARGEST_LIMIT_W}; to draw nothing, sleep"
            )
        limit_w = round(power_w)
        summary, status = await self._told("summary"), await self._told("status")
        if parse.power_limit_w(summary, status) != limit_w:
            await self._orders.carry_out(commands.power_limit(limit_w))

    async def set_power_percent(self, power_pct: float) -> None:
        """Draw that percentage of the limit within about a second; 100 ends it. Only once the boards are tuned."""
        if not 1 <= power_pct <= 100:
            raise Unsupported(f"a power of {power_pct:g} %: it takes 1 to 100; to draw nothing, sleep")
        percent = round(power_pct)
        if (parse.power_percent_pct(await self._told("status")) or 100) != percent:
            await self._orders.carry_out(commands.power_percent(percent))

    async def sleep(self) -> None:
        """Stop mining; the supply goes to standby."""
        if parse.is_off(await self._told("status")) is not True:
            await self._orders.sleep()

    async def wake(self) -> None:
        """Mine again."""
        if parse.is_off(await self._told("status")) is not False:
            await self._orders.carry_out(commands.POWER_ON)

    async def restart_mining(self) -> None:
        """Restart the mining process; the boards tune themselves anew."""
        await self._orders.carry_out(commands.RESTART)

    async def reboot(self) -> None:
        """Restart the control board, which may hang up without an answer."""
        await self._told("status")  # an answer right before: if it hangs up now, then because of the reboot
        await self._orders.carry_out(commands.REBOOT)

    async def set_pool(self, pool: OrderParams) -> None:
        """Mine for this pool alone: the others go, because their passwords cannot be read back."""
        if not pool.url or not pool.worker:
            raise Unsupported("set_pool needs url and worker")
        await self._orders.carry_out(commands.pools(pool.url, pool.worker, pool.password or ""))

    async def blink(self, on: bool) -> None:
        """Blink red, or give the lights back to the firmware."""
        await self._orders.carry_out(commands.LIGHTS if on else commands.LIGHTS_AUTO)

    async def _reports(self) -> tuple[Answer | None, Answer | None, Answer | None]:
        """Return summary, boards and pools, in one connection where the firmware joins reports."""
        if self._can_join:
            joined = await self._asked(*REPORTS)
            if joined is not None:
                summary, edevs, pools = (_good(joined.part(name)) for name in REPORTS)
                return summary, edevs, pools
        summary = await self._asked("summary")
        if summary is None:
            return None, None, None
        self._can_join = False  # it has a summary and did not join: it never will
        return summary, await self._asked("edevs"), await self._asked("pools")

    async def _told(self, *words: str) -> Answer | None:
        """Like `_asked`, and None too while the mining process is down."""
        try:
            return await self._asked(*words)
        except MinerDown:
            return None

    async def _asked(self, *words: str) -> Answer | None:
        """Return reports; None when the firmware refuses or does not know them."""
        try:
            return await self._api.ask(*words)
        except (Unreachable, Garbled):
            raise
        except DeviceError:
            return None


def _good(part: Answer | None) -> Answer | None:
    """Return a part of a joined answer unless it says no."""
    return None if part is None or part.status()[0] in {"E", "F"} else part


async def look(host: str, port: int, wiring: Wiring) -> Sighting | None:
    """Recognise a WhatsMiner that does not speak API v3 too: that driver reads more of it."""
    miner = WhatsminerV2(WhatsminerV2Options(host=host, port=port, timeout_s=LOOK_TIMEOUT_S), wiring)
    await miner.recognise()
    if await _speaks_v3(host, wiring):
        return None
    who, how = await miner.identify(), await miner.read()
    return Sighting(
        driver=NAME,
        host=host,
        make=who.make,
        model=who.model,
        firmware=who.firmware_version,
        mac=who.mac,
        hashrate_ths=how.hashrate_ths,
        power_w=how.power_w,
        options={} if port == PORT else {"port": port},
        note="set `password` to control it; the owner must have opened the API with WhatsminerTool",
    )


async def _speaks_v3(host: str, wiring: Wiring) -> bool:
    try:
        return await look_for_v3(host, V3_PORT, wiring) is not None
    except DeviceError:
        return False


DRIVER = DriverSpec(
    name=NAME,
    kind=DeviceKind.MINER,
    title="WhatsMiner with API v2 (firmware before November 2024)",
    level=Level.GOLD,
    options=WhatsminerV2Options,
    create=WhatsminerV2,
    looks=(Look(port=PORT, ask=look, order=LOOK_ORDER),),
)
