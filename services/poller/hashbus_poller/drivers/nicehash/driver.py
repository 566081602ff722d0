"""A rig that NiceHash manages: commands, parse and the poller's HTTP client put together."""

from __future__ import annotations

from typing import Self

from pydantic import Field, SecretStr, model_validator

from hashbus.messages import Level, MinerIdentity, MinerReading
from hashbus_poller.drivers.contract import DeviceKind, DeviceOptions, DriverSpec, Wiring
from hashbus_poller.drivers.nicehash import commands, parse
from hashbus_poller.drivers.nicehash.commands import Key
from hashbus_poller.drivers.nicehash.wire import Wire
from hashbus_poller.safe_url import check_safe

NAME = "nicehash"


class NicehashOptions(DeviceOptions):
    """What a site's configuration says of a rig."""

    timeout_s: float = Field(20.0, gt=0, le=120, description="Longest wait for one answer of the cloud")
    base_url: str = Field("https://api2.nicehash.com", max_length=200, description="Address of the API")
    organization_id: str = Field(
        pattern=r"^[A-Za-z0-9-]{1,64}$", description="Of the account; stands beside its keys in the settings"
    )
    rig_id: str = Field(pattern=r"^[A-Za-z0-9_=-]{1,128}$", description="As the address of the rig's page shows it")
    api_key: SecretStr = Field(description="A key with the permissions of mining; best as api_key_file")
    api_secret: SecretStr = Field(description="What was shown once when the key was made; best as api_secret_file")

    @model_validator(mode="after")
    def _keeps_the_key_safe(self) -> Self:
        check_safe(self.base_url, like="https://api2.nicehash.com")
        return self


class Nicehash:
    """One rig, as the cloud of NiceHash shows it; an order goes out to the cloud and comes back to the site."""

    def __init__(self, options: NicehashOptions, wiring: Wiring) -> None:
        """Ask nothing yet."""
        key = Key(options.organization_id, options.api_key, options.api_secret)
        self._rig_id = options.rig_id
        self._wire = Wire(options.base_url.rstrip("/"), key, options.timeout_s, wiring)

    async def identify(self) -> MinerIdentity:
        """Ask who the rig is."""
        return parse.identity(await self._wire.ask(commands.rig(self._rig_id)))

    async def read(self) -> MinerReading:
        """Take one reading: one request."""
        return parse.reading(await self._wire.ask(commands.rig(self._rig_id)))

    async def sleep(self) -> None:
        """Stop all its devices."""
        parse.check_order(await self._wire.ask(commands.order(self._rig_id, "STOP")))

    async def wake(self) -> None:
        """Start all its devices."""
        parse.check_order(await self._wire.ask(commands.order(self._rig_id, "START")))

    async def close(self) -> None:
        """Give up nothing: each request is signed by itself."""


DRIVER = DriverSpec(
    name=NAME,
    kind=DeviceKind.MINER,
    title="Rigs of NiceHash, through its cloud",
    level=Level.SILVER,
    options=NicehashOptions,
    create=Nicehash,
    # The cloud itself hears from a rig about once a minute.
    min_interval_s=60.0,
)
