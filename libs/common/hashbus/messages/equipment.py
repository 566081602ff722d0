"""What batteries, inverters, meters, boilers, pumps and plugs are told, and what came of it."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Self

from pydantic import Field, model_validator

from hashbus.messages.base import Id, Message, Moment, Part, Text, Word
from hashbus.messages.miner import Level
from hashbus.messages.order import OrderStatus
from hashbus.topics import Keep, Topic
from hashbus.units import Seconds

SettingValue = float | bool | Word
"""What a setting can be set to: a number in its unit, on or off, one of its words."""


class EquipmentKind(StrEnum):
    """What a device is that is no miner."""

    BATTERY = "battery"
    METER = "meter"
    SENSOR = "sensor"


class EquipmentCommand(StrEnum):
    """What may be ordered of equipment."""

    SET = "set"
    REFRESH_SESSION = "refresh_session"


class Setting(Part):
    """One thing of a device that an order can set: a number within bounds, a switch, or one of some words."""

    name: Id = Field(description="As an order names it; a number's name ends in its unit, as `target_c`")
    title: Word
    unit: Word | None = Field(None, description="Of a number: as it is written after the figure")
    lowest: float | None = Field(None, description="Of a number: the least that is taken")
    highest: float | None = Field(None, description="Of a number: the most that is taken")
    step: float | None = Field(None, description="Of a number: the finest that the device keeps apart")
    words: tuple[Word, ...] = Field((), description="What it can be; empty for a number and for a switch")
    shown_by: Word | None = Field(None, description="The field of its telemetry that shows it, where one does")
    lapses_after_s: Seconds | None = Field(
        None, description="The device itself forgets it after so long, unless it is ordered again"
    )
    min_interval_s: Seconds = Field(0, description="Shortest time between two changes: a device's memory wears out")

    @property
    def is_switch(self) -> bool:
        """Say whether it is on or off."""
        return not self.words and self.lowest is None


class EquipmentInfo(Message):
    """What can be ordered of a device that is no miner. Pages and bots show only what is listed."""

    topic: ClassVar[Topic] = Topic("equipment/{equipment}/info", writers=("poller",), retain=True)

    equipment: Id = Field(description="Its id, which is also that of its telemetry")
    kind: EquipmentKind
    driver: Word
    level: Level
    title: Word | None = Field(None, description="What it is, as its template says")
    host: Word | None = Field(None, description="Address on the site's network; it stays on the site")
    group: Id | None = None
    commands: tuple[EquipmentCommand, ...] = ()
    settings: tuple[Setting, ...] = ()


class EquipmentOrder(Message):
    """One order to a battery, inverter, boiler, pump or plug, carried out at most once and not after `expires_at`."""

    topic: ClassVar[Topic] = Topic(
        "equipment/{equipment}/order/{source}",
        writers=("web", "notifier", "bridge", "smarthome", "supervisor", "controller"),
        retain=False,
        keep=Keep.EVERY,
    )

    equipment: Id
    source: Id
    id: Id
    command: EquipmentCommand
    setting: Id | None = Field(None, description="set: which of its settings")
    value: SettingValue | None = Field(None, description="set: a number in the setting's unit, true or false, a word")
    expires_at: Moment

    @model_validator(mode="after")
    def _says_what_to_set(self) -> Self:
        if self.command is EquipmentCommand.SET and (self.setting is None or self.value is None):
            raise ValueError("set needs `setting` and `value`")
        return self


class EquipmentResult(Message):
    """How an order to equipment ended, and what the device shows of the setting since."""

    topic: ClassVar[Topic] = Topic(
        "equipment/{equipment}/result/{asker}", writers=("poller",), retain=False, keep=Keep.EVERY
    )

    equipment: Id
    asker: Id = Field(description="The source of the order")
    id: Id
    command: EquipmentCommand
    setting: Id | None = None
    asked: SettingValue | None = None
    value: SettingValue | None = Field(None, description="As read back from the device")
    status: OrderStatus
    code: Word
    message: Text
