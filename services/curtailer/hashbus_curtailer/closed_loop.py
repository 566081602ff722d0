"""Holds a running plan to what it promised: replaces who does not follow, releases what is too much, tells how far."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hashbus.messages import (
    CurtailmentPlan,
    CurtailmentRequest,
    Message,
    PlannedMiner,
    PlanProgress,
    PlanState,
    SkippedMiner,
)
from hashbus_curtailer.delivery import Delivery, seen
from hashbus_curtailer.fleet import Skip, candidates
from hashbus_curtailer.plan import aim_of, counted, j_per_th, parts_of, ramped, with_parts
from hashbus_curtailer.select import select
from hashbus_curtailer.settings import ConfirmBy
from hashbus_curtailer.state import State

METER_SETTLES = timedelta(seconds=30)
"""So long after the last miner was told, the meter's word counts: most miners ramp down within seconds."""

SOON = timedelta(seconds=1)
"""While a plan is not delivered, who shows less than was thought is made up for without delay."""

EVERY = timedelta(seconds=10)
"""Readings come every 10 s or slower: looking more often shows nothing new."""


def adjusted(state: State, request: CurtailmentRequest, now: datetime) -> State:
    """Return the state with a plan that fits what is delivered: executed once it is, mended where it is not."""
    plan = state.living
    if plan is None:
        return state
    state = replace(state, seen=seen(state.seen, plan, state.fleet, state.refused, state.settings, now))
    shown = state.seen.shown if state.seen else Delivery()
    if plan.state is PlanState.EXECUTING and _is_delivered(state, plan, shown, now):
        plan = plan.model_copy(update={"state": PlanState.EXECUTED, "executed_at": plan.executed_at or now})
    state = replace(state, plan=plan)
    every = SOON if plan.state is PlanState.EXECUTING else EVERY
    is_due = state.adjusted_at is None or now - state.adjusted_at >= every
    if not is_due and not shown.failed:
        return state
    state = replace(state, adjusted_at=now, refused=state.refused | shown.failed)
    lacking_w = plan.target_w - _counted_on_w(state, plan, shown, now)
    if shown.failed or lacking_w > 0:
        return _mended(state, plan, request, shown, lacking_w, now)
    return _released(state, plan, shown, now)


def _is_delivered(state: State, plan: CurtailmentPlan, shown: Delivery, now: datetime) -> bool:
    """Say whether the target is saved: by what the miners show, and where it must be, by the meter as well."""
    if shown.delivered_w < plan.target_w:
        return False
    if state.settings.confirm_by is not ConfirmBy.METER:
        return True
    metered = metered_w(state, plan, now)
    return metered is not None and metered >= _least_by_meter_w(state, plan)


def _least_by_meter_w(state: State, plan: CurtailmentPlan) -> float:
    return plan.target_w * (1 - state.settings.meter_tolerance_pct / 100)


def _counted_on_w(state: State, plan: CurtailmentPlan, shown: Delivery, now: datetime) -> float:
    """Return what may be counted on: what the miners show or still may, and no more than the meter where it decides.

    The meter has its say when everybody has shown what he does, and has had the time to: it cannot tell who lies, but
    that somebody does.
    """
    if state.settings.confirm_by is not ConfirmBy.METER or shown.waiting_w or state.meter is None:
        return shown.expected_w
    told_at = max((part.starts_at or plan.starts_at for part in plan.miners), default=plan.starts_at)
    metered = metered_w(state, plan, now)
    if metered is None or state.meter.at < told_at + METER_SETTLES or metered >= _least_by_meter_w(state, plan):
        return shown.expected_w
    return min(shown.expected_w, metered)


def _mended(
    state: State,
    plan: CurtailmentPlan,
    request: CurtailmentRequest,
    shown: Delivery,
    lacking_w: float,
    now: datetime,
) -> State:
    """Drop who does not follow, and let others take their place."""
    kept = [part for part in plan.miners if part.miner not in shown.failed]
    found, skipped = candidates(
        state.fleet,
        state.settings,
        now,
        refused=state.refused,
        in_plan=[part.miner for part in kept],
        groups=request.groups,
    )
    added = select(found, lacking_w / shown.yields, aim=aim_of(request), overshoot_w=state.settings.overshoot_w)
    joined = ramped(parts_of(added), now, 0, state.settings.stage_s)
    mended = with_parts(plan, [*kept, *joined], state.settings)
    if added.missing_w > 0 or plan.missing_w > 0:
        # The reason stays as it is while nothing is missing: it is said again with the setpoint of every miner.
        why = _why(request, mended, added.missing_w, skipped)
        mended = mended.model_copy(update={"missing_w": added.missing_w, "why": why})
    return replace(state, plan=mended, skipped=skipped)


def _why(request: CurtailmentRequest, plan: CurtailmentPlan, missing_w: float, skipped: dict[str, Skip]) -> str:
    text = f"{request.why}: {len(plan.miners)} miners give {plan.planned_w / 1000:,.2f} kW"
    if missing_w > 0:
        text += f"; {missing_w / 1000:,.3f} kW of {plan.target_w / 1000:,.3f} kW are missing"
        text += f": {counted(skipped.values())}" if skipped else ": there are no more miners"
    return text[:1000]


def _released(state: State, plan: CurtailmentPlan, shown: Delivery, now: datetime) -> State:
    """Let the most efficient return when clearly more is delivered than asked."""
    metered = metered_w(state, plan, now) if state.settings.confirm_by is ConfirmBy.METER else None
    shows_w = shown.delivered_w if metered is None else min(metered, shown.delivered_w)
    spare_w = shows_w - plan.target_w * (1 + state.settings.margin_pct / 100)
    shortest = timedelta(seconds=state.settings.min_off_s)
    released: list[PlannedMiner] = []
    for part in sorted(plan.miners, key=lambda part: (j_per_th(part), part.miner)):
        saves_w = shown.confirmed_w.get(part.miner)
        if saves_w is not None and saves_w <= spare_w and now - (part.starts_at or plan.starts_at) >= shortest:
            released.append(part)
            spare_w -= saves_w
    is_whole = shown.delivered_w >= plan.target_w
    if not released:
        return replace(state, plan=plan.model_copy(update={"missing_w": 0.0})) if is_whole and plan.missing_w else state
    names = {part.miner for part in released}
    kept = [part for part in plan.miners if part.miner not in names]
    fleet = replace(state.fleet, back_at={**state.fleet.back_at, **dict.fromkeys(names, now)})
    return replace(state, plan=with_parts(plan, kept, state.settings), fleet=fleet)


def metered_w(state: State, plan: CurtailmentPlan, now: datetime) -> float | None:
    """Return what the site's meter shows to be saved since the plan began; None when it shows nothing fresh."""
    shows_w, before_w, begun_at = state.meter_now_w(now), plan.meter_before_w, plan.begun_at
    if shows_w is None or before_w is None or begun_at is None or state.meter is None or state.meter.at < begun_at:
        return None
    return round(before_w - shows_w, 1)


def remembering(state: State) -> State:
    """Return the state with a plan that says who refused, so that nobody is asked twice after a restart."""
    plan, refused = state.plan, tuple(sorted(state.refused))
    if plan is None or plan.refused == refused:
        return state
    return replace(state, plan=plan.model_copy(update={"refused": refused}))


def reported(state: State, now: datetime) -> tuple[State, list[Message]]:
    """Say how far the plan is, when that has changed."""
    plan = state.plan
    if plan is None:
        return state, []
    shown = seen(state.seen, plan, state.fleet, state.refused, state.settings, now).shown
    has_begun = plan.state is not PlanState.PENDING
    skipped = {**state.skipped, **dict.fromkeys(sorted(state.refused), Skip.REFUSED)}
    progress = PlanProgress(
        site=state.site,
        at=now,
        plan=plan.plan,
        state=plan.state,
        target_w=plan.target_w,
        delivered_w=round(shown.delivered_w, 1) if has_begun else 0.0,
        confirmed=len(shown.confirmed_w) if has_begun else 0,
        waiting=len(shown.waiting_w) if has_begun else len(plan.miners),
        failed=len(state.refused),
        skipped=tuple(SkippedMiner(miner=miner, reason=skip.value) for miner, skip in skipped.items()),
        metered_w=metered_w(state, plan, now) if has_begun else None,
    )
    if not _is_news(state.progress, progress):
        return state, []
    return replace(state, progress=progress), [progress]


def _is_news(before: PlanProgress | None, after: PlanProgress) -> bool:
    if before is None:
        return True
    fields = ("plan", "state", "target_w", "confirmed", "waiting", "failed")
    if any(getattr(before, name) != getattr(after, name) for name in fields):
        return True
    is_other = (before.delivered_w, before.metered_w) != (after.delivered_w, after.metered_w)
    return is_other and after.at - before.at >= EVERY
