"""Settings of the curtailer: whom it never touches, how exact and how patient it is, whose word counts."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from hashbus.messages import Id
from hashbus.settings import Section, SiteSettings
from hashbus.units import PricePerKwh, Watts
from hashbus_curtailer.settlement.settings import SettlementSection
from hashbus_curtailer.triggers.settings import Triggers

Hold = Annotated[float, Field(ge=0, le=86_400)]


class ConfirmBy(StrEnum):
    """What shows that a plan is delivered."""

    TELEMETRY = "telemetry"
    METER = "meter"


class SparedZones(StrEnum):
    """Of which zones of the heating the miners are left alone."""

    NONE = "none"
    FROST = "frost"
    HEATING = "heating"


class CurtailerSection(Section):
    """The `curtailer:` section of the site file."""

    protected: tuple[Id, ...] = Field((), description="Miners and groups that no plan touches")
    heat_duty: tuple[Id, ...] = Field((), description="Miners and groups whose warmth is needed; no plan touches them")
    spare_zones: SparedZones = Field(
        SparedZones.FROST, description="Miners of zones that protect from frost, or that heat at all, are on heat duty"
    )
    precedence: tuple[Id, ...] = Field(
        ("cli", "web", "cloud", "openadr", "signal", "peaks", "schedule", "strike"),
        description="Whose request counts when several ask, the strongest first",
    )
    silent_after_s: dict[Id, Annotated[float, Field(gt=0, le=86_400)]] = Field(
        {}, description="Sources that must repeat their request this often; a silent one asks for nothing any more"
    )
    overshoot_w: Watts = Field(50, description="How much more than asked may be given up, where the miners allow it")
    improve_within_s: Annotated[float, Field(ge=0, le=600)] = Field(
        2, description="How long a plan waits for the solver to better the first answer"
    )
    min_saving_w: Watts = Field(50, description="Less than this is not worth touching a miner")
    asleep_draws_w: Watts = Field(15, description="What a sleeping miner still draws: fans, control board")
    min_off_s: Hold = Field(600, description="Shortest time a miner stays down once it was told to")
    min_on_s: Hold = Field(600, description="Shortest time between a miner's return and its next part in a plan")
    patience_s: Annotated[float, Field(ge=5, le=3600)] = Field(
        180, description="How long a miner may take to show that it follows, before another takes its place"
    )
    tolerance_pct: Annotated[float, Field(ge=0, le=20)] = Field(
        3, description="How far above its cap a miner may read and still count as following"
    )
    margin_pct: Annotated[float, Field(ge=0.1, le=50)] = Field(
        2, description="How much more than asked must be delivered before a miner is released again"
    )
    recovery_s: Hold = Field(300, description="Over how long the miners come back, the most efficient first")
    stage_s: Annotated[float, Field(ge=1, le=3600)] = Field(10, description="Time between two groups, down and back up")
    meter: Id | None = Field(None, description="The site's meter, which is looked at besides the miners")
    confirm_by: ConfirmBy = Field(
        ConfirmBy.TELEMETRY, description="What shows that a plan is delivered: the miners, or the meter as well"
    )
    meter_tolerance_pct: Annotated[float, Field(ge=0, le=50)] = Field(
        5, description="How much less than the target the meter may show, for what else the site draws"
    )
    recover_below_per_kwh: PricePerKwh | None = Field(
        None, description="While power costs more, the miners stay down after the end of a plan"
    )
    recover_within_s: Annotated[float, Field(ge=0, le=7 * 86_400)] = Field(
        14_400, description="At the latest so long after its end they come back, whatever the price"
    )
    triggers: Triggers = Triggers()
    settlement: SettlementSection = SettlementSection()

    @model_validator(mode="after")
    def _has_a_meter_to_confirm_by(self) -> Self:
        if self.confirm_by is ConfirmBy.METER and self.meter is None:
            raise ValueError("confirm_by: meter needs `meter`, the id of a meter")
        return self


class CurtailerSettings(SiteSettings):
    """What the curtailer reads of the site file."""

    curtailer: CurtailerSection = CurtailerSection()
