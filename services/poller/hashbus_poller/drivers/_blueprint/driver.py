"""The Acme Heater as the poller sees it: wire, commands and parse put together."""

from __future__ import annotations

from typing import Any

from pydantic import Field, SecretStr

from hashbus.messages import Level, MinerIdentity, MinerReading, MinerState
from hashbus_poller.drivers._blueprint import commands, parse
from hashbus_poller.drivers._blueprint.wire import Wire
from hashbus_poller.drivers.contract import (
    DeviceError,
    DeviceKind,
    DriverSpec,
    HostOptions,
    Look,
    Refused,
    Sighting,
    Wiring,
)

NAME = "acme"
PORT = 7777


class AcmeOptions(HostOptions):
    """What a site's configuration says of an Acme Heater."""

    port: int = Field(PORT, ge=1, le=65535, description="TCP port of its line protocol")
    pin: SecretStr | None = Field(None, description="Number on its back; without it the heater is only read")


class AcmeHeater:
    """One Acme Heater. Nothing is open between two questions, so there is nothing to close."""

    def __init__(self, options: AcmeOptions, wiring: Wiring) -> None:
        """Open nothing yet."""
        self._wire = Wire(options.host, options.port, options.timeout_s, wiring.tape)
        self._pin = options.pin

    async def identify(self) -> MinerIdentity:
        """Ask who it is."""
        status, raw = await self._status()
        return parse.identity(status, raw, has_pin=self._pin is not None)

    async def read(self) -> MinerReading:
        """Take one reading."""
        return parse.reading(*await self._status())

    async def close(self) -> None:
        """Give up nothing."""

    async def set_power_limit(self, power_w: float) -> None:
        """Draw at most that many watts; what is already set is not set again."""
        if (await self.read()).power_limit_w != round(power_w):
            await self._do(commands.set_limit(power_w, self._unlocked()))

    async def sleep(self) -> None:
        """Stop mining."""
        if (await self.read()).state is not MinerState.SLEEPING:
            await self._do(commands.switch(on=False, pin=self._unlocked()))

    async def wake(self) -> None:
        """Mine again."""
        if (await self.read()).state is MinerState.SLEEPING:
            await self._do(commands.switch(on=True, pin=self._unlocked()))

    def _unlocked(self) -> str:
        if self._pin is None:
            raise Refused("no PIN is known: set `pin` to the number on the back of the heater")
        return self._pin.get_secret_value()

    async def _status(self) -> tuple[dict[str, Any], bytes]:
        raw = await self._wire.ask(commands.STATUS)
        return parse.answer(raw), raw

    async def _do(self, command: commands.Command) -> None:
        parse.answer(await self._wire.ask(command))


async def look(host: str, port: int, wiring: Wiring) -> Sighting | None:
    """Recognise a heater in a scan: ask for its status, which needs no PIN."""
    heater = AcmeHeater(AcmeOptions(host=host, port=port, timeout_s=2.0), wiring)
    try:
        identity, reading = await heater.identify(), await heater.read()
    except DeviceError:
        return None
    return Sighting(
        driver=NAME,
        host=host,
        make=identity.make,
        model=identity.model,
        hashrate_ths=reading.hashrate_ths,
        power_w=reading.power_w,
    )


DRIVER = DriverSpec(
    name=NAME,
    kind=DeviceKind.MINER,
    title="Acme Heater",
    level=Level.GOLD,
    options=AcmeOptions,
    create=AcmeHeater,
    looks=(Look(port=PORT, ask=look),),
)
