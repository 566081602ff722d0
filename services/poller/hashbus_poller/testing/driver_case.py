"""What the driver promises must know of one driver and of the device that stands in for the real one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from hashbus.messages import MinerIdentity, MinerReading
from hashbus_poller.drivers.contract import DeviceError, DriverSpec, Garbled, Refused, Unreachable, Wiring


class Fault(StrEnum):
    """One way in which a device misbehaves; the names are those of the simulator."""

    REFUSE = "refuse"  # nobody listens
    HANG = "hang"  # accepts, then stays silent
    CUT = "cut"  # hangs up in the middle of a reply
    TRICKLE = "trickle"  # sends one byte now and then
    SLOW = "slow"  # the right reply, later than the time limit
    GARBAGE = "garbage"  # random bytes in place of the reply
    NOT_JSON_TEXT = "not_json_text"  # a line of text in place of JSON
    MISSING_COMMA = "missing_comma"  # `}{` between array elements
    TRUNCATED = "truncated"  # the reply ends early, the connection ends cleanly
    OVERSIZED = "oversized"  # a reply of more than 1 MiB
    WRONG_PASSWORD = "wrong_password"  # no credentials are good enough  # noqa: S105


@dataclass(frozen=True)
class Harmless:
    """A fault that the protocol or the driver gets over: a reading comes, whole or marked as partial."""


HARMLESS = Harmless()

Ending = type[DeviceError] | Harmless
"""How a reading ends under a fault: in that very error, or with a reading all the same."""

ENDINGS: Mapping[Fault, Ending] = MappingProxyType(
    {
        Fault.REFUSE: Unreachable,
        Fault.HANG: Unreachable,
        Fault.CUT: Unreachable,
        Fault.TRICKLE: Unreachable,
        Fault.SLOW: Unreachable,
        Fault.GARBAGE: Garbled,
        Fault.NOT_JSON_TEXT: Garbled,
        Fault.MISSING_COMMA: Garbled,
        Fault.TRUNCATED: Garbled,
        Fault.OVERSIZED: Garbled,
        Fault.WRONG_PASSWORD: Refused,
    }
)
"""What is right for most protocols; a case names only where its own differs."""


class MemoryTape:
    """Keeps every question and answer in memory."""

    def __init__(self) -> None:
        """Start with nothing on it."""
        self.exchanges: list[tuple[str, bytes]] = []

    def keep(self, question: str, answer: bytes) -> None:
        """Remember one exchange."""
        self.exchanges.append((question, answer))


@dataclass(frozen=True, kw_only=True)
class DriverCase:
    """One driver, the device it is tried on, and what is special about the two.

    `options` are complete and right, as a site's configuration has them, passwords as plain text. `address`
    is an IP address that nothing else in the test connects to, best a 127.x.y.z of its own: open
    connections are counted there. `misbehave` puts a fault on the device, None takes it away. `lacks` names
    the faults that the stand-in cannot play or that mean nothing to it, such as a wrong password where
    there is none. `truth` tells what really happened to the device, for what no reading shows: `restarts`
    and `reboots` (how often so far), `blinking` (yes or no); what is not in it is not checked. `look_port`
    is where the stand-in listens when it cannot have the port of the real device. `power_w` and
    `frequency_mhz` are tried instead of values derived from the identity. `see_identity` and `see_reading`
    assert what this very device is expected to say.
    """

    spec: DriverSpec
    options: Mapping[str, object]
    address: str
    misbehave: Callable[[Fault | None], Awaitable[None]]
    lacks: frozenset[Fault] = frozenset()
    endings: Mapping[Fault, Ending] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    truth: Callable[[], Mapping[str, object]] = dict
    look_port: int | None = None
    power_w: float | None = None
    frequency_mhz: float | None = None
    see_identity: Callable[[MinerIdentity], None] | None = None
    see_reading: Callable[[MinerReading], None] | None = None

    def ending(self, fault: Fault) -> Ending:
        """Return how a reading has to end under that fault."""
        return self.endings.get(fault, ENDINGS[fault])

    def driver(self, wiring: Wiring, *, timeout_s: float) -> Any:
        """Make the driver as the poller does, with that time limit for each answer."""
        options = self.spec.options.model_validate({**self.options, "timeout_s": timeout_s})
        return self.spec.create(options, wiring)
