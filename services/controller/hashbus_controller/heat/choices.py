"""What people chose: a profile or a temperature, for the house or a zone, until it ends or somebody chooses anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from hashbus.messages import PolicyMemory, Profile, ProfileRequest, SwitchPoint, ZoneRequest, ZoneTargets
from hashbus_controller.heat.week import in_force

HOUSE = "house"
"""Where a choice for all zones is kept; a zone may be called so too, its choices are kept as `zone-...`."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A profile that somebody chose; None is back to the schedule."""

    at: datetime
    by: str
    profile: Profile | None
    target_c: float | None = None
    until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Say whether it has an end that has not come, or none."""
        return self.profile is not None and (self.until is None or now < self.until)


@dataclass(frozen=True, slots=True)
class Aim:
    """What a zone shall do now: the profile, whose it is, until when, and the temperature of the room."""

    profile: Profile
    by: str
    until: datetime | None
    room_c: float


Choices = Mapping[str, Choice]


def place_of(zone: str | None) -> str:
    """Return under which name the choice for a zone is kept; None is the house."""
    return HOUSE if zone is None else f"zone-{zone}"


def with_request(choices: Choices, request: ProfileRequest | ZoneRequest) -> Choices:
    """Return the choices with a new one; the very same ones when a newer one is known already."""
    place = place_of(request.zone)
    known = choices.get(place)
    if known is not None and known.at >= request.at:
        return choices
    target_c = request.target_c if isinstance(request, ZoneRequest) else None
    profile = None if request.is_cancelled else request.profile
    return {**choices, place: Choice(request.at, request.source, profile, target_c, request.until)}


def aim(
    zone: str,
    choices: Choices,
    *,
    targets: ZoneTargets,
    schedule: tuple[SwitchPoint, ...],
    otherwise: Profile,
    time_zone: ZoneInfo,
    now: datetime,
) -> Aim:
    """Return what a zone shall do: the newest choice for it or the house, else its schedule, else its profile."""
    newest = max((c for c in (choices.get(place_of(zone)), choices.get(HOUSE)) if c), key=lambda c: c.at, default=None)
    if newest is not None and newest.profile is not None and newest.holds(now):
        target_c = targets.of(newest.profile) if newest.target_c is None else newest.target_c
        return Aim(newest.profile, newest.by, newest.until, target_c)
    scheduled = in_force(schedule, now, time_zone)
    if scheduled is None:
        return Aim(otherwise, "site file", None, targets.of(otherwise))
    profile, until = scheduled
    return Aim(profile, "schedule", until, targets.of(profile))


def kept(choices: Choices) -> PolicyMemory:
    """Return the choices as the controller's memory keeps them."""
    return PolicyMemory(
        words={place: f"{one.profile.value if one.profile else '-'} {one.by}" for place, one in choices.items()},
        moments={f"{place}_at": one.at for place, one in choices.items()}
        | {f"{place}_until": one.until for place, one in choices.items() if one.until},
        numbers={f"{place}_target_c": one.target_c for place, one in choices.items() if one.target_c is not None},
    )


def recalled(memory: PolicyMemory) -> Choices:
    """Return the choices out of the controller's memory; what cannot be read is left out."""
    found = {}
    for place, words in memory.words.items():
        profile, _, by = words.partition(" ")
        at = memory.moments.get(f"{place}_at")
        if at is not None and by and (profile == "-" or profile in set(Profile)):
            found[place] = Choice(
                at,
                by,
                None if profile == "-" else Profile(profile),
                memory.numbers.get(f"{place}_target_c"),
                memory.moments.get(f"{place}_until"),
            )
    return found
