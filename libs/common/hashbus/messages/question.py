"""What a curtailment would be, before anybody asks for one."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from hashbus.messages.base import Id, Message, Moment, Text
from hashbus.messages.plan import PlannedMiner, SkippedMiner
from hashbus.topics import Keep, Topic
from hashbus.units import Percent, SignedDollars, TerahashPerSecond, Watts


class CurtailmentQuestion(Message):
    """Ask what the site would give up, and which miners. Nothing happens; the fields are those of a request."""

    topic: ClassVar[Topic] = Topic(
        "curtailment/question/{source}", writers=("web", "notifier", "supervisor"), retain=False, keep=Keep.EVERY
    )

    source: Id
    id: Id
    target_w: Watts | None = None
    level_pct: Percent | None = None
    limit_w: Watts | None = Field(None, description="Most that the miners together may still draw")
    starts_at: Moment
    ends_at: Moment
    strategy: Id = "performance_priority"
    groups: tuple[Id, ...] = ()

    @model_validator(mode="after")
    def _is_one_target_in_time(self) -> Self:
        if [self.target_w, self.level_pct, self.limit_w].count(None) != 2:
            raise ValueError("a question needs one of target_w, level_pct and limit_w")
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        return self


class CurtailmentOffer(Message):
    """What the curtailer would do now; by the time of a real request miners may draw something else."""

    topic: ClassVar[Topic] = Topic("curtailment/offer/{asker}", writers=("curtailer",), retain=False, keep=Keep.EVERY)

    asker: Id = Field(description="The source of the question")
    id: Id
    strategy: Id
    target_w: Watts
    planned_w: Watts
    missing_w: Watts = Field(0, description="What the site cannot give, with the reason in `why`")
    loses_ths: TerahashPerSecond = 0
    costs_usd: SignedDollars | None = Field(
        None, description="What is not earned in its time, less the power not paid for; null without prices"
    )
    miners: tuple[PlannedMiner, ...] = ()
    skipped: tuple[SkippedMiner, ...] = ()
    why: Text
