"""The curtailer's decision: who asks for how much, which plan answers it, and what becomes of that plan.

A plan is said before anything happens, and it carries its end and those of all its miners: what is not followed up
lapses by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from hashbus.messages import (
    CurtailmentPlan,
    CurtailmentRequest,
    Message,
    MinerAvailability,
    MinerInfo,
    MinerTelemetry,
    PlanState,
    SetpointResult,
    SetpointStatus,
)
from hashbus.step import Tick
from hashbus_curtailer.closed_loop import adjusted, reported
from hashbus_curtailer.fleet import candidates
from hashbus_curtailer.plan import drafted, last_end, name_of, ramped, strategy_of, with_parts
from hashbus_curtailer.question import Answer, Question, is_worth_asking
from hashbus_curtailer.select import select
from hashbus_curtailer.state import State, ruling

HEARS = (MinerInfo, MinerTelemetry, MinerAvailability, SetpointResult, CurtailmentRequest, CurtailmentPlan)

SETTLING = timedelta(seconds=5)
"""After a start the broker hands out miner after miner; a plan is made when all are there."""

REFUSALS = (SetpointStatus.REFUSED, SetpointStatus.UNSUPPORTED)

LEAD = timedelta(seconds=10)
"""So long before it begins, a plan that was made earlier is made again from what the miners draw by then."""


def step(state: State, heard: Message | Tick, now: datetime) -> tuple[State, Iterable[Message]]:
    """Take in what was heard; at each tick and each request decide what becomes of the plan."""
    state = known(state if state.started_at else replace(state, started_at=now), heard)
    is_waiting = now - (state.started_at or now) < SETTLING
    if is_waiting or not isinstance(heard, Tick | CurtailmentRequest):
        return state, ()
    return decided(state, now)


def known(state: State, heard: Message | Tick) -> State:
    """Return the state with what was heard in it."""
    fleet = state.fleet
    if isinstance(heard, MinerInfo):
        return replace(state, fleet=replace(fleet, infos={**fleet.infos, heard.miner: heard}))
    if isinstance(heard, MinerTelemetry):
        return replace(state, fleet=replace(fleet, readings={**fleet.readings, heard.miner: heard}))
    if isinstance(heard, MinerAvailability):
        return replace(state, fleet=replace(fleet, reached={**fleet.reached, heard.miner: heard}))
    if isinstance(heard, CurtailmentRequest):
        return replace(state, requests={**state.requests, heard.source: heard})
    if isinstance(heard, SetpointResult):
        return _with_result(state, heard)
    if isinstance(heard, CurtailmentPlan) and state.plan is None:
        # What an earlier run planned goes on. Later it is only the echo of the own words.
        return _returning(replace(state, plan=heard), heard)
    return state


def _with_result(state: State, result: SetpointResult) -> State:
    """Note who refused its part."""
    plan = state.living
    if plan is None or result.status not in REFUSALS or result.at < plan.starts_at:
        return state
    caps_w = {part.miner: part.cap_w for part in plan.miners}
    is_ours = result.miner in caps_w and result.asked_w <= caps_w[result.miner]
    return replace(state, refused=state.refused | {result.miner}) if is_ours else state


def answered(state: State, answer: Answer, now: datetime) -> tuple[State, list[Message]]:
    """Take in what the solver found, as long as the plan has not begun."""
    plan, request = state.living, ruling(state, now)
    if state.question is not answer.question:
        return state, []
    state = replace(state, question=None)
    if plan is None or request is None or plan.state is not PlanState.PENDING or plan.plan != name_of(request):
        return state, []
    better = drafted(request, answer.selection, state.skipped, state.settings, now)
    return replace(state, plan=better), [better]


def decided(state: State, now: datetime) -> tuple[State, list[Message]]:
    """Let the plan follow the request that counts now, and say what changed."""
    before, said = state.plan, list[Message]()
    request, plan = ruling(state, now), state.living
    if plan is None and request is not None:
        state = _drafted(state, request, now)
        said += [state.plan] if state.plan else []
        plan = before = state.plan
    if plan is None:
        return state, said
    if plan.state is PlanState.PENDING:
        state = _pending(state, plan, request, now)
    elif request is not None and request.starts_at <= now:
        state = adjusted(_following(state, plan, request, now), request, now)
    elif plan.state is not PlanState.RECOVERING:
        state = _recovering(state, plan, now)
    elif now >= last_end(plan):
        state = _over(state, plan)
    if state.plan is not None and state.plan != before:
        state = replace(state, plan=state.plan.model_copy(update={"at": now}))
        said += [state.plan] if state.plan else []
    state, news = reported(state, now)
    return state, said + news


def _drafted(state: State, request: CurtailmentRequest, now: datetime) -> State:
    """Make a plan at once from what the miners draw now; ask the solver when it could do better."""
    settings, strategy = state.settings, strategy_of(request)
    found, skipped = candidates(state.fleet, settings, now)
    target_w = _target_w(state, request, now)
    selection = select(found, target_w, strategy=strategy, overshoot_w=settings.overshoot_w)
    plan = drafted(request, selection, skipped, settings, now)
    question = None
    if settings.improve_within_s and is_worth_asking(selection):
        question = Question(
            plan.plan, tuple(found), selection, strategy, settings.overshoot_w, settings.improve_within_s
        )
    return replace(
        state, plan=plan, selected_at=now, question=question, skipped=skipped, refused=frozenset(), progress=None
    )


def _target_w(state: State, request: CurtailmentRequest, now: datetime) -> float:
    """Return the watts to give up; a level is of what the miners draw now by fresh readings."""
    if request.target_w is not None:
        return request.target_w
    drawn = (state.fleet.drawn_w(miner, now, state.settings.asleep_draws_w) for miner in state.fleet.readings)
    return sum(drawn_w or 0.0 for drawn_w in drawn) * (1 - (request.level_pct or 0.0) / 100)


def _pending(state: State, plan: CurtailmentPlan, request: CurtailmentRequest | None, now: datetime) -> State:
    if request is None or plan.plan != name_of(request):
        return replace(state, plan=plan.model_copy(update={"state": PlanState.CANCELLED}), question=None)
    is_other = request.target_w not in (None, plan.target_w) or (request.starts_at, request.ends_at) != (
        plan.starts_at,
        plan.ends_at,
    )
    is_old = state.selected_at is None or state.selected_at < request.starts_at - LEAD <= now
    if is_other or is_old:
        state = _drafted(state, request, now)
    waited_s = (now - (state.selected_at or now)).total_seconds()
    is_asking = state.question is not None and waited_s < state.settings.improve_within_s
    if now < request.starts_at or is_asking or state.plan is None:
        return state
    begun = state.plan.model_copy(update={"state": PlanState.EXECUTING})
    parts = ramped(begun.miners, now, request.ramp_s, state.settings.stage_s)
    return replace(state, plan=with_parts(begun, parts, state.settings), question=None, adjusted_at=now)


def _following(state: State, plan: CurtailmentPlan, request: CurtailmentRequest, now: datetime) -> State:
    """Let a plan that runs take over what the request says now, also when it is another request.

    Who is down already stays down and counts for it: nobody comes up in between.
    """
    is_same, is_over = plan.plan == name_of(request), plan.state is PlanState.RECOVERING
    target_w = plan.target_w if is_same and request.target_w is None else _amended_w(state, plan, request, now)
    if is_same and not is_over and (target_w, request.ends_at) == (plan.target_w, plan.ends_at):
        return state
    changed = plan.model_copy(
        update={
            "plan": name_of(request),
            "state": PlanState.EXECUTING,
            "strategy": strategy_of(request).value,
            "target_w": target_w,
            "ends_at": request.ends_at,
            "why": request.why,
        }
    )
    held = [part for part in plan.miners if part.ends_at is None or part.ends_at > now]
    back_at = {miner: at for miner, at in state.fleet.back_at.items() if miner not in {part.miner for part in held}}
    return replace(
        state,
        plan=with_parts(changed, held, state.settings),
        fleet=replace(state.fleet, back_at=back_at),
        refused=state.refused if is_same else frozenset(),
        progress=state.progress if is_same else None,
        adjusted_at=None,
    )


def _amended_w(state: State, plan: CurtailmentPlan, request: CurtailmentRequest, now: datetime) -> float:
    """Return the watts asked now; a level counts what the plan already saves as if it were drawn."""
    if request.target_w is not None:
        return request.target_w
    kept = 1 - (request.level_pct or 0.0) / 100
    return _target_w(state, request, now) + plan.planned_w * kept


def _recovering(state: State, plan: CurtailmentPlan, now: datetime) -> State:
    """Let the plan lapse, group after group."""
    ended = plan.model_copy(update={"state": PlanState.RECOVERING, "ends_at": min(plan.ends_at, now)})
    if plan.ends_at > now:
        down = [part for part in plan.miners if (part.starts_at or plan.starts_at) <= now]
        ended = with_parts(ended, down, state.settings)
    return _returning(replace(state, plan=ended), ended)


def _returning(state: State, plan: CurtailmentPlan) -> State:
    """Remember who comes back when: whoever has just come back is left alone for a while."""
    if plan.state not in (PlanState.RECOVERING, PlanState.DONE, PlanState.CANCELLED, PlanState.FAILED):
        return state
    back_at = {part.miner: part.ends_at or plan.ends_at for part in plan.miners}
    return replace(state, fleet=replace(state.fleet, back_at={**state.fleet.back_at, **back_at}))


def _over(state: State, plan: CurtailmentPlan) -> State:
    is_cancelled = any(name_of(one) == plan.plan and one.is_cancelled for one in state.requests.values())
    end = PlanState.FAILED if plan.missing_w > 0 else PlanState.DONE
    return replace(state, plan=plan.model_copy(update={"state": PlanState.CANCELLED if is_cancelled else end}))
