"""What the processes say of themselves, and what people must know."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from hashbus.messages.base import CONTRACT_VERSION, Id, Message, Moment, Text, Word
from hashbus.messages.miner import AvailabilityState
from hashbus.topics import SERVICES, Keep, Topic
from hashbus.units import Count, Seconds


class ServiceStatus(Message):
    """A process is there, or its last will says that it is not."""

    topic: ClassVar[Topic] = Topic("service/{service}/status", writers=SERVICES, retain=True)

    service: Id
    state: AvailabilityState
    version: Word
    contract: Count = CONTRACT_VERSION
    started_at: Moment
    host: Word | None = None
    problems: tuple[Text, ...] = Field((), description="What does not work right now, in words")


class PollerBeat(Message):
    """A poller that shares the devices with others says that it is there; after a lease of silence it is not."""

    topic: ClassVar[Topic] = Topic("service/{service}/beat", writers=("poller",), retain=False)

    service: Id
    lease_s: Seconds
    devices: Count = Field(0, description="How many it reads now")


class Severity(StrEnum):
    """How much an alert matters."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Alert(Message):
    """Something a person should know; it stays until it is cleared."""

    topic: ClassVar[Topic] = Topic("alert/{key}", writers=("notifier",), retain=True, keep=Keep.EVERY)

    key: Id
    severity: Severity
    title: Text
    text: Text = ""
    since: Moment
    cleared_at: Moment | None = None
    count: Count = 1


class AlertAck(Message):
    """A person has seen an alert and wants to hear no more of it; a new one of the same kind is another matter."""

    topic: ClassVar[Topic] = Topic(
        "alert/{key}/ack/{source}", writers=("web", "notifier", "smarthome", "supervisor"), retain=True
    )

    key: Id
    source: Id
    since: Moment = Field(description="`since` of the alert that is meant")
    by: Word = Field("", description="Who has seen it")
