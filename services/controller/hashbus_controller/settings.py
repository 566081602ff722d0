"""Settings of the controller: whom it rules, how patient it is, and which policies decide."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from hashbus.messages import Id
from hashbus.settings import Section, SiteSettings
from hashbus.units import Seconds, Watts
from hashbus_controller.calendar_settings import CalendarSettings
from hashbus_controller.heat.settings import HeatSettings
from hashbus_controller.policies.emergency import EmergencySettings
from hashbus_controller.policies.night import NightSettings
from hashbus_controller.policies.price import PriceSettings
from hashbus_controller.policies.safety import SafetySettings
from hashbus_controller.policies.schedule import ScheduleSettings
from hashbus_controller.policies.soc import SocSettings
from hashbus_controller.policies.sunset import SunsetSettings
from hashbus_controller.policies.surplus import SurplusSettings

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
"""Of a schedule or a night: it stands in the names of its bids."""


class MinerLimits(Section):
    """What one miner may never exceed, whatever anybody wishes."""

    max_power_w: Watts | None = None
    is_ruled: bool = Field(True, description="False: this controller never touches it")
    min_step_w: Watts | None = Field(None, description="Instead of the controller's")
    min_interval_s: Seconds | None = Field(None, description="Instead of the controller's")
    restarts_per_day: Annotated[int, Field(ge=0)] | None = Field(None, description="Instead of the controller's")


class GroupLimits(Section):
    """What the miners of a group may not exceed together."""

    max_power_w: Watts | None = None


class ControllerSection(Section):
    """The `controller:` section of the site file."""

    auto_control: Literal["remembered", "enabled", "disabled"] = Field(
        "remembered",
        description="How automatic control begins: as it was, at the very first start off (S2.8); or always on or off",
    )
    lease_s: Annotated[float, Field(ge=10, le=86_400)] = Field(
        300, description="How long a setpoint holds when this controller dies"
    )
    min_interval_s: Annotated[float, Field(ge=0, le=86_400)] = Field(
        120,
        description="Shortest time between two changes of a miner; less power for safety or grid never waits",
    )
    min_step_w: Watts = Field(50, description="A smaller change of a miner's power is not worth a restart of mining")
    restarts_per_day: Annotated[int, Field(ge=0)] = Field(
        24, description="Changes in 24 h that restart a miner; less power for battery, grid or safety is always given"
    )
    fast_power: bool = Field(
        False, description="Modulate tuned miners below their limit where the firmware can: at once, without a restart"
    )
    fast_interval_s: Annotated[float, Field(ge=1, le=86_400)] = Field(
        10, description="Shortest time between two such changes"
    )
    payback_s: Annotated[float, Field(ge=0, le=604_800)] = Field(
        3600, description="A change for heat or money must earn back within this time what its restart loses"
    )
    site_limit_w: Watts | None = Field(None, description="Most that all miners together may draw")
    safety: SafetySettings = SafetySettings()
    emergency: tuple[EmergencySettings, ...] = Field((), description="Sensors that stop miners before everybody else")
    soc: SocSettings | None = Field(None, description="Let the miners follow a battery; not given: they do not")
    heat: HeatSettings | None = Field(None, description="Let miners heat rooms and water; not given: they do not")
    sunset: SunsetSettings | None = Field(None, description="Mine on after sunset with enough in the battery of `soc`")
    surplus: SurplusSettings | None = Field(None, description="Let the miners take what the site would export")
    price: PriceSettings | None = Field(None, description="Stop the miners while power costs too much")
    schedules: dict[Name, ScheduleSettings] = Field({}, description="Hours of the week, calendars, cheapest hours")
    calendars: dict[Id, CalendarSettings] = Field({}, description="iCalendar files that schedules go by")
    nights: dict[Name, NightSettings] = Field({}, description="Quiet hours: lower power, slower fans")
    groups: dict[Id, GroupLimits] = Field({}, description="Limits of groups of miners")
    miners: dict[Id, MinerLimits] = Field({}, description="Limits of single miners")
    shadows: dict[Name, ControllerSection] = Field(
        {}, description="Further policy sets that decide beside this one and do not act; what they bring is counted"
    )


class ControllerSettings(SiteSettings):
    """What the controller reads of the site file."""

    controller: ControllerSection = ControllerSection()

    @model_validator(mode="after")
    def _has_what_its_policies_need(self) -> Self:
        section = self.controller
        for name, shadow in section.shadows.items():
            if name == "live" or shadow.shadows:
                raise ValueError(f"controller.shadows.{name}: live is the set that acts, and a shadow casts no shadow")
        if section.sunset and section.soc is None:
            raise ValueError("controller.sunset goes by the battery of controller.soc, which is not given")
        if section.sunset and section.sunset.needs_place and self.place is None:
            raise ValueError("controller.sunset goes by the sun of `place`, which is not given; or give times of day")
        for name, schedule in section.schedules.items():
            if schedule.calendar is not None and schedule.calendar not in section.calendars:
                raise ValueError(f"controller.schedules.{name}.calendar {schedule.calendar!r} is not in calendars")
        return self
