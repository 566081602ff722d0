"""How a plan that runs follows its request, waits for a cheaper hour, lapses and is over; pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hashbus.messages import CurtailmentPlan, CurtailmentRequest, PlanState
from hashbus_curtailer.drafting import essence, target_w
from hashbus_curtailer.plan import name_of, strategy_of, with_parts
from hashbus_curtailer.state import State

WAITS = timedelta(minutes=5)
"""While the price is high the end of a plan is put off so far at a time: a curtailer that dies holds nobody down."""

RUNNING = (PlanState.EXECUTING, PlanState.EXECUTED)


def following(state: State, plan: CurtailmentPlan, request: CurtailmentRequest, now: datetime) -> State:
    """Let a plan that runs take over what the request says now, also when it is another request.

    Who is down already stays down and counts for it: nobody comes up in between.
    """
    is_same, is_over = plan.plan == name_of(request), plan.state is PlanState.RECOVERING
    is_as_before = _is_as_before(state.ruled, plan, request)
    asked_w = plan.target_w if is_same and is_as_before and not is_over else _amended_w(state, plan, request, now)
    asked_until = plan.asked_until or plan.ends_at
    state = replace(state, ruled=request)
    if is_same and not is_over and (asked_w, request.ends_at) == (plan.target_w, asked_until):
        return state
    changed = plan.model_copy(
        update={
            "plan": name_of(request),
            "source": request.source,
            "state": PlanState.EXECUTING,
            "strategy": strategy_of(request).value,
            "target_w": asked_w,
            "ends_at": request.ends_at,
            "asked_until": request.ends_at,
            "why": request.why,
            "executed_at": plan.executed_at if is_same else None,
            "begun_at": plan.begun_at if is_same else now,
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


def _is_as_before(ruled: CurtailmentRequest | None, plan: CurtailmentPlan, request: CurtailmentRequest) -> bool:
    """Say whether the request asks what the plan was made of; after a restart only its time tells that of a level."""
    if ruled is not None:
        return essence(ruled) == essence(request)
    return request.target_w in (None, plan.target_w) and request.at <= plan.at


def _amended_w(state: State, plan: CurtailmentPlan, request: CurtailmentRequest, now: datetime) -> float:
    """Return the watts asked now; a level counts what the plan already saves as if it were drawn."""
    return target_w(state, request, now, down_w=plan.planned_w)


def waiting_for_price(state: State, now: datetime) -> State:
    """Put the end of a plan off while power costs more than `recover_below_per_kwh`; without a price nothing waits.

    It begins shortly before the end, so that nobody comes up in between, and ends `recover_within_s` after what was
    asked at the latest.
    """
    plan, settings = state.living, state.settings
    if plan is None or plan.state not in RUNNING or settings.recover_below_per_kwh is None:
        return state
    asked_until = plan.asked_until or plan.ends_at
    ends_at = asked_until
    if is_dear(state, now) and now + WAITS / 2 > asked_until:
        latest = asked_until + timedelta(seconds=settings.recover_within_s)
        is_far = plan.ends_at - now > WAITS / 2
        ends_at = plan.ends_at if is_far else min(max(asked_until, now + WAITS), latest)
    if ends_at == plan.ends_at or (ends_at == asked_until <= now):
        # What is already over is not put back: that is the recovery's.
        return state
    return replace(state, plan=with_parts(plan.model_copy(update={"ends_at": ends_at}), plan.miners, settings))


def is_dear(state: State, now: datetime) -> bool:
    """Say whether power costs too much now to take the miners back."""
    price, most = state.prices.power_per_kwh(now), state.settings.recover_below_per_kwh
    return price is not None and most is not None and price > most


def is_waiting_for_price(state: State, plan: CurtailmentPlan, now: datetime) -> bool:
    """Say whether a plan goes on after what was asked, because power is dear."""
    return plan.state in RUNNING and now < plan.ends_at and is_dear(state, now) and not is_cancelled(state, plan)


def recovering(state: State, plan: CurtailmentPlan, now: datetime) -> State:
    """Let the plan lapse, group after group."""
    ended = plan.model_copy(update={"state": PlanState.RECOVERING, "ends_at": min(plan.ends_at, now)})
    if plan.ends_at > now:
        down = [part for part in plan.miners if (part.starts_at or plan.starts_at) <= now]
        ended = with_parts(ended, down, state.settings)
    return returning(replace(state, plan=ended), ended)


def returning(state: State, plan: CurtailmentPlan) -> State:
    """Remember who comes back when: whoever has just come back is left alone for a while."""
    if plan.state not in (PlanState.RECOVERING, PlanState.DONE, PlanState.CANCELLED, PlanState.FAILED):
        return state
    back_at = {part.miner: part.ends_at or plan.ends_at for part in plan.miners}
    return replace(state, fleet=replace(state.fleet, back_at={**state.fleet.back_at, **back_at}))


def over(state: State, plan: CurtailmentPlan) -> State:
    """Close a plan whose miners are all back."""
    end = PlanState.FAILED if plan.missing_w > 0 else PlanState.DONE
    return replace(
        state, plan=plan.model_copy(update={"state": PlanState.CANCELLED if is_cancelled(state, plan) else end})
    )


def is_cancelled(state: State, plan: CurtailmentPlan) -> bool:
    """Say whether who asked for a plan has taken it back."""
    return any(name_of(one) == plan.plan and one.is_cancelled for one in state.requests.values())
