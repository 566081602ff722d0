"""A zone with what was last said of it: news at once, figures that only drift now and then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hashbus.messages import SwitchPoint, ZoneState
from hashbus_controller.bids import Bid
from hashbus_controller.heat import telling
from hashbus_controller.heat.zone import Facts, Zone
from hashbus_controller.policy import SiteView

TOLD = timedelta(seconds=30)
"""So often figures that only drift are told anew, and bids are made again."""

EXPLAINED = timedelta(minutes=5)
"""So often the reason of a bid that asks for the same takes new figures: each new reason is a new decision."""


@dataclass(frozen=True, slots=True)
class Room:
    """A zone, its last state on the bus, and its bids."""

    zone: Zone = field(default_factory=Zone)
    state: ZoneState | None = None
    bids: tuple[Bid, ...] = ()
    stands: tuple[object, ...] = ()
    """What is told at once when it changes."""
    explained_at: datetime | None = None


def told(room: Room, zone: Zone, facts: Facts, schedule: Sequence[SwitchPoint], site: SiteView) -> Room:
    """Return the room with the zone as it is now, and with new words where they are due."""
    stands = _stands(zone, facts)
    is_news = stands != room.stands
    if room.state is not None and not is_news and facts.now - room.state.at < TOLD:
        return replace(room, zone=zone)
    state = telling.state(facts, zone, site, schedule)
    asked = telling.bids(zone, facts)
    is_explained = room.explained_at is not None and facts.now - room.explained_at < EXPLAINED
    if is_explained and [_asks(bid) for bid in asked] == [_asks(bid) for bid in room.bids]:
        asked = tuple(replace(new, why=old.why) for new, old in zip(asked, room.bids, strict=True))
        return Room(zone, state, asked, stands, room.explained_at)
    return Room(zone, state, asked, stands, facts.now)


def _stands(zone: Zone, facts: Facts) -> tuple[object, ...]:
    found = facts.found
    return (
        zone.activity,
        facts.aim,
        facts.targets,
        facts.curve,
        facts.contact,
        facts.is_enabled,
        found.key if found else None,
        zone.pause,
        zone.is_too_warm,
        dict(zone.stages.asked_w),
        dict(zone.frost.floors_w),
    )


def _asks(bid: Bid) -> tuple[object, ...]:
    return bid.key, bid.rank, bid.cap_w, bid.floor_w, bid.wish_w
