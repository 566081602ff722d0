"""The profiles of LuxOS as power levels: a frequency with its voltage, and the watts that go with it; pure.

Profiles above the factory's are overclocking. They are the owner's choice and not a controller's: none is offered above
the default one, or above the one that the owner has set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hashbus.messages import PowerLevel
from hashbus_poller.drivers.cgminer.answer import Answer, Section

DEFAULT_STEP = 0.0
DEFAULT_NAME = "default"


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile; `step` counts from the factory's, None where this version does not count."""

    name: str
    power_w: float
    frequency_mhz: float | None
    rate_ths: float | None
    step: float | None

    @property
    def is_default(self) -> bool:
        """Whether it is the factory's."""
        return self.step == DEFAULT_STEP or self.name == DEFAULT_NAME

    def as_message(self) -> PowerLevel:
        """Return it as the identity has it."""
        return PowerLevel(name=self.name, power_w=self.power_w)


def profiles_of(answer: Answer) -> tuple[Profile, ...]:
    """Return all profiles, from the least to the most power; one without a name or watts is none."""
    rows = answer.require_success().sections("PROFILES")
    found = [profile for row in rows if (profile := _profile(row)) is not None]
    return tuple(sorted(found, key=lambda profile: profile.power_w))


def offered(profiles: Sequence[Profile], current: str | None) -> tuple[Profile, ...]:
    """Return what may be chosen; of two that draw the same, the faster one."""
    marks = [profile.power_w for profile in profiles if profile.is_default or profile.name == current]
    ceiling_w = max(marks, default=float("inf"))
    by_power = {profile.power_w: profile for profile in sorted(profiles, key=_pace) if profile.power_w <= ceiling_w}
    return tuple(by_power[power_w] for power_w in sorted(by_power))


def profile_within(levels: Sequence[Profile], power_w: float) -> Profile | None:
    """Return the profile that draws the most within `power_w`; None when even the lowest draws more."""
    fitting = [profile for profile in levels if profile.power_w <= power_w]
    return fitting[-1] if fitting else None


def profile_at(levels: Sequence[Profile], frequency_mhz: float) -> Profile | None:
    """Return the profile of that frequency."""
    return next((profile for profile in levels if profile.frequency_mhz == frequency_mhz), None)


def named(profiles: Sequence[Profile], name: str | None) -> Profile | None:
    """Return the profile of that name."""
    return next((profile for profile in profiles if profile.name == name), None)


def _pace(profile: Profile) -> float:
    return profile.frequency_mhz or 0.0


def _profile(row: Section) -> Profile | None:
    name, power_w = row.text("Profile Name"), row.number("Watts")
    if name is None or not power_w or power_w < 0:
        return None
    return Profile(name, power_w, row.number("Frequency") or None, row.number("Hashrate"), row.number("Step"))
