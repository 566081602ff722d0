"""The driver of stock Antminers: two questions on port 4028 make a reading, the web pages take orders."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from yarl import URL

from hashbus.messages import Level, MinerError, MinerIdentity, MinerReading, OrderParams
from hashbus_poller.drivers.antminer import commands, identity
from hashbus_poller.drivers.antminer.conf import MinerConf, PoolAccount, WorkMode
from hashbus_poller.drivers.antminer.generation import sleep_mode, takes_json
from hashbus_poller.drivers.antminer.identity import Version, WebFacts
from hashbus_poller.drivers.antminer.levels import LevelRules, Rating, full_rate_ths, rate, step_for
from hashbus_poller.drivers.antminer.options import AntminerOptions
from hashbus_poller.drivers.antminer.page import ConfPage, decode_page
from hashbus_poller.drivers.antminer.parse import STARTING_S, Surroundings, parse_lamps, parse_reading
from hashbus_poller.drivers.antminer.sighting import LOOKS, NAME
from hashbus_poller.drivers.antminer.stats import Stats, parse_stats
from hashbus_poller.drivers.antminer.wire import MISSING_PASSWORD, AntminerWeb
from hashbus_poller.drivers.cgminer.answer import Answer, MinerDown, decode
from hashbus_poller.drivers.cgminer.commands import Question
from hashbus_poller.drivers.cgminer.parse import down_reading, parse_pools
from hashbus_poller.drivers.cgminer.wire import CgminerPort
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
from hashbus_poller.readings import understanding

CUSTOMARY_PASSWORD = "x"  # noqa: S105 - what pools are given that ask for none


class Antminer:
    """One Antminer. Connections are open only while a question is, so there is nothing to close."""

    def __init__(self, options: AntminerOptions, wiring: Wiring) -> None:
        """Open nothing yet."""
        turn = asyncio.Lock()
        self._options = options
        self._clock = wiring.clock
        self._port = CgminerPort(options, wiring.tape, allowed=commands.ALLOWED, turn=turn)
        self._web: AntminerWeb | None = None
        self._page: ConfPage | None = None
        if options.password is not None:
            address = URL.build(scheme="http", host=options.host, port=options.web_port, path="/")
            login = (options.username, options.password)
            self._web = AntminerWeb(address, login, wiring, timeout_s=options.timeout_s, turn=turn)
            self._page = ConfPage(self._web, wiring.clock)
        self._version: Version | None = None
        self._facts: WebFacts | None = None
        self._rating: Rating | None = None
        self._full_ths: float | None = None
        self._empty_since_s: float | None = None

    async def identify(self) -> MinerIdentity:
        """Ask who it is; what can be set is listed only with a password, on stock firmware, as far as its page goes."""
        version = await self._ask_version()
        if self._version is not None and version.model != self._version.model:
            self._full_ths = None  # another miner under the same address
        self._version = version
        try:
            stats = await self._ask_stats()
        except MinerDown as down:
            raise _unreachable(down) from None
        self._facts = await self._ask_web()
        self._rating = self._rated(stats, self._facts.conf if self._facts else None)
        return identity.identity_of(version, self._facts, self._rating, len(stats.boards))

    async def read(self) -> MinerReading:
        """Take one reading: two connections, and a look at the configuration page once for each run of the miner."""
        try:
            stats = await self._ask_stats()
            answer = await self._hear(commands.POOLS)
        except MinerDown as down:
            return down_reading(str(down))
        pools = parse_pools(answer)
        conf = await self._page.in_force(stats) if self._page else None
        if self._rating is None:
            self._rating = self._rated(stats, conf)
        around = Surroundings(
            conf=conf,
            rating=self._rating,
            silent_s=self._silent_s(stats),
            complaint=self._page.complaint if self._page else None,
            lamps=await self._ask_lamps(stats, conf),
        )
        with understanding(answer.raw):
            return parse_reading(stats, pools, around, is_partial=stats.is_partial or answer.is_partial)

    async def close(self) -> None:
        """Give up nothing."""

    async def set_power_limit(self, power_w: float) -> None:
        """Take the highest level that draws at most that much, by the estimate of levels.py."""
        page = await self._orders()
        if self._rating is None:
            await self.identify()
        step = step_for(self._rating.steps if self._rating else (), power_w)
        if step is None:
            raise Unsupported(f"no level draws {power_w:g} W or less; is the model known, or `rated_power_w` set?")
        await page.change(step.set_in)

    async def sleep(self) -> None:
        """Stop mining; fans and control board go on."""
        page = await self._orders()
        await page.change(lambda conf: _in_mode(conf, self._sleep_mode))

    async def wake(self) -> None:
        """Mine again, at the level that was set; what is awake stays as it is."""
        page = await self._orders()
        await page.change(lambda conf: _in_mode(conf, WorkMode.NORMAL) if conf.is_asleep else conf)

    async def restart_mining(self) -> None:
        """Restart the mining process, by writing the configuration as it is."""
        page = await self._orders()
        await page.change(lambda conf: conf, even_if_same=True)

    async def set_fan(self, fan_pct: float | None) -> None:
        """Hold the fans at that percentage; mining restarts. None gives them back to the firmware."""
        if fan_pct is not None and not 0 <= fan_pct <= 100:
            raise Unsupported(f"fans at {fan_pct:g} %: they take 0 to 100")
        page = await self._orders()
        await page.change(lambda conf: replace(conf, fan_pct=None if fan_pct is None else float(round(fan_pct))))

    async def set_frequency(self, frequency_mhz: float) -> None:
        """Run the chips at one of the frequencies that the owner knows of; S19 and later have none to set."""
        page = await self._orders()
        if not page.takes_form or frequency_mhz not in self._options.frequencies_mhz:
            known = ", ".join(f"{mhz:g}" for mhz in self._options.frequencies_mhz) or "none"
            raise Unsupported(f"{frequency_mhz:g} MHz is no step of this miner; `frequencies_mhz` has {known}")
        await page.change(lambda conf: conf.with_frequency(frequency_mhz))

    async def set_pool(self, pool: OrderParams) -> None:
        """Mine for a pool; the former ones move back by one place and stay as a reserve, as far as there is room."""
        if not pool.url or not pool.worker:
            raise Unsupported("set_pool needs the address of the pool and the name of the worker")
        page = await self._orders()
        account = PoolAccount(pool.url, pool.worker, pool.password or CUSTOMARY_PASSWORD)
        await page.change(lambda conf: conf.with_first_pool(account))

    async def blink(self, on: bool) -> None:
        """Blink so that a person finds it in the rack, or stop."""
        await self._orders()
        if self._page and self._page.takes_form:
            await self._blink_by_form(on=on)
            return
        answer = await self._logged_in().post(commands.BLINK, commands.blink_body(on=on))
        code = decode_page(commands.BLINK, answer).whole().text("code")
        if code != commands.blink_code(on=on):
            raise DeviceError(f"the miner answered {code!r} to the order to blink")

    async def _blink_by_form(self, *, on: bool) -> None:
        answer = await self._logged_in().post_form(commands.BLINK, commands.blink_form(on=on))
        if decode_page(commands.BLINK, answer).whole().flag("isBlinking") is not on:
            raise DeviceError("the miner does not do what it was told about its light")

    async def reboot(self) -> None:
        """Restart the device. It hangs up instead of answering."""
        web = self._logged_in()
        await web.get(commands.SYSTEM_INFO)  # it is there and the login is right: silence then means that it went down
        try:
            await web.get(commands.REBOOT)
        except Unreachable as silence:
            if silence.is_refused:
                raise

    def _logged_in(self) -> AntminerWeb:
        if self._web is None:
            raise Refused(MISSING_PASSWORD)
        return self._web

    async def _orders(self) -> ConfPage:
        """Return the page that orders go to, where we know how to write it."""
        self._logged_in()
        if self._version is None:
            self._version = await self._ask_version()
        if self._version.firmware != identity.STOCK:
            raise Unsupported(f"{self._version.firmware} has orders of its own, which this driver does not speak")
        assert self._page is not None  # noqa: S101 - made together with the login
        self._page.takes_form = not takes_json(self._version.model)
        if self._page.complaint is not None:
            await self._page.shown()  # Refused, for as long as the login is wrong
            self._rating = None  # what was rated without the page knows too few levels
        return self._page

    async def _ask_version(self) -> Version:
        return identity.parse_version(await self._ask(commands.VERSION))

    async def _ask_stats(self) -> Stats:
        answer = await self._hear(commands.STATS)
        with understanding(answer.raw):
            return parse_stats(answer)

    async def _ask_web(self) -> WebFacts | None:
        """Return what the web pages tell, or told before while they are busy; None where they tell us nothing."""
        if self._web is None or self._page is None:
            return None
        try:
            info = decode_page(commands.SYSTEM_INFO, await self._web.get(commands.SYSTEM_INFO))
            return WebFacts(identity.parse_system_info(info), await self._page.shown())
        except Refused as refused:
            self._page.complaint = str(refused)  # reading goes on without; every reading says why
            return None
        except (Unreachable, Garbled):
            if self._facts is None:
                raise
            return self._facts

    async def _ask_lamps(self, stats: Stats, conf: MinerConf | None) -> tuple[MinerError, ...]:
        """Return what the miner itself finds wrong, when it is awake, has had time to start, and does not hash."""
        is_early = stats.elapsed_s is None or stats.elapsed_s < STARTING_S
        if self._web is None or conf is None or conf.is_asleep or stats.is_hashing or is_early:
            return ()
        try:
            return parse_lamps(decode_page(commands.SUMMARY_PAGE, await self._web.get(commands.SUMMARY_PAGE)))
        except DeviceError:
            return ()

    async def _ask(self, question: Question) -> Answer:
        try:
            return await self._hear(question)
        except MinerDown as down:
            raise _unreachable(down) from None

    async def _hear(self, question: Question) -> Answer:
        """Return what the miner says; MinerDown when only its control board answers."""
        return decode(question.name, await self._port.ask(question))

    def _rated(self, stats: Stats, conf: MinerConf | None) -> Rating:
        model = (self._version.model if self._version else None) or stats.model
        options = self._options
        rules = LevelRules(options.rated_power_w, options.levels_pct, options.low_power_pct, options.frequencies_mhz)
        # Asleep it shows no rate: the one that it had tells its version still.
        self._full_ths = full_rate_ths(stats, conf, rules.full_share(model, conf)) or self._full_ths
        return rate(model, self._full_ths, conf, rules)

    @property
    def _sleep_mode(self) -> WorkMode | None:
        return sleep_mode(self._version.model if self._version else None)

    def _silent_s(self, stats: Stats) -> float:
        """Return for how long `stats` has listed no device."""
        now_s = self._clock.monotonic()
        if not stats.is_empty:
            self._empty_since_s = None
            return 0.0
        if self._empty_since_s is None:
            self._empty_since_s = now_s
        return now_s - self._empty_since_s


def _unreachable(down: MinerDown) -> Unreachable:
    return Unreachable(f"the mining process is down: {down}")


def _in_mode(conf: MinerConf, mode: WorkMode | None) -> MinerConf:
    if conf.work_mode is None or mode is None:
        raise Unsupported("this firmware has no sleep mode")
    return replace(conf, work_mode=mode)


DRIVER = DriverSpec(
    name=NAME,
    kind=DeviceKind.MINER,
    title="Antminer with stock firmware",
    level=Level.GOLD,
    options=AntminerOptions,
    create=Antminer,
    looks=LOOKS,
)
