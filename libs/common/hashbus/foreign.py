"""Topics that are no messages of ours: what a smart home says and hears on the same broker, and who may.

Home Assistant looks for devices below `homeassistant/`, Zigbee2MQTT speaks below `zigbee2mqtt/`. Plain commands, such
as `2000` or `OFF`, have topics of ours, because a smart home writes no JSON. Another prefix is a matter of the site's
own access list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hashbus.topics import BASE, ID_PATTERN, service_kind

HOME_ASSISTANT = "homeassistant"
"""Where Home Assistant looks for devices when nobody says otherwise."""

ZIGBEE2MQTT = "zigbee2mqtt"
"""Where Zigbee2MQTT speaks when nobody says otherwise."""

GRID = "grid"
"""Where somebody else's dispatch and price signals come in on a site's own broker."""

_COMMAND = ("smarthome", "set")
_ID = re.compile(ID_PATTERN)


@dataclass(frozen=True, slots=True)
class PlainCommand:
    """Where a smart home says what it wants of a device of ours: the payload is a bare number or word.

    `hashbus/home/smarthome/miner/attic/power_limit/set`
    """

    site: str
    kind: str
    device: str
    control: str

    @property
    def address(self) -> str:
        """Return the full topic name."""
        levels = (_COMMAND[0], self.kind, self.device, self.control, _COMMAND[1])
        return "/".join((BASE, self.site, *levels))

    @classmethod
    def filter(cls, site: str) -> str:
        """Return the subscription that brings all commands of a site."""
        return cls(site, "+", "+", "+").address

    @classmethod
    def read(cls, address: str) -> PlainCommand | None:
        """Take a topic name apart; None when it is no command, or names what no device can be called."""
        levels = address.split("/")
        if len(levels) != 7 or levels[0] != BASE or (levels[2], levels[6]) != _COMMAND:
            return None
        if not all(_ID.match(level) for level in (levels[1], *levels[3:6])):
            return None
        return cls(levels[1], *levels[3:6])


@dataclass(frozen=True, slots=True)
class Rights:
    """The filters that an account may read and write beside the messages of the bus."""

    reads: tuple[str, ...]
    writes: tuple[str, ...]


OF_SERVICES: Mapping[str, Rights] = MappingProxyType(
    {
        "smarthome": Rights(
            reads=(f"{HOME_ASSISTANT}/#", f"{ZIGBEE2MQTT}/#"),
            writes=(f"{HOME_ASSISTANT}/device/+/+/config",),
        ),
        "curtailer": Rights(reads=(f"{GRID}/#",), writes=()),
    }
)
"""What a service of ours may do on topics that are not its own."""

OF_GUESTS: Mapping[str, Rights] = MappingProxyType(
    {
        "homeassistant": Rights(
            reads=(f"{BASE}/#", f"{HOME_ASSISTANT}/#", f"{ZIGBEE2MQTT}/#"),
            writes=(PlainCommand.filter("+"), f"{HOME_ASSISTANT}/status", f"{ZIGBEE2MQTT}/#"),
        ),
        "zigbee2mqtt": Rights(
            reads=(f"{ZIGBEE2MQTT}/#", f"{HOME_ASSISTANT}/#"),
            writes=(f"{ZIGBEE2MQTT}/#", f"{HOME_ASSISTANT}/#"),
        ),
        "grid": Rights(reads=(f"{BASE}/+/curtailment/#", f"{GRID}/#"), writes=(f"{GRID}/#",)),
    }
)
"""Programs of others that may have an account on a site's broker; without a password nobody comes in under the name."""


def rights_of(account: str) -> Rights:
    """Return what an account may do beside the messages of the bus."""
    return OF_GUESTS.get(account) or OF_SERVICES.get(service_kind(account)) or Rights((), ())


def covers(allowed: str, wanted: str) -> bool:
    """Say whether a filter lets through all of another filter or topic."""
    ours, theirs = allowed.split("/"), wanted.split("/")
    for place, level in enumerate(ours):
        if level == "#":
            return True
        if place >= len(theirs) or theirs[place] == "#" or (level not in ("+", theirs[place])):
            return False
    return len(ours) == len(theirs)


def may_write(account: str, address: str) -> bool:
    """Say whether an account may write a topic that is no message of ours."""
    return any(covers(allowed, address) for allowed in rights_of(account).writes)


def may_read(account: str, wanted: str) -> bool:
    """Say whether an account may subscribe to a filter beside the bus."""
    return any(covers(allowed, wanted) for allowed in rights_of(account).reads)
