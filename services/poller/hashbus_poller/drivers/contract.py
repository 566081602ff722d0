"""What a device driver is: three methods, a capability more for each thing the device can do, five errors.

A driver fetches and parses; it never retries, schedules, stamps the time or knows what a topic is: those are the
poller's. To write one, copy `_blueprint/` and run the promises of `hashbus_poller.testing.driver_promises` against
it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar, runtime_checkable

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from hashbus.messages import (
    BatteryReading,
    Level,
    MeterReading,
    MinerIdentity,
    MinerReading,
    OrderParams,
    SensorReading,
)
from hashbus_poller.shared import Shared

if TYPE_CHECKING:
    import aiohttp

    from hashbus.clock import Clock
    from hashbus.settings import BrokerSettings

R_co = TypeVar("R_co", BatteryReading, MeterReading, SensorReading, covariant=True)


class DeviceError(Exception):
    """Something went wrong with a device; the message says what, in words for the operator, without secrets."""


class Unreachable(DeviceError):
    """No answer: refused, silent, cut off, or busy. Trying again may help."""

    def __init__(self, message: str, *, is_refused: bool = False) -> None:
        """`is_refused` is a clear no from the network (nothing listens there), known at once (S1.45)."""
        super().__init__(message)
        self.is_refused = is_refused


class Refused(DeviceError):
    """The device answered no: wrong password, no permission, write access off. Trying again will not help."""


class Garbled(DeviceError):
    """The answer cannot be understood; `payload` is kept so that it can become a fixture."""

    def __init__(self, message: str, payload: bytes = b"") -> None:
        """Keep the payload beside the message."""
        super().__init__(message)
        self.payload = payload


class Unsupported(DeviceError):
    """This firmware cannot do that."""


class Tape(Protocol):
    """Where a driver leaves every question and answer, unparsed: the raw ring, or a fixture being recorded."""

    def keep(self, question: str, answer: bytes) -> None:
        """Remember one exchange; `question` names it ("summary", "GET /api/system/info") and holds no secret."""
        ...


class MinerDriver(Protocol):
    """One miner on the wire."""

    async def identify(self) -> MinerIdentity:
        """Ask who the miner is and what can be done with it; DeviceError when it does not tell."""
        ...

    async def read(self) -> MinerReading:
        """Take one reading; DeviceError when none can be had."""
        ...

    async def close(self) -> None:
        """Give up connections and sessions."""
        ...


class ReadingDriver(Protocol[R_co]):
    """A battery, a meter, a probe, a plug: a device that is only read."""

    async def read(self) -> R_co:
        """Take one reading; DeviceError when none can be had."""
        ...

    async def close(self) -> None:
        """Give up connections and sessions."""
        ...


@runtime_checkable
class LimitsPower(Protocol):
    """Capability `power_limit`."""

    async def set_power_limit(self, power_w: float) -> None:
        """Draw at most `power_w` watts from now on. Setting what is already set costs nothing."""
        ...


@runtime_checkable
class SetsPowerPercent(Protocol):
    """Capability `power_percent`: quick modulation without a restart of mining."""

    async def set_power_percent(self, power_pct: float) -> None:
        """Draw `power_pct` per cent of the power limit; 100 ends the modulation."""
        ...


@runtime_checkable
class Sleeps(Protocol):
    """Capability `sleep`."""

    async def sleep(self) -> None:
        """Stop mining and draw next to nothing."""
        ...

    async def wake(self) -> None:
        """Mine again."""
        ...


@runtime_checkable
class RestartsMining(Protocol):
    """Capability `restart`."""

    async def restart_mining(self) -> None:
        """Restart the mining process, not the device."""
        ...


@runtime_checkable
class Reboots(Protocol):
    """Capability `reboot`."""

    async def reboot(self) -> None:
        """Restart the device."""
        ...


@runtime_checkable
class SetsFan(Protocol):
    """Capability `fan`."""

    async def set_fan(self, fan_pct: float | None) -> None:
        """Hold the fans at `fan_pct` per cent (0 to 100); None gives them back to the firmware."""
        ...


@runtime_checkable
class SetsFrequency(Protocol):
    """Capability `frequency`."""

    async def set_frequency(self, frequency_mhz: float) -> None:
        """Run the chips at `frequency_mhz`; Unsupported when the firmware has no such step."""
        ...


@runtime_checkable
class SwitchesPool(Protocol):
    """Capability `pool`."""

    async def set_pool(self, pool: OrderParams) -> None:
        """Mine for `pool.url` as `pool.worker`."""
        ...


@runtime_checkable
class Blinks(Protocol):
    """Capability `blink`."""

    async def blink(self, on: bool) -> None:
        """Blink so that a person finds it in the rack, or stop."""
        ...


class DeviceKind(StrEnum):
    """What a driver reads."""

    MINER = "miner"
    BATTERY = "battery"
    METER = "meter"
    SENSOR = "sensor"


class DeviceOptions(BaseModel):
    """What every device's configuration has; a driver adds its own fields in a subclass."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timeout_s: float = Field(5.0, gt=0, le=120, description="Longest wait for one whole answer")


def _address_or_name(host: str) -> str:
    """Refuse what only looks like an address: one with a port behind it, or 10.0.0.256."""
    if ":" in host or host.replace(".", "").isdecimal():
        ip_address(host)
    return host


Host = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?$"), AfterValidator(_address_or_name)
]
"""Where a device is in the network: an IP address or a host name."""


class HostOptions(DeviceOptions):
    """A device with an address."""

    host: Host = Field(description="IP address or host name, without a port or `http://`")


@dataclass(frozen=True)
class Wiring:
    """What the poller lends a driver: the clock, one HTTP client for all devices, and the tape.

    `shared` holds what several devices use together, such as the turn on a serial line; `broker` is the site's own.
    """

    clock: Clock
    http: Callable[[], aiohttp.ClientSession]
    tape: Tape
    shared: Shared = field(default_factory=Shared)
    broker: BrokerSettings | None = None


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """A device that answered a scan: enough to recognise it and to paste it into a configuration.

    `driver` is None when it was recognised and no driver speaks with it; the `note` says so.
    """

    driver: str | None
    kind: DeviceKind = DeviceKind.MINER
    host: str
    make: str | None = None
    model: str | None = None
    firmware: str | None = None
    mac: str | None = None
    hashrate_ths: float | None = None
    power_w: float | None = None
    options: dict[str, str | int | float | bool] = field(default_factory=dict)
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a driver recognises its devices in a scan: which open port is worth a question, and the question."""

    port: int
    ask: Callable[[str, int, Wiring], Awaitable[Sighting | None]]
    """Called with host, port and wiring when the port is open. None: not mine. DeviceError counts as not mine too."""
    order: int = 50
    """Among drivers that look at the same port, the smallest goes first: the specific before the general."""


@dataclass(frozen=True, kw_only=True)
class DriverSpec:
    """A driver as its entry point (group `hashbus.drivers`) gives it to the poller.

    `kind` is what it reads when its options do not say it: a generic driver has an option `kind`.
    """

    name: str
    kind: DeviceKind
    title: str
    level: Level
    options: type[DeviceOptions]
    create: Callable[[Any, Wiring], Any]
    """Makes the driver from validated options of the class `options`; opens nothing yet."""
    looks: tuple[Look, ...] = ()
    min_interval_s: float = 1.0
    """The device is harmed or angered by polling it more often."""

    def kind_of(self, options: object) -> DeviceKind:
        """Return what a device with these options is."""
        kind = getattr(options, "kind", None)
        return kind if isinstance(kind, DeviceKind) else self.kind
