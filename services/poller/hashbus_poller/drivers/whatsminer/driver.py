"""A WhatsMiner as the poller sees it: line, commands and parsers put together."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from hashbus.messages import Level, MinerIdentity, MinerReading, OrderParams
from hashbus_poller.drivers.contract import (
    DeviceKind,
    DriverSpec,
    HostOptions,
    Look,
    Sighting,
    Unsupported,
    Wiring,
)
from hashbus_poller.drivers.whatsminer import commands, parse
from hashbus_poller.drivers.whatsminer.commands import Account
from hashbus_poller.drivers.whatsminer.identity import identity
from hashbus_poller.drivers.whatsminer.orders import Orders
from hashbus_poller.drivers.whatsminer.replies import Reply, is_working, object_of, section
from hashbus_poller.drivers.whatsminer.wire import Line

NAME = "whatsminer"
PORT = 4433
LARGEST_LIMIT_W = 99_998
"""A limit of 99,999 W would mean: back to what the factory set (PROTOCOLS.md 1.8)."""

LARGEST_PERCENT = 200
"""On some liquid-cooled models; 0 would mean: end the modulation (PROTOCOLS.md 1.8)."""

MODULATION_OLD_S = 300
"""How long a modulation that somebody else sets may stay unseen."""


class WhatsminerOptions(HostOptions):
    """What a site's configuration says of a WhatsMiner."""

    port: int = Field(PORT, ge=1, le=65535, description="TCP port of API v3")
    account: Literal["super", "user1", "user2", "user3"] = Field("super", description="Account that signs what is set")
    password: SecretStr | None = Field(None, description="Its password; without one the miner is only read")


class Whatsminer:
    """One WhatsMiner.

    A reading takes two questions over a connection that stays open. A third asks for the modulation in force: always
    while there is one, else after a new connection, which may mean a reboot, and every five minutes.
    """

    def __init__(self, options: WhatsminerOptions, wiring: Wiring) -> None:
        """Open nothing yet."""
        self._line = Line(options.host, options.port, options.timeout_s, wiring.tape)
        self._clock = wiring.clock
        password = options.password.get_secret_value() if options.password else ""
        self._account = Account(options.account, password) if password else None
        self._orders = Orders(self._line, self._account, wiring.clock)
        self._power_pct: float | None = None
        self._modulation_seen: tuple[int, float] | None = None

    async def identify(self) -> MinerIdentity:
        """Ask who it is; what can be set is listed only when the owner allows us to set it."""
        return identity(await self._info(), await self._line.ask(commands.SUMMARY), self._account)

    async def read(self) -> MinerReading:
        """Take one reading."""
        started_s = self._clock.monotonic()
        info = await self._info()
        status = await self._line.ask(commands.MINER_STATUS)
        if self._power_pct is not None or self._is_modulation_old():
            await self._see_modulation()
        latency_ms = (self._clock.monotonic() - started_s) * 1000
        return parse.reading(info, status, power_pct=self._power_pct, latency_ms=latency_ms)

    async def close(self) -> None:
        """Hang up."""
        await self._line.close()

    async def set_power_limit(self, power_w: float) -> None:
        """Draw at most that many watts. A change restarts mining, so what is set already is not set again."""
        if not 1 <= power_w <= LARGEST_LIMIT_W:
            raise Unsupported(
                f"a power limit of {power_w:g} W: it takes 1 to {LARGEST_LIMIT_W}; to draw nothing, sleep"
            )
        limit_w = round(power_w)
        if parse.power_limit_set_w(await self._info()) != limit_w:
            await self._orders.carry_out(commands.power_limit(limit_w))

    async def set_power_percent(self, power_pct: float) -> None:
        """Draw that percentage of the limit within about a second; 100 ends it. Only once the boards are tuned."""
        if not 1 <= power_pct <= LARGEST_PERCENT:
            raise Unsupported(f"a power of {power_pct:g} %: it takes 1 to {LARGEST_PERCENT}; to draw nothing, sleep")
        percent = round(power_pct)
        in_force = await self._see_modulation()
        if (in_force or 100) == percent:
            return
        self._modulation_seen = None
        await self._orders.carry_out(commands.power_percent(percent))

    async def sleep(self) -> None:
        """Stop mining; the supply goes to standby."""
        if await self._is_working() is not False:
            await self._orders.carry_out(commands.service("stop"))

    async def wake(self) -> None:
        """Mine again."""
        if await self._is_working() is not True:
            await self._orders.carry_out(commands.service("start"))

    async def restart_mining(self) -> None:
        """Restart the mining process; the boards tune themselves anew."""
        await self._orders.carry_out(commands.service("restart"))

    async def reboot(self) -> None:
        """Restart the control board, which may hang up without an answer."""
        await self._info()  # an answer on this very connection: if it hangs up now, then because of the reboot
        await self._orders.carry_out(commands.REBOOT)
        await self._line.close()

    async def set_pool(self, pool: OrderParams) -> None:
        """Mine for this pool alone: the others go, because their passwords cannot be read back."""
        if not pool.url or not pool.worker:
            raise Unsupported("a pool needs `url` and `worker`")
        await self._orders.carry_out(commands.pools(pool.url, pool.worker, pool.password or "x"))

    async def blink(self, on: bool) -> None:
        """Blink red and green by turns, or leave the lights to the firmware."""
        await self._orders.carry_out(commands.led(on))

    async def _info(self) -> Reply:
        """Ask for everything about the device; the salt comes along."""
        info = await self._line.ask(commands.DEVICE_INFO)
        self._orders.note_salt(info)
        return info

    async def _is_working(self) -> bool | None:
        return is_working(section(object_of(await self._info()), "miner"))

    def _is_modulation_old(self) -> bool:
        if self._modulation_seen is None:
            return True
        connection, seen_s = self._modulation_seen
        return connection != self._line.opened or self._clock.monotonic() - seen_s > MODULATION_OLD_S

    async def _see_modulation(self) -> float | None:
        """Ask which modulation is in force; a firmware that does not tell has none that we know of."""
        said = await self._line.ask(commands.MINER_SETTING)
        self._power_pct = parse.modulation_pct(said)
        self._modulation_seen = (self._line.opened, self._clock.monotonic())
        return self._power_pct


async def look(host: str, port: int, wiring: Wiring) -> Sighting | None:
    """Recognise a WhatsMiner in a scan; reading needs no password, so none is tried."""
    miner = Whatsminer(WhatsminerOptions(host=host, port=port, timeout_s=2.0), wiring)
    try:
        who, how = await miner.identify(), await miner.read()
    finally:
        await miner.close()
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
        note="set `password` to control it; the owner must have turned on the API switch",
    )


DRIVER = DriverSpec(
    name=NAME,
    kind=DeviceKind.MINER,
    title="WhatsMiner with API v3 (firmware of November 2024 and later)",
    level=Level.GOLD,
    options=WhatsminerOptions,
    create=Whatsminer,
    looks=(Look(port=PORT, ask=look, order=10),),
)
