"""Makes plans of requests, from what the miners draw now, until they begin; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from hashbus.messages import CurtailmentPlan, CurtailmentRequest, PlanState
from hashbus_curtailer.fleet import Skip, candidates
from hashbus_curtailer.plan import aim_of, drafted, name_of, ramped, with_parts
from hashbus_curtailer.question import Answer, Question, is_worth_asking
from hashbus_curtailer.select import Selection, select
from hashbus_curtailer.state import State, ruling
from hashbus_curtailer.strategy import lost_ths_hours

LEAD = timedelta(seconds=10)
"""So long before it begins, a plan that was made earlier is made again from what the miners draw by then."""


def drafted_now(state: State, request: CurtailmentRequest, now: datetime) -> State:
    """Make a plan at once from what the miners draw now; ask the solver when it could do better."""
    settings, aim = state.settings, aim_of(request)
    found, skipped = candidates(state.fleet, settings, now, groups=request.groups)
    selection = select(found, target_w(state, request, now), aim=aim, overshoot_w=settings.overshoot_w)
    state = replace(
        state, selected_at=now, question=None, skipped=skipped, refused=frozenset(), progress=None, ruled=request
    )
    state = replace(state, plan=priced(state, request, selection, skipped, now))
    if settings.improve_within_s and is_worth_asking(selection):
        question = Question(
            name_of(request), tuple(found), selection, aim, settings.overshoot_w, settings.improve_within_s
        )
        return replace(state, question=question)
    return state


def priced(
    state: State, request: CurtailmentRequest, selection: Selection, skipped: Mapping[str, Skip], now: datetime
) -> CurtailmentPlan:
    """Return the plan of a selection, with what it costs where the prices are known."""
    plan = drafted(request, selection, skipped, state.settings, now)
    usd_per_ths_hour, usd_per_kwh = state.prices.usd_per_ths_hour(now), state.prices.usd_per_kwh(now)
    if usd_per_ths_hour is None or usd_per_kwh is None:
        return plan
    lasts_s = (request.ends_at - request.starts_at).total_seconds()
    lost = sum(lost_ths_hours(part.candidate, part.option, lasts_s) for part in selection.parts)
    saved_kwh = selection.saves_w / 1000 * lasts_s / 3600
    return plan.model_copy(update={"costs_usd": round(lost * usd_per_ths_hour - saved_kwh * usd_per_kwh, 2)})


def target_w(state: State, request: CurtailmentRequest, now: datetime, *, down_w: float = 0.0) -> float:
    """Return the watts to give up.

    A level and a limit are of what the miners draw now by fresh readings; `down_w` is what a plan that runs saves
    already and counts as if it were drawn.
    """
    if request.target_w is not None:
        return request.target_w
    fleet, asleep_w = state.fleet, state.settings.asleep_draws_w
    asked = [miner for miner in fleet.readings if not request.groups or fleet.group_of(miner) in request.groups]
    each_w = [power_w for miner in asked if (power_w := fleet.drawn_w(miner, now, asleep_w)) is not None]
    drawn_w = sum(each_w) + down_w
    # Whoever sleeps still draws something: a level of nothing means that all of them sleep.
    most_w = sum(max(0.0, power_w - asleep_w) for power_w in each_w) + down_w
    left_w = drawn_w * (request.level_pct or 0.0) / 100 if request.limit_w is None else request.limit_w
    return min(most_w, max(0.0, drawn_w - left_w))


def answered(state: State, answer: Answer, now: datetime) -> tuple[State, list[CurtailmentPlan]]:
    """Take in what the solver found, as long as the plan has not begun."""
    plan, request = state.living, ruling(state, now)
    if state.question is not answer.question:
        return state, []
    state = replace(state, question=None)
    if plan is None or request is None or plan.state is not PlanState.PENDING or plan.plan != name_of(request):
        return state, []
    better = priced(state, request, answer.selection, state.skipped, now)
    return replace(state, plan=better), [better]


def pending(state: State, plan: CurtailmentPlan, request: CurtailmentRequest | None, now: datetime) -> State:
    """Return the state of a plan that waits: made again when it is old or asked otherwise, begun when it is time."""
    if request is None or plan.plan != name_of(request):
        return replace(state, plan=plan.model_copy(update={"state": PlanState.CANCELLED}), question=None)
    is_other = state.ruled is not None and essence(state.ruled) != essence(request)
    is_old = state.selected_at is None or state.selected_at < request.starts_at - LEAD <= now
    if is_other or is_old:
        state = drafted_now(state, request, now)
    waited_s = (now - (state.selected_at or now)).total_seconds()
    is_asking = state.question is not None and waited_s < state.settings.improve_within_s
    if now < request.starts_at or is_asking or state.plan is None:
        return state
    return _begun(state, state.plan, request, now)


def essence(request: CurtailmentRequest) -> tuple[object, ...]:
    """Return what a plan is made of: saying the same again changes nothing."""
    return (
        *(request.target_w, request.level_pct, request.limit_w, request.groups),
        *(request.starts_at, request.ends_at, request.strategy),
    )


def _begun(state: State, plan: CurtailmentPlan, request: CurtailmentRequest, now: datetime) -> State:
    begun = plan.model_copy(
        update={"state": PlanState.EXECUTING, "begun_at": now, "meter_before_w": state.meter_now_w(now)}
    )
    parts = ramped(begun.miners, now, request.ramp_s, state.settings.stage_s)
    return replace(state, plan=with_parts(begun, parts, state.settings), question=None, adjusted_at=now)
