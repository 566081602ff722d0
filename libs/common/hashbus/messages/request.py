"""What people and services wish: bids for power, profiles, curtailment."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Self

from pydantic import Field, model_validator

from hashbus.messages.base import Id, Message, Moment, Text
from hashbus.topics import Keep, Topic
from hashbus.units import Percent, Seconds, Watts

ASKERS = ("web", "notifier", "bridge", "smarthome", "supervisor", "market")


class Rank(StrEnum):
    """Who gives way to whom, the strongest first. A bid may only narrow what the ranks above it left."""

    SAFETY = "safety"
    ANTIFREEZE = "antifreeze"
    GRID = "grid"
    SITE_LIMIT = "site_limit"
    OVERRIDE = "override"
    CLOUD = "cloud"
    BATTERY = "battery"
    HEAT = "heat"
    ECONOMICS = "economics"


class PowerRequest(Message):
    """A bid for power: a cap, a floor or a wish for a miner, a group or the site, until it ends."""

    topic: ClassVar[Topic] = Topic(
        "request/{source}/{scope}/{name}", writers=(*ASKERS, "curtailer", "controller"), retain=True
    )

    source: Id
    scope: Id = Field(description="A miner, a group, or `site`")
    name: Id
    rank: Rank
    cap_w: Watts | None = None
    floor_w: Watts | None = None
    wish_w: Watts | None = None
    until: Moment
    why: Text

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if self.cap_w is None and self.floor_w is None and self.wish_w is None:
            raise ValueError("a power request needs cap_w, floor_w or wish_w")
        if self.cap_w is not None and self.floor_w is not None and self.floor_w > self.cap_w:
            raise ValueError(f"floor_w {self.floor_w:g} is above cap_w {self.cap_w:g}")
        return self


class Profile(StrEnum):
    """How the house wants to live (S4.31, S4.50)."""

    COMFORT = "comfort"
    ECO = "eco"
    AWAY = "away"
    MANUAL = "manual"
    ANTIFREEZE = "antifreeze"


class ProfileRequest(Message):
    """Choose a profile, for the house or one zone; without `until` it holds until the next choice."""

    topic: ClassVar[Topic] = Topic(
        "profile/{source}", writers=("web", "notifier", "smarthome", "supervisor"), retain=True
    )

    source: Id
    profile: Profile
    zone: Id | None = None
    until: Moment | None = None
    is_cancelled: bool = Field(False, description="The choice is over: back to each zone's schedule")


class ControlRequest(Message):
    """Switch automatic control on or off (S2.8); with `until` the opposite holds from then on.

    The newest of all sources counts. Off, only safety, frost protection, the grid, limits, people and the cloud decide.
    """

    topic: ClassVar[Topic] = Topic(
        "control/request/{source}", writers=("web", "notifier", "bridge", "smarthome", "supervisor"), retain=True
    )

    source: Id
    is_enabled: bool
    until: Moment | None = None
    why: Text = ""


class CurtailmentRequest(Message):
    """Ask the site to give up power: `target_w` watts, or down to `level_pct` of what it draws, or to `limit_w`."""

    topic: ClassVar[Topic] = Topic(
        "curtailment/request/{source}", writers=(*ASKERS, "curtailer"), retain=True, keep=Keep.EVERY
    )

    source: Id
    id: Id
    target_w: Watts | None = None
    level_pct: Percent | None = None
    limit_w: Watts | None = Field(None, description="Most that the miners together may still draw")
    starts_at: Moment
    ends_at: Moment
    strategy: Id = "performance_priority"
    ramp_s: Seconds = 0
    groups: tuple[Id, ...] = Field((), description="Only miners of these groups give up power; empty: all")
    is_cancelled: bool = False
    why: Text

    @model_validator(mode="after")
    def _is_one_target_in_time(self) -> Self:
        if [self.target_w, self.level_pct, self.limit_w].count(None) != 2:
            raise ValueError("a curtailment request needs one of target_w, level_pct and limit_w")
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        return self
