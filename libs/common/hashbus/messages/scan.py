"""Looking for devices on the site's network: who asks for it, how far it is, what was found."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from hashbus.messages.base import Id, Message, Moment, Part, Text, Word
from hashbus.topics import Keep, Topic
from hashbus.units import Count, TerahashPerSecond, Watts


class ScanStatus(StrEnum):
    """How far a scan is. `rejected` was never begun, `failed` ended in the middle."""

    RUNNING = "running"
    DONE = "done"
    REJECTED = "rejected"
    FAILED = "failed"


class FoundDevice(Part):
    """One device as a scan saw it; nothing was changed and no password was tried."""

    host: Word
    driver: Word | None = Field(None, description="Who can speak with it; null: no driver knows it")
    make: Word | None = None
    model: Word | None = None
    firmware: Word | None = None
    mac: Word | None = None
    hashrate_ths: TerahashPerSecond | None = None
    power_w: Watts | None = None
    note: Text | None = None
    configured_as: Id | None = Field(None, description="Its id at this site; null: it is new")


class ScanRequest(Message):
    """Look who is on the network. No password is tried and nothing is changed. Requests are never retained."""

    topic: ClassVar[Topic] = Topic(
        "scan/request/{source}", writers=("web", "notifier", "supervisor"), retain=False, keep=Keep.EVERY
    )

    source: Id
    id: Id
    networks: tuple[Word, ...] = Field(
        (), max_length=16, description="192.168.1.0/24, 192.168.1.10-40 or 192.168.1.7; empty: the poller's own"
    )
    expires_at: Moment


class ScanResult(Message):
    """How far a scan is and what it has found; the last one stays to be read."""

    topic: ClassVar[Topic] = Topic("scan/result/{asker}", writers=("poller",), retain=True)

    asker: Id = Field(description="The source of the request")
    id: Id
    status: ScanStatus
    networks: tuple[Word, ...] = ()
    visited: Count = Field(0, description="Addresses that were looked at")
    total: Count = 0
    answering: Count = Field(0, description="Addresses where somebody is")
    strangers: Count = Field(0, description="Open doors behind which no driver knows anybody")
    found: tuple[FoundDevice, ...] = ()
    configuration: str = Field("", max_length=200_000, description="What to write into the site file for the new ones")
    message: Text = ""
