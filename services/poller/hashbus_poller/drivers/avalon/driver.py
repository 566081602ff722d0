"""An Avalon as the poller sees it: port, commands and parsers put together."""

from __future__ import annotations

from pydantic import Field, SecretStr

from hashbus.messages import Level, MinerIdentity, MinerReading, OrderParams
from hashbus_poller.drivers.avalon import commands, parse
from hashbus_poller.drivers.avalon.identity import Offers, identity
from hashbus_poller.drivers.avalon.mm import Machine, machine
from hashbus_poller.drivers.avalon.orders import Orders
from hashbus_poller.drivers.avalon.replies import failure
from hashbus_poller.drivers.avalon.rights import offered
from hashbus_poller.drivers.avalon.steps import MAKE
from hashbus_poller.drivers.avalon.wire import Api
from hashbus_poller.drivers.cgminer.answer import Answer, MinerDown
from hashbus_poller.drivers.cgminer.commands import DEVDETAILS, VERSION
from hashbus_poller.drivers.cgminer.identity import Version, parse_devdetails, parse_version
from hashbus_poller.drivers.cgminer.parse import down_reading
from hashbus_poller.drivers.cgminer.wire import PORT, CgminerOptions
from hashbus_poller.drivers.contract import (
    DeviceKind,
    DriverSpec,
    Look,
    Sighting,
    Unreachable,
    Unsupported,
    Wiring,
)

NAME = "avalon"
LOOK_ORDER = 35
LOOK_TIMEOUT_S = 3.0
SLOWEST_FAN_PCT = 25
"""Some firmware takes 15; the vendor's app for home models stops at 25, and the fans cool the supply too."""


class AvalonOptions(CgminerOptions):
    """What a site's configuration says of an Avalon."""

    account: str | None = Field(
        None, description="Of its web page; `admin` on home models and `root` on others if unset"
    )
    password: SecretStr | None = Field(None, description="Of its web page; needed only to set pools for good")


class Avalon:
    """One miner. A connection is open only while a question is, so there is nothing to close.

    A reading takes one question, or three where the firmware does not join reports.
    """

    def __init__(self, options: AvalonOptions, wiring: Wiring) -> None:
        """Open nothing yet."""
        self._api = Api(options, wiring.tape)
        self._clock = wiring.clock
        self._has_password = bool(options.password and options.password.get_secret_value())
        password = options.password.get_secret_value() if options.password else ""
        self._orders = Orders(self._api, wiring.clock, self._machine, (options.account, password))
        self._offers: Offers | None = None
        self._can_join = True
        self._details = commands.ESTATS

    async def identify(self) -> MinerIdentity:
        """Ask who it is, and what it lets this computer do; rights are asked for, never tried."""
        version, told = await self._introduced()
        shown = await self._shown()
        self._offers = await offered(self._api, shown, has_password=self._has_password)
        return identity(version, told, shown, self._offers)

    async def introduce(self) -> MinerIdentity:
        """Ask who it is and nothing else."""
        version, told = await self._introduced()
        return identity(version, told, await self._shown(), Offers())

    async def read(self) -> MinerReading:
        """Take one reading."""
        started_s = self._clock.monotonic()
        try:
            summary, pools, stats = await self._reports()
        except MinerDown as down:
            return down_reading(str(down))
        latency_ms = (self._clock.monotonic() - started_s) * 1000
        return parse.reading(summary, pools, stats, latency_ms=latency_ms)

    async def close(self) -> None:
        """Give up nothing."""

    async def set_power_limit(self, power_w: float) -> None:
        """Take the highest work mode or level that draws no more than that."""
        await self._orders.limit_power(await self._known_offers(), power_w)

    async def sleep(self) -> None:
        """Go to standby; old models cut the power of their boards."""
        await self._orders.switch(await self._known_offers(), is_off=True)

    async def wake(self) -> None:
        """Mine again; old models need a reboot for that."""
        await self._orders.switch(await self._known_offers(), is_off=False)

    async def restart_mining(self) -> None:
        """Restart the mining process."""
        await self._api.tell(commands.RESTART)

    async def reboot(self) -> None:
        """Restart the device."""
        await self._machine()  # an answer right before: if it hangs up now, then because of the reboot
        await self._orders.reboot()

    async def set_fan(self, fan_pct: float | None) -> None:
        """Hold the fans at that percentage, or give them back to the firmware."""
        if fan_pct is not None and not SLOWEST_FAN_PCT <= fan_pct <= 100:
            raise Unsupported(f"fans at {fan_pct:g} %: it takes {SLOWEST_FAN_PCT} to 100")
        await self._api.ask(commands.fan(None if fan_pct is None else round(fan_pct)))

    async def set_pool(self, pool: OrderParams) -> None:
        """Mine for this pool, before all others."""
        await self._orders.set_pool(await self._known_offers(), pool)

    async def blink(self, on: bool) -> None:
        """Light the white lamp, or leave it to the firmware."""
        await self._orders.blink(on=on)

    async def _reports(self) -> tuple[Answer, Answer | None, Answer | None]:
        """Return summary, pools and the MM string, in one connection where the firmware joins reports."""
        if self._can_join:
            joined = await self._api.hear(commands.ALL_AT_ONCE)
            if failure(joined) is None:
                summary = joined.part("summary")
                if summary is None:
                    joined.reject("has no summary in it")
                return summary, joined.part("pools"), joined.part("estats")
            self._can_join = False
        summary = (await self._api.hear(commands.SUMMARY)).require_success()
        pools = await self._api.hear(commands.POOLS)
        return summary, pools, await self._detailed()

    async def _detailed(self) -> Answer | None:
        """Return `estats`, or `stats` on firmware without; None where it has neither."""
        for question in (self._details, commands.STATS):
            answer = await self._api.hear(question)
            if failure(answer) is None:
                self._details = question
                return answer
        return None

    async def _introduced(self) -> tuple[Version, Answer]:
        """Return what `version` tells; Garbled when it is no Avalon. Old controllers name the make in `devdetails`."""
        told = await self._api.ask(VERSION)
        version = parse_version(told)
        if version.make is None:
            version = version.completed_by(parse_devdetails(await self._api.ask(DEVDETAILS)))
        if version.make != MAKE:
            told.reject(f"is that of a miner by {version.make or 'somebody else'}; expected {MAKE}")
        return version, told

    async def _shown(self) -> Machine | None:
        try:
            return machine(await self._detailed())
        except MinerDown as down:
            raise Unreachable(f"the mining process is down: {down}") from None

    async def _machine(self) -> Machine:
        """Return the MM string alone, without which nothing can be set."""
        shown = await self._shown()
        if shown is None:
            raise Unsupported(f"{self._api} tells no MM string, so that no order could be confirmed")
        return shown

    async def _known_offers(self) -> Offers:
        if self._offers is None:
            self._offers = await offered(self._api, await self._machine(), has_password=self._has_password)
        return self._offers


async def look(host: str, port: int, wiring: Wiring) -> Sighting | None:
    """Recognise an Avalon in a scan, by what it tells everybody."""
    miner = Avalon(AvalonOptions(host=host, port=port, timeout_s=LOOK_TIMEOUT_S), wiring)
    who, how = await miner.introduce(), await miner.read()
    return Sighting(
        driver=NAME,
        host=host,
        make=MAKE,
        model=who.model,
        firmware=who.firmware_version,
        mac=who.mac,
        hashrate_ths=how.hashrate_ths,
        power_w=how.power_w,
        options={} if port == PORT else {"port": port},
        note="set `password`, that of its web page, to set pools for good; all else needs none",
    )


DRIVER = DriverSpec(
    name=NAME,
    kind=DeviceKind.MINER,
    title="Avalon (Canaan), from the 741 to the A16, Q, Mini 3 and Nano 3S",
    level=Level.GOLD,
    options=AvalonOptions,
    create=Avalon,
    looks=(Look(port=PORT, ask=look, order=LOOK_ORDER),),
)
