"""The curtailer's decision: who asks for how much, which plan answers it, and what becomes of that plan.

A plan is said before anything happens, and it carries its end and those of all its miners: what is not followed up
lapses by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from hashbus.messages import (
    AvailabilityState,
    CurrencyRates,
    CurtailmentPlan,
    CurtailmentQuestion,
    CurtailmentRequest,
    Hashprice,
    Message,
    MeterTelemetry,
    MinerAvailability,
    MinerInfo,
    MinerTelemetry,
    PlanProgress,
    PlanState,
    PowerPrice,
    SetpointResult,
    SetpointStatus,
    ZoneState,
)
from hashbus.step import Tick
from hashbus_curtailer.closed_loop import adjusted, remembering, reported
from hashbus_curtailer.drafting import answered, drafted_now, pending
from hashbus_curtailer.ending import following, is_waiting_for_price, over, recovering, returning, waiting_for_price
from hashbus_curtailer.offering import offered
from hashbus_curtailer.plan import FINAL, last_end
from hashbus_curtailer.state import State, ruling

__all__ = ["HEARS", "answered", "decided", "known", "step"]

HEARS = (
    *(MinerInfo, MinerTelemetry, MinerAvailability, MeterTelemetry, ZoneState, SetpointResult),
    *(CurtailmentRequest, CurtailmentQuestion, CurtailmentPlan, PowerPrice, Hashprice, CurrencyRates),
)

SETTLING = timedelta(seconds=5)
"""After a start the broker hands out miner after miner; a plan is made when all are there."""

REFUSALS = (SetpointStatus.REFUSED, SetpointStatus.UNSUPPORTED)


def step(state: State, heard: Message | Tick, now: datetime) -> tuple[State, Iterable[Message]]:
    """Take in what was heard; at each tick and each request decide what becomes of the plan."""
    state = known(state if state.started_at else replace(state, started_at=now), heard)
    if isinstance(heard, CurtailmentQuestion):
        return state, (offered(state, heard, now),)
    is_waiting = now - (state.started_at or now) < SETTLING
    if is_waiting or not isinstance(heard, Tick | CurtailmentRequest):
        return state, ()
    return decided(state, now)


def known(state: State, heard: Message | Tick) -> State:
    """Return the state with what was heard in it."""
    fleet = state.fleet
    if isinstance(heard, MinerInfo):
        return replace(state, fleet=replace(fleet, infos=fleet.infos.with_(heard.miner, heard)))
    if isinstance(heard, MinerTelemetry):
        return replace(state, fleet=replace(fleet, readings=fleet.readings.with_(heard.miner, heard)))
    if isinstance(heard, MinerAvailability):
        is_gone = heard.state is AvailabilityState.OFFLINE
        gone = fleet.gone | {heard.miner} if is_gone else fleet.gone - {heard.miner}
        return replace(state, fleet=replace(fleet, gone=gone))
    if isinstance(heard, CurtailmentRequest):
        return replace(state, requests={**state.requests, heard.source: heard})
    if isinstance(heard, SetpointResult):
        return _with_result(state, heard)
    if isinstance(heard, CurtailmentPlan) and state.plan is None:
        # What an earlier run planned goes on. Later it is only the echo of the own words.
        return returning(replace(state, plan=heard, refused=frozenset(heard.refused)), heard)
    return _with_market(state, heard)


def _with_market(state: State, heard: Message | Tick) -> State:
    """Note what the meter, the heating or the market says."""
    if isinstance(heard, MeterTelemetry) and heard.meter == state.settings.meter:
        return replace(state, meter=heard)
    if isinstance(heard, ZoneState):
        return replace(state, fleet=replace(state.fleet, zones={**state.fleet.zones, heard.zone: heard}))
    if isinstance(heard, PowerPrice):
        return replace(state, prices=replace(state.prices, power=heard))
    if isinstance(heard, Hashprice):
        return replace(state, prices=replace(state.prices, hashprice=heard))
    if isinstance(heard, CurrencyRates):
        return replace(state, prices=replace(state.prices, rates=heard))
    return state


def _with_result(state: State, result: SetpointResult) -> State:
    """Note who refused its part."""
    plan = state.living
    if plan is None or result.status not in REFUSALS or result.at < plan.starts_at:
        return state
    caps_w = {part.miner: part.cap_w for part in plan.miners}
    is_ours = result.miner in caps_w and result.asked_w <= caps_w[result.miner]
    return replace(state, refused=state.refused | {result.miner}) if is_ours else state


def decided(state: State, now: datetime) -> tuple[State, list[Message]]:
    """Let the plan follow the request that counts now, and say what changed."""
    before, progress, said = state.plan, state.progress, list[Message]()
    request, plan = ruling(state, now), state.living
    if plan is None and request is not None:
        state = drafted_now(state, request, now)
        said += [state.plan] if state.plan else []
        plan = before = state.plan
    if plan is None:
        return state, said
    state = _turned(state, plan, request, now)
    if state.plan is not None and state.plan != before:
        state = replace(state, plan=state.plan.model_copy(update={"at": now}))
        said += [state.plan] if state.plan else []
    state, news = reported(state, now)
    return state, [*said, *_taken_over(progress, before, state.plan, now), *news]


def _taken_over(
    progress: PlanProgress | None, before: CurtailmentPlan | None, after: CurtailmentPlan | None, now: datetime
) -> list[Message]:
    """Say that a plan is over whose miners another has taken over."""
    if progress is None or before is None or after is None or before.plan == after.plan:
        return []
    if progress.plan != before.plan or before.state in FINAL:
        return []
    return [progress.model_copy(update={"at": now, "state": PlanState.DONE, "waiting": 0})]


def _turned(state: State, plan: CurtailmentPlan, request: CurtailmentRequest | None, now: datetime) -> State:
    """Return the state one moment on in the life of the plan."""
    if plan.state is PlanState.PENDING:
        return pending(state, plan, request, now)
    if request is not None and request.starts_at <= now:
        state = adjusted(following(state, plan, request, now), request, now)
        return remembering(waiting_for_price(state, now))
    if plan.state is PlanState.RECOVERING:
        return over(state, plan) if now >= last_end(plan) else state
    state = waiting_for_price(state, now)
    if state.plan is not None and is_waiting_for_price(state, state.plan, now):
        return state
    return recovering(state, plan, now)
