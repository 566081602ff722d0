"""What a plan does to each miner, as entries of the operation log, from one saying of it to the next; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from hashbus.messages import CurtailmentPlan, PlannedMiner, PlanState

ACTIVE = (PlanState.EXECUTING, PlanState.EXECUTED)


@dataclass(frozen=True, slots=True)
class Operation:
    """One entry: what is done to a miner, or becomes of the plan (`miner` None), and when."""

    at: datetime
    plan: str
    operation: str
    miner: str | None = None
    cap_w: float | None = None
    saves_w: float | None = None
    note: str | None = None


def operations(before: CurtailmentPlan | None, after: CurtailmentPlan) -> Iterator[Operation]:
    """Yield what is new in a plan; a miner is named when its turn comes, which may be a little later."""
    if before is None or before.plan != after.plan or before.state is not after.state:
        yield Operation(
            after.at, after.plan, f"plan_{after.state.value}", saves_w=after.planned_w, note=after.why[:200]
        )
    ours = before if before and before.plan == after.plan and before.state in ACTIVE else None
    parts = {part.miner: part for part in after.miners}
    if after.state in ACTIVE:
        yield from _told(after, ours, parts)
    elif after.state is PlanState.RECOVERING and (before is None or before.state is not PlanState.RECOVERING):
        for part in after.miners:
            yield _return(after, part, "curtailment_recovery", part.ends_at or after.ends_at)


def _told(
    after: CurtailmentPlan, before: CurtailmentPlan | None, parts: dict[str, PlannedMiner]
) -> Iterator[Operation]:
    known = {part.miner: part for part in before.miners} if before else {}
    for miner, part in parts.items():
        if miner not in known:
            verb = "curtailment_shutdown" if part.cap_w == 0 else "curtailment_limit"
            yield _entry(after, part, verb, part.starts_at or after.starts_at)
    for miner, part in known.items():
        if miner not in parts:
            is_refused = miner in after.refused
            yield _return(after, part, "curtailment_failed" if is_refused else "curtailment_released", after.at)


def _entry(plan: CurtailmentPlan, part: PlannedMiner, operation: str, at: datetime) -> Operation:
    return Operation(at, plan.plan, operation, part.miner, part.cap_w, part.saves_w)


def _return(plan: CurtailmentPlan, part: PlannedMiner, operation: str, at: datetime) -> Operation:
    """Return the entry of a miner whose part is over: no cap holds any more."""
    return Operation(at, plan.plan, operation, part.miner, saves_w=part.saves_w)
