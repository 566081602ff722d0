"""The driver of miners with VNish: wire, commands and parse put together. Reading needs no login, orders do."""

from __future__ import annotations

from pydantic import Field, SecretStr

from hashbus.messages import Level, MinerIdentity, MinerReading, OrderParams
from hashbus_poller.drivers.contract import (
    DeviceError,
    DeviceKind,
    DriverSpec,
    HostOptions,
    Refused,
    Unsupported,
    Wiring,
)
from hashbus_poller.drivers.vnish import commands, parse
from hashbus_poller.drivers.vnish.commands import Command
from hashbus_poller.drivers.vnish.identity import Asked, Known, Rights, facts_of, known_of
from hashbus_poller.drivers.vnish.parse import Facts, Standing
from hashbus_poller.drivers.vnish.presets import level_within, levels_of, power_in_force_w
from hashbus_poller.drivers.vnish.settings import AUTOMATIC, Saved, pool_number, saved_of
from hashbus_poller.drivers.vnish.sighting import LOOKS, NAME, WEB_PORT
from hashbus_poller.drivers.vnish.wire import MISSING_LOGIN, Login, Wire
from hashbus_poller.readings import json_object

LOWEST_PCT, FULL_PCT = 20, 100
CUSTOMARY_TARGET_C = 65.0
"""What the firmware keeps the chips at where nobody has set anything else."""


class VnishOptions(HostOptions):
    """What a site's configuration says of a miner with VNish."""

    port: int = Field(WEB_PORT, ge=1, le=65535, description="TCP port of its web page")
    password: SecretStr | None = Field(None, description="Password of its web page; without one it is only read")
    api_key: SecretStr | None = Field(None, description="A key made on its web page, in place of the password")


class Vnish:
    """One miner. The token is kept, connections are not, so there is nothing to close."""

    def __init__(self, options: VnishOptions, wiring: Wiring) -> None:
        """Open nothing yet."""
        self._login = Login(options.password, options.api_key)
        self._wire = Wire((options.host, options.port), self._login, options.timeout_s, wiring)
        self._known: Known | None = None
        self._facts: Facts | None = None
        self._target_c = CUSTOMARY_TARGET_C
        self._complaint: str | None = None

    async def identify(self) -> MinerIdentity:
        """Ask who it is; what can be set is listed only with a login that opens."""
        return (await self._recognise()).identity

    async def read(self) -> MinerReading:
        """Take one reading: two questions over one connection, three while the mining daemon is down."""
        if self._facts is None:
            self._facts = facts_of(await self._wire.ask(commands.INFO, is_last=False), None)
        summary = await self._wire.ask(commands.SUMMARY, is_last=False)
        miner = parse.miner_of(summary)
        power_limit_w = power_in_force_w(await self._wire.ask(commands.PERF_SUMMARY, is_last=miner is not None))
        if miner is None:
            reading = parse.down_reading(await self._wire.ask(commands.STATUS), power_limit_w)
        else:
            reading = parse.reading(miner, summary, self._facts, power_limit_w)
        if self._complaint is not None and reading.error_message is None:
            return reading.model_copy(update={"error_message": self._complaint})
        return reading

    async def close(self) -> None:
        """Give up nothing."""

    async def set_power_limit(self, power_w: float) -> None:
        """Take the highest tuned preset that draws at most so much; mining restarts with it."""
        levels = (await self._recognised()).levels
        if not levels:
            raise Unsupported("this miner has no tuned preset, so its power cannot be set")
        level = level_within(levels, power_w)
        if level is None:
            raise Unsupported(f"the lowest tuned preset, {levels[0].name}, draws {levels[0].power_w:g} W")
        saved = await self._saved()
        if saved.holds(level.name):
            await self._restart_if_needed(await self._standing())
        else:
            await self._save(commands.set_preset(saved.overclock, level.name))

    async def set_power_percent(self, power_pct: float) -> None:
        """Draw a part of the preset's power, without a restart; 100 ends it (1.3.3 and newer)."""
        if power_pct < LOWEST_PCT:
            raise Unsupported(f"VNish does not go below {LOWEST_PCT} % of a preset")
        percent = min(FULL_PCT, int(power_pct))
        now_pct = (await self._standing()).throttled_pct or FULL_PCT
        if now_pct != percent:
            await self._wire.ask(commands.throttle(percent))

    async def sleep(self) -> None:
        """Stop mining."""
        if not (await self._standing()).is_asleep:
            await self._wire.ask(commands.STOP)

    async def wake(self) -> None:
        """Start mining."""
        if (await self._standing()).is_asleep:
            await self._wire.ask(commands.START)

    async def restart_mining(self) -> None:
        """Restart mining."""
        await self._wire.ask(commands.RESTART)

    async def reboot(self) -> None:
        """Restart the device, which it does some seconds after it has answered."""
        # It is there and the login is right: silence then means that it went down.
        await self._wire.ask(commands.PRESETS)
        await self._wire.ask(commands.REBOOT)

    async def set_fan(self, fan_pct: float | None) -> None:
        """Hold the fans, or give them back to the firmware with the temperature that it kept before."""
        saved = await self._saved()
        if not (fan_pct is None and saved.cooling == AUTOMATIC):
            await self._save(commands.set_fan(fan_pct, self._target_c))

    async def set_pool(self, pool: OrderParams) -> None:
        """Mine for a pool: at once where the miner has it already, else as the first of its list after a restart."""
        if not pool.url or not pool.worker:
            raise Refused("set_pool needs the address of the pool and the name of the worker")
        saved = await self._saved()
        if pool.password is None:
            number = pool_number(await self._wire.ask(commands.SUMMARY), pool.url, pool.worker)
            if number is not None:
                await self._wire.ask(commands.switch_pool(number))
                return
            if saved.is_first(pool.url, pool.worker):
                await self._restart_if_needed(await self._standing())
                return
        await self._save(commands.set_pools(saved.with_pool_first(pool.url, pool.worker, pool.password)))

    async def blink(self, on: bool) -> None:
        """Let its lights tell which miner it is, or stop."""
        self._need_login()
        answer = await self._wire.ask(commands.blink(on=on))
        # Some builds answer with nothing, others with what the lights do now.
        if answer.strip() not in (b"", b"null") and json_object(answer).get("on") is not on:
            raise DeviceError(f"VNish answered {answer[:40]!r} to the order to blink")

    async def _save(self, command: Command) -> None:
        """Save settings, and restart what has to be restarted for them to be in force."""
        verdict = json_object(await self._wire.ask(command))
        if verdict.get("reboot_required") is True:
            await self._wire.ask(commands.REBOOT)
        elif verdict.get("restart_required") is True:
            await self._restart_if_needed(await self._standing())

    async def _restart_if_needed(self, now: Standing) -> None:
        """Take up what is saved. A miner that is stopped takes it up when it is started, and stays asleep till then."""
        if now.needs_restart and not now.is_asleep:
            await self._wire.ask(commands.RESTART)

    async def _standing(self) -> Standing:
        self._need_login()
        return parse.standing(await self._wire.ask(commands.STATUS))

    async def _saved(self) -> Saved:
        saved = saved_of(await self._wire.ask(commands.SETTINGS))
        self._target_c = saved.target_c or self._target_c
        return saved

    async def _recognise(self) -> Known:
        asked = Asked(
            info=await self._wire.ask(commands.INFO, is_last=False),
            status=await self._wire.ask(commands.STATUS, is_last=False),
            model=await self._optional(commands.MODEL),
            factory=await self._optional(commands.FACTORY_INFO),
        )
        self._known = known_of(asked, await self._rights())
        self._facts = self._known.facts
        return self._known

    async def _optional(self, command: Command) -> bytes | None:
        """Return what not every version tells."""
        try:
            return await self._wire.ask(command, is_last=False)
        except Unsupported:
            return None

    async def _rights(self) -> Rights | None:
        """Return what the login opens; None without one, or when it does not, which the readings then say."""
        self._complaint = None
        if not self._login:
            return None
        try:
            saved = await self._saved()
            return Rights(levels_of(await self._wire.ask(commands.PRESETS)), saved.cooling)
        except Refused as refusal:
            self._complaint = str(refusal)
            return None

    async def _recognised(self) -> Known:
        return self._known or await self._recognise()

    def _need_login(self) -> None:
        if not self._login:
            raise Refused(MISSING_LOGIN)


DRIVER = DriverSpec(
    name=NAME,
    kind=DeviceKind.MINER,
    title="VNish (REST)",
    level=Level.GOLD,
    options=VnishOptions,
    create=Vnish,
    looks=LOOKS,
    min_interval_s=2.0,
)
