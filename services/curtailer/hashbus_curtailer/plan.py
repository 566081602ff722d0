"""Makes a plan of a selection: who goes down when, and who comes back when. A plan carries all its ends with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice

from hashbus.messages import CurtailmentPlan, CurtailmentRequest, PlannedMiner, PlanState
from hashbus_curtailer.fleet import Skip
from hashbus_curtailer.select import Selection
from hashbus_curtailer.settings import CurtailerSection
from hashbus_curtailer.strategy import Aim, Strategy

FINAL = (PlanState.DONE, PlanState.CANCELLED, PlanState.FAILED)
SHOWN_REASONS = 5


def name_of(request: CurtailmentRequest) -> str:
    """Return the id of the plan for a request: the same after a restart."""
    return f"{request.source}-{request.id}"[:64]


def strategy_of(request: CurtailmentRequest) -> Strategy:
    """Return the strategy a request names; one that nobody here knows is performance priority."""
    known = [strategy for strategy in Strategy if strategy.value == request.strategy]
    return known[0] if known else Strategy.PERFORMANCE_PRIORITY


def aim_of(request: CurtailmentRequest) -> Aim:
    """Return what a plan for the request should cost least of."""
    return Aim(strategy_of(request), (request.ends_at - request.starts_at).total_seconds())


def drafted(
    request: CurtailmentRequest,
    selection: Selection,
    skipped: Mapping[str, Skip],
    settings: CurtailerSection,
    now: datetime,
) -> CurtailmentPlan:
    """Return the plan, still pending, that a selection makes of a request."""
    plan = CurtailmentPlan(
        site=request.site,
        at=now,
        plan=name_of(request),
        state=PlanState.PENDING,
        strategy=strategy_of(request).value,
        target_w=selection.target_w,
        planned_w=selection.saves_w,
        starts_at=request.starts_at,
        ends_at=request.ends_at,
        missing_w=selection.missing_w,
        why=reason(request, selection, skipped),
        source=request.source,
        asked_until=request.ends_at,
    )
    begins_at = max(now, request.starts_at)
    return with_parts(plan, ramped(parts_of(selection), begins_at, request.ramp_s, settings.stage_s), settings)


def parts_of(selection: Selection) -> list[PlannedMiner]:
    """Return the chosen miners as parts of a plan."""
    return [
        PlannedMiner(
            miner=part.candidate.miner,
            cap_w=part.option.cap_w,
            saves_w=part.option.saves_w,
            loses_ths=part.option.loses_ths,
        )
        for part in selection.parts
    ]


def ramped(parts: Iterable[PlannedMiner], begins_at: datetime, ramp_s: float, stage_s: float) -> list[PlannedMiner]:
    """Return the parts with the times at which they go down, in groups, the least efficient first."""
    ordered = sorted(parts, key=lambda part: (-j_per_th(part), part.miner))
    turns = _turns(len(ordered), ramp_s, stage_s)
    return [
        part.model_copy(update={"starts_at": begins_at + timedelta(seconds=turn)})
        for part, turn in zip(ordered, turns, strict=True)
    ]


def with_parts(plan: CurtailmentPlan, parts: Iterable[PlannedMiner], settings: CurtailerSection) -> CurtailmentPlan:
    """Return the plan with these parts; they come back in groups after its end, the most efficient first.

    No miner comes back before it was down for the shortest time.
    """
    ordered = sorted(parts, key=lambda part: (j_per_th(part), part.miner))
    turns = _turns(len(ordered), settings.recovery_s, settings.stage_s)
    shortest = timedelta(seconds=settings.min_off_s)
    staged = tuple(
        part.model_copy(
            update={
                "ends_at": max(plan.ends_at + timedelta(seconds=turn), (part.starts_at or plan.starts_at) + shortest)
            }
        )
        for part, turn in zip(ordered, turns, strict=True)
    )
    return plan.model_copy(update={"miners": staged, "planned_w": sum(part.saves_w for part in staged)})


def _turns(count: int, spread_s: float, stage_s: float) -> list[float]:
    """Return the seconds after the beginning at which each of `count` parts has its turn, in equal groups."""
    groups = min(count, int(spread_s // stage_s) + 1)
    return [index * groups // count * stage_s for index in range(count)]


def j_per_th(part: PlannedMiner) -> float:
    """Return the efficiency of what a part gives up: watts over TH/s; infinite for a miner that earned nothing."""
    return part.saves_w / part.loses_ths if part.loses_ths else float("inf")


def last_end(plan: CurtailmentPlan) -> datetime:
    """Return when the last part of the plan lapses."""
    return max([plan.ends_at, *(part.ends_at for part in plan.miners if part.ends_at)])


def reason(request: CurtailmentRequest, selection: Selection, skipped: Mapping[str, Skip]) -> str:
    """Say in one line what is given up for whom, and when it is too little, by how much and why."""
    count, lost_phs = len(selection.parts), selection.loses_ths / 1000
    who = "1 miner gives" if count == 1 else f"{count} miners give"
    gives = f"{who} {selection.saves_w / 1000:,.2f} kW, {lost_phs:,.3f} PH/s less"
    text = f"{request.why}: {gives}"
    if strategy_of(request).value != request.strategy:
        text += f"; no strategy {request.strategy!r} here"
    if selection.missing_w > 0:
        text += f"; {selection.missing_w / 1000:,.3f} kW of {selection.target_w / 1000:,.3f} kW are missing"
        text += f": {counted(skipped.values())}" if skipped else ": there are no more miners"
    return text[:1000]


def counted(reasons: Iterable[Skip]) -> str:
    """Return why miners take no part, the most frequent reasons with their counts: `3 offline, 1 has a fault`."""
    found: Sequence[tuple[Skip, int]] = Counter(reasons).most_common()
    return ", ".join(f"{count} {skip.value}" for skip, count in islice(found, SHOWN_REASONS))
