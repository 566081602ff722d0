"""What rooms and heating water shall have, what they have, and what the miners give them."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from hashbus.messages.base import Id, Message, Moment, Part, Text, Word
from hashbus.messages.request import Profile
from hashbus.topics import Keep, Topic
from hashbus.units import Celsius, Count, Kelvins, Percent, Seconds, SignedWatts, WattHours, Watts, WindowOpen

_PEOPLE = ("web", "notifier", "smarthome", "supervisor")

TargetCelsius = Annotated[Celsius, Field(ge=0, le=95)]
"""What a room or heating water can be asked to have."""

LocalTime = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
"""A time of the day at the site, `06:30`."""


class ZoneControl(StrEnum):
    """What a zone holds: the air of a room, or the water that is sent to its radiators or its floor."""

    ROOM = "room"
    SUPPLY = "supply"


class ZoneActivity(StrEnum):
    """What a zone does now. `blind` has no temperature to go by, `paused` has an open window, `frost` protects."""

    HEATING = "heating"
    IDLE = "idle"
    PAUSED = "paused"
    FROST = "frost"
    BLIND = "blind"
    OFF = "off"


class Weekday(StrEnum):
    """A day of the week, as cron and calendars shorten it."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class SwitchPoint(Part):
    """From this time on, on these days, this profile."""

    days: tuple[Weekday, ...] = Field(min_length=1)
    local_time: LocalTime
    profile: Profile


class ZoneTargets(Part):
    """The temperature of each profile: of the room, in a zone with a heating curve as well."""

    comfort_c: TargetCelsius = 21
    eco_c: TargetCelsius = 18
    away_c: TargetCelsius = 15
    manual_c: TargetCelsius = 20
    antifreeze_c: TargetCelsius = Field(7, description="Below it the zone is heated whatever else is asked")

    @model_validator(mode="after")
    def _frost_is_the_lowest(self) -> Self:
        for name in ("comfort_c", "eco_c", "away_c", "manual_c"):
            if getattr(self, name) < self.antifreeze_c:
                raise ValueError(f"{name} {getattr(self, name):g} is below antifreeze_c {self.antifreeze_c:g}")
        return self

    def of(self, profile: Profile) -> float:
        """Return the target of a profile in °C."""
        target_c: float = getattr(self, f"{profile.value}_c")
        return target_c


class HeatingCurve(Part):
    """How warm the water must be for the weather: docs/explanation/heating.md gives the formula."""

    slope: float = Field(1.0, ge=0, le=5, description="Kelvin of water above the room for each kelvin of cold outside")
    shift_k: Kelvins = Field(0, ge=-20, le=30, description="Raises the whole curve")
    exponent: float = Field(1.3, ge=1, le=2, description="Of what gives off the heat: 1.3 radiators, 1.1 floors")
    room_influence: float = Field(0, ge=0, le=20, description="Kelvin of water for each kelvin that the room lacks")
    lowest_c: TargetCelsius = 20
    highest_c: TargetCelsius = 55

    @model_validator(mode="after")
    def _limits_leave_room(self) -> Self:
        if self.lowest_c > self.highest_c:
            raise ValueError(f"lowest_c {self.lowest_c:g} is above highest_c {self.highest_c:g}")
        return self


class HeatProgram(Message):
    """What a zone shall do by itself: temperatures, week and heating curve, as somebody changed them at run time.

    What is not given stays as the site file has it; the newest program of all sources counts.
    """

    topic: ClassVar[Topic] = Topic("zone/{zone}/program/{source}", writers=_PEOPLE, retain=True)

    zone: Id
    source: Id
    targets: ZoneTargets | None = None
    schedule: tuple[SwitchPoint, ...] | None = Field(None, max_length=200, description="Empty: no schedule")
    curve: HeatingCurve | None = None

    @model_validator(mode="after")
    def _switches_once_at_a_time(self) -> Self:
        twice_in(self.schedule or ())
        return self


def twice_in(schedule: tuple[SwitchPoint, ...]) -> None:
    """Refuse a week that switches to two profiles at the same moment; ValueError names it."""
    seen = set[tuple[Weekday, str]]()
    for point in schedule:
        for day in point.days:
            if (day, point.local_time) in seen:
                raise ValueError(f"the schedule switches twice on {day.value} at {point.local_time}")
            seen.add((day, point.local_time))


class ZoneRequest(Message):
    """Choose a profile or a temperature for one zone; without `until` it holds until the next choice.

    The newest of all sources counts, with it a ProfileRequest for the house. `is_cancelled` goes back to the schedule.
    """

    topic: ClassVar[Topic] = Topic("zone/{zone}/request/{source}", writers=_PEOPLE, retain=True)

    zone: Id
    source: Id
    profile: Profile = Profile.MANUAL
    target_c: TargetCelsius | None = Field(None, description="In place of the profile's own temperature")
    until: Moment | None = None
    is_cancelled: bool = False


class ZoneState(Message):
    """How warm a zone is, what it needs, what its miners give it, and what stands in the way."""

    topic: ClassVar[Topic] = Topic(
        "zone/{zone}/state", writers=("controller",), retain=True, stale_after=timedelta(minutes=5), keep=Keep.EVERY
    )

    zone: Id
    name: Word | None = None
    control: ZoneControl
    activity: ZoneActivity
    profile: Profile
    profile_by: Word = Field(description="Who chose it: `schedule`, or the source of a request")
    profile_until: Moment | None = Field(None, description="When it ends, or the schedule switches next")
    temperature_c: Celsius | None = Field(None, description="Of the room or the water, corrected; null: not known")
    target_c: Celsius | None = None
    room_c: Celsius | None = Field(None, description="Of the room, where the zone holds its water")
    room_target_c: Celsius | None = Field(None, description="What people want of the room")
    outdoor_c: Celsius | None = None
    input: Word | None = Field(None, description="Where the temperature is from")
    input_age_s: Seconds | None = None
    is_window_open: WindowOpen = False
    paused_until: Moment | None = None
    needed_w: Watts = Field(0, description="Heat that holds the target")
    wished_w: Watts = Field(0, description="What is asked of the miners now, in steps they can take")
    delivered_w: Watts | None = Field(None, description="Heat they give; null: no miner of the zone tells")
    loop_heat_w: Watts | None = Field(None, description="Measured in liquid loops: flow times warming")
    capacity_w: Watts = Field(0, description="Most heat that its miners can give under the caps of others")
    needed_wh: WattHours = 0
    delivered_wh: WattHours = 0
    needed_today_wh: WattHours = 0
    delivered_today_wh: WattHours = 0
    switches_today: Count = Field(0, description="Changes of power that the heating asked for since midnight")
    limited_by: Text | None = Field(None, description="What keeps the miners from giving what is needed")
    reason: Text
    miners: tuple[Id, ...] = ()
    asked_w: dict[Id, Watts] = Field({}, description="What is asked of each of them")
    targets: ZoneTargets = Field(ZoneTargets(), description="In force: from the newest program, else the site file")
    schedule: tuple[SwitchPoint, ...] = Field((), description="In force")
    curve: HeatingCurve | None = Field(None, description="In force; null: the zone holds its room")
    integral_w: SignedWatts = Field(
        0, description="What the regulator has learnt; after a restart it goes on from there"
    )
    debt_wh: float = Field(0, description="Heat that is owed to the zone (+) or was given too much (-)")
    today: Word = Field("", description="The day that the counters of today are of, at the site")


class HeatState(Message):
    """The heating of the whole house: the sum of its zones, the profile a person chose, the weather."""

    topic: ClassVar[Topic] = Topic(
        "heat/state", writers=("controller",), retain=True, stale_after=timedelta(minutes=5), keep=Keep.EVERY
    )

    profile: Profile | None = Field(None, description="Chosen for the house; null: each zone follows its schedule")
    profile_by: Word | None = None
    profile_until: Moment | None = None
    outdoor_c: Celsius | None = Field(None, description="Null: not known")
    outdoor_input: Word | None = None
    mean_outdoor_c: Celsius | None = Field(None, description="As the house feels it, hours later")
    zones: Count
    zones_blind: Count = 0
    needed_w: Watts = 0
    delivered_w: Watts | None = None
    needed_today_wh: WattHours = 0
    delivered_today_wh: WattHours = 0
    needed_wh: WattHours = 0
    delivered_wh: WattHours = 0
    completeness_pct: Percent = Field(100, description="Share of the zones' miners whose heat is known")
