"""Settings of the controller: whom it rules, how patient it is, and which policies decide."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hashbus.messages import Id
from hashbus.settings import Section, SiteSettings
from hashbus.units import Seconds, Watts
from hashbus_controller.heat.settings import HeatSettings
from hashbus_controller.policies.safety import SafetySettings
from hashbus_controller.policies.soc import SocSettings


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
    lease_s: Annotated[float, Field(ge=30, le=86_400)] = Field(
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
    payback_s: Annotated[float, Field(ge=0, le=604_800)] = Field(
        3600, description="A change for heat or money must earn back within this time what its restart loses"
    )
    site_limit_w: Watts | None = Field(None, description="Most that all miners together may draw")
    safety: SafetySettings = SafetySettings()
    soc: SocSettings | None = Field(None, description="Let the miners follow a battery; not given: they do not")
    heat: HeatSettings | None = Field(None, description="Let miners heat rooms and water; not given: they do not")
    groups: dict[Id, GroupLimits] = Field({}, description="Limits of groups of miners")
    miners: dict[Id, MinerLimits] = Field({}, description="Limits of single miners")


class ControllerSettings(SiteSettings):
    """What the controller reads of the site file."""

    controller: ControllerSection = ControllerSection()
