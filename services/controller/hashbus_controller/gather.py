"""Gathers the bids that are alive now: requests, the plan, the policies and the limits of the site."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from hashbus.messages import PlanState, Rank
from hashbus_controller.bids import SITE, Bid, of_request
from hashbus_controller.policies import safety, soc
from hashbus_controller.state import State

CURTAILING = (PlanState.EXECUTING, PlanState.EXECUTED, PlanState.RECOVERING)
RENEWED = timedelta(minutes=2)
SETTLING = timedelta(seconds=5)
"""A site that starts reports one miner after the other; a shared limit is split when all are there."""
PATIENCE = timedelta(seconds=90)
"""A portal is read every minute; a home must not go dark at every start of the controller because of that."""


def is_waiting(state: State, now: datetime) -> bool:
    """Say whether a start is too young to decide.

    Until the miners and the battery had their say, what an earlier run set holds.
    """
    age = now - (state.started_at or now)
    settings = state.settings.soc
    is_silent = settings is not None and settings.battery not in state.batteries
    return age < SETTLING or (is_silent and age < PATIENCE)


def bids_now(state: State, now: datetime) -> list[Bid]:
    """Return every bid that is alive."""
    return [bid for bid in _all(state, now) if bid.until > now]


def _all(state: State, now: datetime) -> Iterator[Bid]:
    yield from (of_request(request) for request in state.requests.values())
    yield from _of_plan(state, now)
    yield from _of_limits(state, now)
    yield from _of_heat(state, now)
    yield from _of_battery(state, now)


def _of_plan(state: State, now: datetime) -> Iterator[Bid]:
    plan = state.plan
    if plan is None or plan.state not in CURTAILING or plan.starts_at > now:
        return
    for part in plan.miners:
        if part.starts_at is None or part.starts_at <= now:
            until = part.ends_at or plan.ends_at
            yield Bid("curtailer", part.miner, plan.plan, Rank.GRID, until, plan.why, cap_w=part.cap_w)


def _of_limits(state: State, now: datetime) -> Iterator[Bid]:
    until = now + RENEWED
    limit_w = state.settings.site_limit_w
    if limit_w is not None:
        why = f"all miners together at most {limit_w:g} W"
        yield Bid("controller", SITE, "site_limit", Rank.SITE_LIMIT, until, why, cap_w=limit_w)
    for miner, limits in state.settings.miners.items():
        if limits.max_power_w is not None:
            why = f"at most {limits.max_power_w:g} W by its settings"
            yield Bid("controller", miner, "limit", Rank.SAFETY, until, why, cap_w=limits.max_power_w)


def _of_heat(state: State, now: datetime) -> Iterator[Bid]:
    for miner in state.hot:
        reading = state.readings.get(miner)
        why = reading and safety.too_hot(reading, state.settings.safety, was_hot=True)
        if why:
            yield safety.off(miner, why, now)


def _of_battery(state: State, now: datetime) -> Iterator[Bid]:
    settings = state.settings.soc
    if settings is None:
        return
    battery, until = state.batteries.get(settings.battery), now + RENEWED
    if battery is None or battery.is_stale(now):
        heard = "never heard" if battery is None else f"last heard at {battery.at:%H:%M:%S} UTC"
        why = f"battery {settings.battery} is silent, {heard}"
        yield Bid("controller", settings.scope, "soc", Rank.BATTERY, until, why, cap_w=0.0)
        return
    why = soc.reason(state.ratchet, battery.soc_pct, settings)
    cap_w = soc.allowed_w(state.ratchet, settings)
    yield Bid("controller", settings.scope, "soc", Rank.BATTERY, until, why, cap_w=cap_w)
