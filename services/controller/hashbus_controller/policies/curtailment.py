"""Curtailment: the caps of the plan in force, each from its turn in the ramp to its turn in the recovery."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hashbus.messages import CurtailmentPlan, Message, PlannedMiner, PlanState, Rank
from hashbus.step import Tick
from hashbus_controller.bids import Bid
from hashbus_controller.policy import SiteView

CURTAILING = (PlanState.EXECUTING, PlanState.EXECUTED, PlanState.RECOVERING)


@dataclass(frozen=True, slots=True)
class Planned:
    """The plan, its bids now, and when the next of its miners has a turn."""

    plan: CurtailmentPlan | None = None
    made: tuple[Bid, ...] = ()
    next_turn: datetime | None = None


@dataclass(frozen=True, slots=True)
class Curtailment:
    """The policy: it holds the caps of the curtailer's plan, and they lapse with it."""

    name: str = "curtailment"
    hears: tuple[type[Message], ...] = (CurtailmentPlan,)

    def begins(self) -> Planned:
        """Start without a plan; the plan is retained on the bus."""
        return Planned()

    def heard(self, memory: Planned, message: Message | Tick, now: datetime, site: SiteView) -> Planned:
        """Take a plan in place of the last, and move on to the next turn of the one in force."""
        if isinstance(message, CurtailmentPlan):
            return _in_force(message, now)
        if memory.plan is not None and memory.next_turn is not None and memory.next_turn <= now:
            return _in_force(memory.plan, now)
        return memory

    def bids(self, memory: Planned, now: datetime, site: SiteView) -> tuple[Bid, ...]:
        """Return the caps."""
        return memory.made


def _in_force(plan: CurtailmentPlan, now: datetime) -> Planned:
    if plan.state not in CURTAILING:
        return Planned(plan)
    made, turns = [], []
    for part in plan.miners:
        starts_at, ends_at = _times(part, plan)
        turns += [moment for moment in (starts_at, ends_at) if moment > now]
        if starts_at <= now < ends_at:
            made.append(Bid("curtailer", part.miner, plan.plan, Rank.GRID, ends_at, plan.why, cap_w=part.cap_w))
    return Planned(plan, tuple(made), min(turns, default=None))


def _times(part: PlannedMiner, plan: CurtailmentPlan) -> tuple[datetime, datetime]:
    starts_at = plan.starts_at if part.starts_at is None else max(part.starts_at, plan.starts_at)
    return starts_at, part.ends_at or plan.ends_at
