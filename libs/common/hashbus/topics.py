"""Where a message lives on the bus, who may write it there, and how long it is worth believing.

A `Topic` stands on its message class and nowhere else. `address()` builds a topic name and `matches()` takes one
apart, side by side, so that they cannot drift. The broker's access list, the AsyncAPI document and the reference
pages are made from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

BASE = "hashbus"
"""The first level of every topic; the second is the site."""

ID_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
"""Ids are topic levels, file names and Home Assistant object ids at once, so they use what all three allow."""

SERVICES = (
    "poller",
    "controller",
    "curtailer",
    "market",
    "notifier",
    "bridge",
    "recorder",
    "smarthome",
    "web",
    "supervisor",
)
"""Every process with an account on the bus. The simulator and the collector never speak MQTT."""

SERVICE_OF_SOURCE = {
    "cloud": "bridge",
    "cli": "supervisor",
    "homeassistant": "smarthome",
    "zigbee2mqtt": "smarthome",
    "telegram": "notifier",
    # What asks for a curtailment by itself: the curtailer's own triggers.
    "openadr": "curtailer",
    "peaks": "curtailer",
    "schedule": "curtailer",
    "signal": "curtailer",
    "strike": "curtailer",
}
"""Which service writes under a source name that is not its own name."""


class Keep(StrEnum):
    """What a service keeps while the broker is away: the last value of a topic, or every message."""

    LATEST = "latest"
    EVERY = "every"


def service_of_source(source: str) -> str:
    """Return the service that alone may write under `source`."""
    return SERVICE_OF_SOURCE.get(source, source)


def service_kind(account: str) -> str:
    """Return the kind of service behind an account: several pollers are `poller`, `poller-2`, `poller-3`."""
    kind, _, number = account.rpartition("-")
    return kind if kind and number.isdigit() else account


@dataclass(frozen=True)
class Topic:
    """One row of the topic table.

    `template` stands below `hashbus/{site}/`; its `{names}` are fields of the message. `writers` are the services
    that may write; with a `{source}` level, each of them only under its own sources. `stale_after` is the shelf life
    of a message; None means that the message says itself until when it holds.
    """

    template: str
    writers: tuple[str, ...]
    retain: bool
    qos: int = 1
    stale_after: timedelta | None = None
    keep: Keep = Keep.LATEST

    @cached_property
    def levels(self) -> tuple[str, ...]:
        """Names of the variable levels in order, `site` first."""
        return ("site", *re.findall(r"{(\w+)}", self.template))

    @cached_property
    def _parts(self) -> tuple[str, ...]:
        return (BASE, "{site}", *self.template.split("/"))

    @cached_property
    def _format(self) -> str:
        return "/".join(self._parts)

    def address(self, levels: Mapping[str, str]) -> str:
        """Build the topic name; KeyError when a level is missing."""
        return self._format.format_map(levels)

    def filter(self, **levels: str | None) -> str:
        """Build a subscription filter: a level that is not given matches anything."""
        return self._format.format_map({name: levels.get(name) or "+" for name in self.levels})

    def matches(self, address: str) -> dict[str, str] | None:
        """Take a topic name apart; None when it is not one of this row."""
        parts = address.split("/")
        if len(parts) != len(self._parts):
            return None
        found = {}
        for pattern, part in zip(self._parts, parts, strict=True):
            if pattern.startswith("{"):
                found[pattern[1:-1]] = part
            elif pattern != part:
                return None
        return found

    def may_write(self, account: str, levels: Mapping[str, str]) -> bool:
        """Say whether the service behind `account` may write this topic with these levels."""
        kind = service_kind(account)
        if "source" in levels and service_of_source(levels["source"]) != kind:
            return False
        if "service" in levels and levels["service"] != account:
            return False
        return kind in self.writers
