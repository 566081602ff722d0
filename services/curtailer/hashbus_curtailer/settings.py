"""Settings of the curtailer: whom it never touches, how exact and how patient it is, whose word counts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hashbus.messages import Id
from hashbus.settings import Section, SiteSettings
from hashbus.units import Watts

Hold = Annotated[float, Field(ge=0, le=86_400)]


class CurtailerSection(Section):
    """The `curtailer:` section of the site file."""

    protected: tuple[Id, ...] = Field((), description="Miners and groups that no plan touches")
    heat_duty: tuple[Id, ...] = Field((), description="Miners and groups whose warmth is needed; no plan touches them")
    precedence: tuple[Id, ...] = Field(
        ("cli", "web", "cloud"), description="Whose request counts when several ask, the strongest first"
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


class CurtailerSettings(SiteSettings):
    """What the curtailer reads of the site file."""

    curtailer: CurtailerSection = CurtailerSection()
