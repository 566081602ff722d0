"""What a miner is told, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from hashbus.messages.base import Id, Message, Moment, Part, Text, Word
from hashbus.messages.miner import Capability
from hashbus.topics import Keep, Topic
from hashbus.units import Megahertz, OverdrivePercent, Watts


class PowerSetpoint(Message):
    """How much power a miner may draw until the lease ends; 0 puts it to sleep."""

    topic: ClassVar[Topic] = Topic("miner/{miner}/setpoint", writers=("controller",), retain=True)

    miner: Id
    power_w: Watts
    limit_w: Watts | None = Field(
        None, description="Reach the power as a part of this standing limit, by fast modulation without a restart"
    )
    valid_until: Moment
    reason: Text
    decision: Id | None = Field(None, description="Id of the Decision that explains it")


class SetpointStatus(StrEnum):
    """What became of a setpoint."""

    CONFIRMED = "confirmed"
    SENT = "sent"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    UNSUPPORTED = "unsupported"
    LAPSED = "lapsed"


class SetpointResult(Message):
    """What the poller asked of the miner, what the miner took, and whether reading back confirmed it."""

    topic: ClassVar[Topic] = Topic("miner/{miner}/setpoint/result", writers=("poller",), retain=True)

    miner: Id
    status: SetpointStatus
    asked_w: Watts
    taken_w: Watts | None = Field(None, description="The nearest power the miner can do at or below what was asked")
    confirmed_at: Moment | None = None
    decision: Id | None = None
    message: Text | None = None


class Command(StrEnum):
    """What a person may order of a miner (S1.20 to S1.26, and blink to find it in a rack)."""

    ENABLE = "enable"
    DISABLE = "disable"
    RESTART = "restart"
    REBOOT = "reboot"
    SET_POOL = "set_pool"
    SET_FAN = "set_fan"
    SET_FREQUENCY = "set_frequency"
    BLINK = "blink"


NEEDS: Mapping[Command, Capability] = {
    Command.ENABLE: Capability.SLEEP,
    Command.DISABLE: Capability.SLEEP,
    Command.RESTART: Capability.RESTART,
    Command.REBOOT: Capability.REBOOT,
    Command.SET_POOL: Capability.POOL,
    Command.SET_FAN: Capability.FAN,
    Command.SET_FREQUENCY: Capability.FREQUENCY,
    Command.BLINK: Capability.BLINK,
}
"""What a miner must be able to do for each command."""


class OrderParams(Part):
    """The arguments of an order; each command uses its own few."""

    url: Word | None = Field(None, description="set_pool: stratum address")
    worker: Word | None = Field(None, description="set_pool: worker name")
    password: Word | None = Field(None, description="set_pool: worker password, by custom `x`", repr=False)
    fan_pct: Annotated[OverdrivePercent, Field(le=100)] | None = Field(None, description="set_fan; null is automatic")
    frequency_mhz: Megahertz | None = Field(None, description="set_frequency")
    blink: bool = Field(True, description="blink: on or off")


class DeviceOrder(Message):
    """One order to one miner, carried out at most once and not after `expires_at`. Orders are never retained."""

    topic: ClassVar[Topic] = Topic(
        "miner/{miner}/order/{source}",
        writers=("web", "notifier", "bridge", "smarthome", "supervisor", "controller"),
        retain=False,
        keep=Keep.EVERY,
    )

    miner: Id
    source: Id
    id: Id
    command: Command
    params: OrderParams = OrderParams()
    expires_at: Moment


class OrderStatus(StrEnum):
    """How an order ended."""

    DONE = "done"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"
    EXPIRED = "expired"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class OrderResult(Message):
    """How an order ended. `unknown` means that the poller died in the middle and the miner does not tell."""

    topic: ClassVar[Topic] = Topic("miner/{miner}/result/{asker}", writers=("poller",), retain=False, keep=Keep.EVERY)

    miner: Id
    asker: Id = Field(description="The source of the order")
    id: Id
    command: Command
    status: OrderStatus
    code: Word
    message: Text
