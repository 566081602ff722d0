"""Which pollers are there, and since when each device is this poller's: pure, from one heartbeat after the other.

A member is there while its heartbeats come; its last will takes it out at once. A poller that does not hear its own
heartbeat is not there either: then nobody else hears it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from hashbus_poller.sharding import owner_of


@dataclass(frozen=True, slots=True)
class Roster:
    """When each poller of the site was heard last, in seconds of this machine's steady clock."""

    heard_s: Mapping[str, float] = field(default_factory=dict)

    def with_beat(self, member: str, now_s: float) -> Roster:
        """Note a heartbeat."""
        return Roster({**self.heard_s, member: now_s})

    def without(self, member: str) -> Roster:
        """Take out a member whose last will has come, or that said goodbye."""
        return Roster({name: heard_s for name, heard_s in self.heard_s.items() if name != member})

    def excused(self, now_s: float) -> Roster:
        """Give everybody a new lease: while there was no broker, nobody could be heard."""
        return Roster(dict.fromkeys(self.heard_s, now_s))

    def members(self, now_s: float, lease_s: float) -> frozenset[str]:
        """Return who is there: whose last heartbeat is no older than a lease."""
        return frozenset(name for name, heard_s in self.heard_s.items() if now_s - heard_s <= lease_s)


@dataclass(frozen=True, slots=True)
class Claims:
    """The devices that are this poller's, each since when."""

    since_s: Mapping[str, float] = field(default_factory=dict)

    def among(self, members: Collection[str], me: str, devices: Mapping[str, str | None], now_s: float) -> Claims:
        """Return the claims with these members there; what stays this poller's keeps its beginning.

        `devices` are all of the site, each with the poller to which its owner has bound it, or None. Nothing is claimed
        by who is not a member.
        """
        if me not in members:
            return replace(self, since_s={})
        mine = (device for device, bound_to in devices.items() if (bound_to or owner_of(device, members)) == me)
        return Claims({device: self.since_s.get(device, now_s) for device in mine})

    def due(self, now_s: float, handover_s: float) -> frozenset[str]:
        """Return the devices that may be read: theirs before has had the time to let go of them."""
        return frozenset(device for device, since_s in self.since_s.items() if now_s - since_s >= handover_s)
