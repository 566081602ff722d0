"""The driver of miners with Braiins OS: wire, commands and parse put together."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, SecretStr

from hashbus.messages import Level, MinerIdentity, MinerReading, MinerState, OrderParams
from hashbus_poller.drivers.braiins import commands, parse
from hashbus_poller.drivers.braiins.faults import recent_errors
from hashbus_poller.drivers.braiins.identity import Known, Limits, known_of, limits_of
from hashbus_poller.drivers.braiins.pools import groups_of, is_first, with_pool_first
from hashbus_poller.drivers.braiins.sighting import LOOKS, NAME, WEB_PORT
from hashbus_poller.drivers.braiins.wire import Wire
from hashbus_poller.drivers.contract import (
    DeviceError,
    DeviceKind,
    DriverSpec,
    Garbled,
    HostOptions,
    Refused,
    Unreachable,
    Unsupported,
    Wiring,
)
from hashbus_poller.nested import inner
from hashbus_poller.readings import count_or_none, json_object, number_or_none, understanding
from hashbus_poller.secret_tape import without_secrets

TUNED_TO_POWER = 1
CLOCKS_DIFFER = timedelta(minutes=2)


class BraiinsOptions(HostOptions):
    """What a site's configuration says of a miner with Braiins OS."""

    port: int = Field(WEB_PORT, ge=1, le=65535, description="TCP port of its web page")
    username: str = Field("root", min_length=1, description="User of its web page")
    password: SecretStr | None = Field(None, description="Password of its web page; nothing is read without it")


class Braiins:
    """One miner. The login is kept, connections are not, so there is nothing to close."""

    def __init__(self, options: BraiinsOptions, wiring: Wiring) -> None:
        """Open nothing yet."""
        login = (options.username, options.password)
        self._wire = Wire((options.host, options.port), login, options.timeout_s, wiring)
        self._clock = wiring.clock
        self._known: Known | None = None

    async def identify(self) -> MinerIdentity:
        """Ask who it is, and within which bounds it can be set."""
        return (await self._recognise()).identity

    async def read(self) -> MinerReading:
        """Take one reading: six questions over one connection, one more where something is wrong."""
        now = parse.process(await self._wire.ask(commands.DETAILS, is_last=False))
        if not now.runs:
            return parse.idle_reading(now)
        answers = await self._wire.ask_all(
            (commands.STATS, commands.HASHBOARDS, commands.COOLING, commands.TUNER, commands.POOLS)
        )
        reading = parse.reading(now, parse.Rest(*answers))
        return await self._with_journal(reading) if _is_ailing(reading) else reading

    async def close(self) -> None:
        """Give up nothing."""

    async def set_power_limit(self, power_w: float) -> None:
        """Tune to a power, which may be anything within the miner's own bounds."""
        limits = (await self._recognised()).limits
        if limits.min_w is not None and power_w < limits.min_w:
            raise Unsupported(f"the lowest power that this miner can be tuned to is {limits.min_w:g} W")
        wanted_w = int(min(power_w, limits.max_w or power_w))
        answer = await self._wire.ask(commands.CONFIGURATION)
        with understanding(without_secrets(answer)):
            set_to = inner(_configuration(answer), "tuner")
            is_on_power = set_to.get("enabled") is not False and count_or_none(set_to, "tuner_mode") in (
                None,
                TUNED_TO_POWER,
            )
            now_w = number_or_none(inner(set_to, "power_target"), "watt")
        if not (is_on_power and now_w == wanted_w):
            await self._wire.ask(commands.set_power_target(wanted_w, is_tuner_on_power=is_on_power))

    async def sleep(self) -> None:
        """Pause mining; where the mining process does not run, there is nothing to pause."""
        now = await self._process()
        if now.runs and now.status != parse.Status.PAUSED:
            await self._wire.ask(commands.PAUSE)

    async def wake(self) -> None:
        """Go on mining, or start the mining process that somebody has stopped."""
        now = await self._process()
        if not now.runs:
            await self._wire.ask(commands.START)
        elif now.status == parse.Status.PAUSED:
            await self._wire.ask(commands.RESUME)

    async def restart_mining(self) -> None:
        """Restart the mining process."""
        await self._wire.ask(commands.RESTART)

    async def reboot(self) -> None:
        """Restart the device. It may hang up instead of answering."""
        # It is there and the login is right: silence then means that it went down.
        await self._wire.ask(commands.DETAILS)
        await self._wire.ask(commands.REBOOT)

    async def set_fan(self, fan_pct: float | None) -> None:
        """Hold the fans, or give them back to the firmware."""
        limits = (await self._recognised()).limits
        await self._wire.ask(commands.set_fan(fan_pct, limits.target_c))

    async def set_pool(self, pool: OrderParams) -> None:
        """Mine for a pool before all others; the mining process restarts with it."""
        if not pool.url or not pool.worker:
            raise Refused("set_pool needs the address of the pool and the name of the worker")
        listed = await self._wire.ask(commands.POOLS, is_last=False)
        answer = await self._wire.ask(commands.CONFIGURATION)
        with understanding(without_secrets(answer)):
            groups = groups_of(_configuration(answer), listed)
        if pool.password is None and is_first(groups, pool.url, pool.worker):
            return
        wanted = {"url": pool.url, "user": pool.worker, "enabled": True}
        if pool.password is not None:
            wanted["password"] = pool.password
        await self._wire.ask(commands.set_pools(with_pool_first(groups, wanted)))

    async def blink(self, on: bool) -> None:
        """Let its lights tell which miner it is, or stop."""
        answer = (await self._wire.ask(commands.blink(on=on))).strip()
        if answer != (b"true" if on else b"false"):
            raise DeviceError(f"Braiins OS answered {answer[:40]!r} to the order to blink")

    async def _process(self) -> parse.Process:
        return parse.process(await self._wire.ask(commands.DETAILS))

    async def _recognise(self) -> Known:
        details = await self._wire.ask(commands.DETAILS, is_last=False)
        try:
            limits = limits_of(await self._wire.ask(commands.CONSTRAINTS))
        except (Unsupported, Unreachable) as error:
            if isinstance(error, Unreachable) and parse.process(details).runs:
                raise
            # Without its mining process the miner may not know its bounds: those from before still hold.
            limits = self._known.limits if self._known else Limits()
        self._known = known_of(details, limits)
        return self._known

    async def _recognised(self) -> Known:
        return self._known or await self._recognise()

    async def _with_journal(self, reading: MinerReading) -> MinerReading:
        """Add what the miner's journal says about the trouble; a version without one says nothing."""
        since = self._clock.now() - timedelta(seconds=reading.mining_s or 0.0) - CLOCKS_DIFFER
        try:
            errors = (*reading.errors, *recent_errors(await self._wire.ask(commands.ERRORS), since=since))
        except (Unsupported, Unreachable):
            return reading
        is_at_fault = reading.state is MinerState.IDLE and bool(errors)
        return reading.model_copy(
            update={
                "errors": errors,
                "error_message": "; ".join(error.text or error.code for error in errors)[:1000] or None,
                "state": MinerState.FAULT if is_at_fault else reading.state,
            }
        )


def _is_ailing(reading: MinerReading) -> bool:
    has_bad_board = (reading.boards_healthy or 0) < (reading.boards_total or 0)
    return reading.state in (MinerState.IDLE, MinerState.FAULT) or (
        has_bad_board and reading.state is MinerState.MINING
    )


def _configuration(answer: bytes) -> dict[str, object]:
    """Return the configuration; an error keeps it without the passwords of pools."""
    try:
        return json_object(answer)
    except Garbled:
        raise Garbled("the configuration is not the JSON that it should be", without_secrets(answer)) from None


DRIVER = DriverSpec(
    name=NAME,
    kind=DeviceKind.MINER,
    title="Braiins OS (REST)",
    level=Level.GOLD,
    options=BraiinsOptions,
    create=Braiins,
    looks=LOOKS,
    min_interval_s=2.0,
)
