"""What policies that decide but do not act would have done, beside those that act."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from hashbus.messages.base import Id, Message, Moment, Part, Text
from hashbus.topics import Keep, Topic
from hashbus.units import Count, WattHours, Watts


class ShadowMiner(Part):
    """What a policy set gives one miner, and why."""

    power_w: Watts
    reason: Text


class ShadowState(Message):
    """What a policy set would do now, and what it would have brought since `since`. `live` is the set that acts.

    All sets are counted alike, from the power that they give. Room temperatures and the battery's charge are those of
    the live set.
    """

    topic: ClassVar[Topic] = Topic("shadow/{shadow}/state", writers=("controller",), retain=True, keep=Keep.EVERY)

    shadow: Id
    since: Moment = Field(description="From when on it is counted")
    energy_wh: WattHours = Field(description="What the miners would have drawn")
    heat_wh: WattHours = Field(description="Of it in heated zones")
    sats: float = Field(ge=0, description="Mined, less what restarts lose; only while the network's state is known")
    short_kh: float = Field(ge=0, description="Kelvin-hours that the zones were below the target of this set")
    switches: Count = Field(description="Changes of power")
    counted_s: float = Field(0, ge=0, description="Time that was counted")
    power_w: Watts = Field(description="All miners together, now")
    miners: dict[Id, ShadowMiner] = Field({}, description="What it gives each of them, and why")
