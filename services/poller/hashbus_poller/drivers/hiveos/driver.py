"""A worker that Hive OS manages: commands, parse and the poller's HTTP client put together."""

from __future__ import annotations

from typing import Self

from pydantic import Field, SecretStr, model_validator

from hashbus.messages import Level, MinerIdentity, MinerReading
from hashbus_poller.drivers.contract import DeviceKind, DeviceOptions, DriverSpec, Wiring
from hashbus_poller.drivers.hiveos import commands, parse
from hashbus_poller.drivers.hiveos.identity import identity
from hashbus_poller.drivers.hiveos.wire import Wire
from hashbus_poller.safe_url import check_safe

NAME = "hiveos"


class HiveosOptions(DeviceOptions):
    """What a site's configuration says of a worker."""

    timeout_s: float = Field(20.0, gt=0, le=120, description="Longest wait for one answer of the cloud")
    base_url: str = Field("https://api2.hiveos.farm/api/v2", max_length=200, description="Address of the Hive API")
    farm_id: int = Field(gt=0, description="Number of the farm, as the address of its page shows it")
    worker_id: int = Field(gt=0, description="Number of the worker, as the address of its page shows it")
    token: SecretStr = Field(description="Personal token of the account; best as token_file")

    @model_validator(mode="after")
    def _keeps_the_token_safe(self) -> Self:
        check_safe(self.base_url, like="https://api2.hiveos.farm/api/v2")
        return self


class Hiveos:
    """One worker, as the cloud of Hive OS shows it; an order goes out to the cloud and comes back to the site."""

    def __init__(self, options: HiveosOptions, wiring: Wiring) -> None:
        """Ask nothing yet."""
        root = f"{options.base_url.rstrip('/')}/farms/{options.farm_id}/workers/{options.worker_id}"
        self._wire = Wire(root, options.token, options.timeout_s, wiring)

    async def identify(self) -> MinerIdentity:
        """Ask who the worker is."""
        return identity(await self._wire.ask(commands.WORKER))

    async def read(self) -> MinerReading:
        """Take one reading: one request."""
        return parse.reading(await self._wire.ask(commands.WORKER))

    async def sleep(self) -> None:
        """Stop its miner."""
        await self._wire.ask(commands.STOP)

    async def wake(self) -> None:
        """Start its miner."""
        await self._wire.ask(commands.START)

    async def restart_mining(self) -> None:
        """Restart its miner."""
        await self._wire.ask(commands.RESTART)

    async def reboot(self) -> None:
        """Reboot the worker."""
        await self._wire.ask(commands.REBOOT)

    async def close(self) -> None:
        """Give up nothing: the token is the session."""


DRIVER = DriverSpec(
    name=NAME,
    kind=DeviceKind.MINER,
    title="Workers of Hive OS, through its cloud",
    level=Level.SILVER,
    options=HiveosOptions,
    create=Hiveos,
    # Workers tell the cloud of themselves every ten seconds or so, and an account is not to be asked without end.
    min_interval_s=30.0,
)
