"""A Bitaxe as the poller sees it: wire, commands and parse put together."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from hashbus.messages import Level, MinerIdentity, MinerReading, OrderParams
from hashbus_poller.drivers.bitaxe import commands, parse
from hashbus_poller.drivers.bitaxe.identity import Board, asks_options, board
from hashbus_poller.drivers.bitaxe.steps import step_within
from hashbus_poller.drivers.bitaxe.wire import Wire
from hashbus_poller.drivers.contract import (
    DeviceError,
    DeviceKind,
    DriverSpec,
    HostOptions,
    Look,
    Refused,
    Sighting,
    Unsupported,
    Wiring,
)
from hashbus_poller.readings import json_object

NAME = "bitaxe"
PORT = 80
LOOK_TIMEOUT_S = 3.0


class BitaxeOptions(HostOptions):
    """What a site's configuration says of a Bitaxe. AxeOS knows no password: it serves its own network only."""

    port: int = Field(PORT, ge=1, le=65535, description="TCP port of its web page")


class Bitaxe:
    """One device with AxeOS. Nothing is open between two questions, so there is nothing to close."""

    def __init__(self, options: BitaxeOptions, wiring: Wiring) -> None:
        """Open nothing yet."""
        self._wire = Wire(options.host, options.port, options.timeout_s, wiring)
        self._board: Board | None = None

    async def identify(self) -> MinerIdentity:
        """Ask who it is, and which frequencies it offers."""
        return (await self._recognise()).identity

    async def read(self) -> MinerReading:
        """Take one reading: one request."""
        answer = await self._wire.ask(commands.INFO)
        known = self._board
        return parse.reading(
            parse.info(answer),
            answer,
            chips=known.chips if known else None,
            curve=known.curve if known else None,
        )

    async def close(self) -> None:
        """Give up nothing."""

    async def set_power_limit(self, power_w: float) -> None:
        """Run at the fastest frequency that is estimated to draw at most that many watts (steps.py)."""
        steps = (await self._known()).steps
        if not steps:
            raise Unsupported("this firmware does not say which frequencies the board can run at")
        step = step_within(steps, power_w)
        if step is None:
            raise Unsupported(f"the slowest step, {steps[0].frequency_mhz:g} MHz, draws {steps[0].power_w:g} W")
        await self._run_at(step.frequency_mhz)

    async def set_frequency(self, frequency_mhz: float) -> None:
        """Run at one of the frequencies that the firmware offers; the core voltage stays."""
        options = (await self._known()).options
        offered = options.frequencies_mhz if options else ()
        if frequency_mhz not in offered:
            listed = ", ".join(f"{mhz:g}" for mhz in offered) or "none"
            raise Unsupported(f"the board does not run at {frequency_mhz:g} MHz; it offers {listed}")
        await self._run_at(frequency_mhz)

    async def sleep(self) -> None:
        """Pause mining (2.14 and newer). A restart forgets the pause."""
        if not (await self._standing()).is_paused:
            await self._wire.ask(commands.PAUSE)

    async def wake(self) -> None:
        """Go on mining (2.14 and newer)."""
        now = await self._standing()
        _refuse_while_latched(now)
        if now.is_paused:
            await self._wire.ask(commands.RESUME)

    async def set_fan(self, fan_pct: float | None) -> None:
        """Hold the fan, or give it back to the firmware's own control."""
        await self._wire.ask(commands.set_fan(fan_pct, fan_key=(await self._known()).fan_key))

    async def set_pool(self, pool: OrderParams) -> None:
        """Mine for another pool; the firmware takes it up with a restart, which follows at once."""
        target = commands.pool_target(pool.url or "", knows_tls=(await self._known()).knows_tls)
        now = await self._standing()
        worker = pool.worker or now.pool[2]
        if pool.password is None and now.pool == (target["stratumURL"], target["stratumPort"], worker):
            return
        await self._wire.ask(commands.set_pool(target, worker=worker, password=pool.password, slot=now.pool_slot))
        await self._wire.ask(commands.RESTART)

    async def reboot(self) -> None:
        """Restart the board."""
        await self._wire.ask(commands.RESTART)

    async def restart_mining(self) -> None:
        """Restart the board, which is all that AxeOS offers; a person who asks for it also ends an overheat stop.

        Up to 2.11 the stop lowers frequency and voltage to next to nothing: they go back to the factory's figures.
        """
        options = (await self._known()).options
        now = await self._standing()
        if now.is_latched:
            await self._wire.ask(commands.clear_overheat(now.frequency_mhz, options))
        await self._wire.ask(commands.RESTART)

    async def blink(self, on: bool) -> None:
        """Say hello on the screen for half a minute, or stop (2.12 and newer). The one button toggles."""
        if commands.says_hello(await self._wire.ask(commands.IDENTIFY)) is not on:
            await self._wire.ask(commands.IDENTIFY)

    async def _run_at(self, frequency_mhz: float) -> None:
        """Set a frequency that is not set yet: each change is written to the flash memory."""
        now = await self._standing()
        _refuse_while_latched(now)
        if now.frequency_mhz != frequency_mhz:
            await self._wire.ask(commands.change({"frequency": frequency_mhz}))

    async def _standing(self) -> parse.Standing:
        answer = await self._wire.ask(commands.INFO)
        return parse.standing(parse.info(answer), answer)

    async def _recognise(self) -> Board:
        answer = await self._wire.ask(commands.INFO)
        said = parse.info(answer)
        asic = await self._options() if asks_options(said) else None
        self._board = board(said, asic, answer, self._board.curve if self._board else None)
        return self._board

    async def _options(self) -> dict[str, Any] | None:
        """Return what the board can be set to; None when this firmware has no such page after all."""
        try:
            return json_object(await self._wire.ask(commands.ASIC))
        except Unsupported:
            return None

    async def _known(self) -> Board:
        return self._board or await self._recognise()


def _refuse_while_latched(now: parse.Standing) -> None:
    """A controller that asserts its setpoint must not undo what protects the board; a person may, by `restart`."""
    if now.is_latched:
        raise Refused("it stopped because it was too hot; look after it, then restart it")


async def look(host: str, port: int, wiring: Wiring) -> Sighting | None:
    """Recognise AxeOS in a scan by the one page that tells everything."""
    device = Bitaxe(BitaxeOptions(host=host, port=port, timeout_s=LOOK_TIMEOUT_S), wiring)
    try:
        identity, reading = await device.identify(), await device.read()
    except DeviceError:
        return None
    return Sighting(
        driver=NAME,
        host=host,
        make=identity.make,
        model=identity.model,
        firmware=" ".join(part for part in (identity.firmware, identity.firmware_version) if part),
        mac=identity.mac,
        hashrate_ths=reading.hashrate_ths,
        power_w=reading.power_w,
        options={} if port == PORT else {"port": port},
    )


DRIVER = DriverSpec(
    name=NAME,
    kind=DeviceKind.MINER,
    title="Bitaxe (AxeOS)",
    level=Level.GOLD,
    options=BitaxeOptions,
    create=Bitaxe,
    # Other miners have a web page on port 80 too, and know it by their own marks.
    looks=(Look(port=PORT, ask=look, order=60),),
    # An ESP32 that is asked more often loses shares.
    min_interval_s=5.0,
)
