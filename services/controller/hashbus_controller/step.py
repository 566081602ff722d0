"""The controller's decision: what is known, what was heard and when; out come setpoints, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hashbus.messages import (
    BatteryTelemetry,
    ControlState,
    CurtailmentPlan,
    Decision,
    Message,
    MinerInfo,
    MinerTelemetry,
    PowerRequest,
    PowerSetpoint,
    Rank,
)
from hashbus.step import Tick
from hashbus_controller.arbiter import Verdict
from hashbus_controller.decide import reachable_w, verdicts
from hashbus_controller.gather import bids_now, is_waiting
from hashbus_controller.policies import safety, soc
from hashbus_controller.policies.soc import Ratchet
from hashbus_controller.settings import MinerLimits
from hashbus_controller.state import Held, State

HEARS = (MinerInfo, MinerTelemetry, BatteryTelemetry, PowerRequest, CurtailmentPlan, ControlState)

AT_ONCE = (Rank.SAFETY, Rank.ANTIFREEZE, Rank.GRID, Rank.SITE_LIMIT, Rank.OVERRIDE)
"""Less power for one of these never waits for the interval between two changes."""


def step(state: State, heard: Message | Tick, now: datetime) -> tuple[State, Iterable[Message]]:
    """Take in what was heard, and decide anew unless it was only a miner's reading, which the next tick takes in."""
    state = known(state if state.started_at else replace(state, started_at=now), heard, now)
    if is_waiting(state, now) or isinstance(heard, MinerTelemetry | ControlState):
        return state, ()
    return decided(state, now)


def known(state: State, heard: Message | Tick, now: datetime) -> State:
    """Return the state with what was heard in it."""
    if isinstance(heard, MinerInfo):
        return replace(state, infos={**state.infos, heard.miner: heard})
    if isinstance(heard, MinerTelemetry):
        return _with_reading(state, heard)
    if isinstance(heard, BatteryTelemetry):
        return _with_battery(state, heard, now)
    if isinstance(heard, PowerRequest):
        return replace(state, requests=_alive(state, heard, now))
    if isinstance(heard, CurtailmentPlan):
        return replace(state, plan=heard)
    if isinstance(heard, ControlState):
        return _recalled(state, heard)
    return state


def _alive(state: State, heard: PowerRequest, now: datetime) -> dict[str, PowerRequest]:
    requests = {key: request for key, request in state.requests.items() if request.until > now}
    return {**requests, heard.address(): heard}


def _with_reading(state: State, reading: MinerTelemetry) -> State:
    was_hot = reading.miner in state.hot
    is_hot = safety.too_hot(reading, state.settings.safety, was_hot=was_hot) is not None
    hot = state.hot | {reading.miner} if is_hot else state.hot - {reading.miner}
    resting = state.resting_w
    if reading.miner not in state.has_spoken and reading.power_limit_w:
        # Nobody has told it anything yet: this is the power its owner gave it.
        resting = {**resting, reading.miner: reading.power_limit_w}
    return replace(state, readings={**state.readings, reading.miner: reading}, hot=hot, resting_w=resting)


def _with_battery(state: State, battery: BatteryTelemetry, now: datetime) -> State:
    settings, ratchet = state.settings.soc, state.ratchet
    if settings and battery.battery == settings.battery and not battery.is_stale(now):
        ratchet = soc.turned(ratchet, battery.soc_pct, settings)
    return replace(state, batteries={**state.batteries, battery.battery: battery}, ratchet=ratchet)


def _recalled(state: State, memory: ControlState) -> State:
    """Take back, once after a start, what an earlier run of the controller remembered."""
    if state.remembered is not None:
        return state
    changed = {miner: Held(memory.held_w.get(miner, 0.0), "", memory.at, at) for miner, at in memory.changed_at.items()}
    ratchet = Ratchet(memory.latches_pct.get("soc", soc.FULL_PCT), is_cut="soc" in memory.cut)
    return replace(
        state,
        ratchet=ratchet,
        held={**changed, **state.held},
        has_spoken=state.has_spoken | set(changed),
        resting_w={**state.resting_w, **memory.resting_w},
        remembered=(),
    )


def decided(state: State, now: datetime) -> tuple[State, list[Message]]:
    """Decide for every miner, and return the setpoints and decisions that are news or due for renewal."""
    bids = bids_now(state, now)
    ruled = {
        name: info for name, info in state.infos.items() if state.settings.miners.get(name, MinerLimits()).is_ruled
    }
    said: list[Message] = []
    for miner, verdict in verdicts(state, bids, ruled).items():
        # Whom nobody asks anything of is left alone, until somebody once did.
        if verdict.bids or miner in state.has_spoken:
            state, news = _asserted(state, ruled[miner], verdict, now)
            said += news
    return _remembering(state, said, now)


def _asserted(state: State, info: MinerInfo, verdict: Verdict, now: datetime) -> tuple[State, list[Message]]:
    power_w = reachable_w(verdict.power_w, info)
    if power_w is None:
        return state, []
    held = state.held.get(info.miner)
    power_w, waits, next_at = _patient(state, verdict, held, power_w, now)
    is_change = held is None or held.power_w != power_w or not held.decision
    explained = (power_w, verdict.winner, verdict.why, tuple(bid.effect for bid in verdict.bids), waits)
    is_explained = held is not None and held.explained == explained
    lease = timedelta(seconds=state.settings.lease_s)
    if held and not is_change and is_explained and now - held.said_at < lease / 2:
        return state, []
    number = state.number if is_explained and not is_change else state.number + 1
    decision = held.decision if held and is_explained and not is_change else f"d{int(now.timestamp())}-{number}"
    changed_at = now if held is None or held.power_w != power_w else held.changed_at
    new = Held(power_w, decision, now, changed_at, explained)
    state = replace(
        state, held={**state.held, info.miner: new}, has_spoken=state.has_spoken | {info.miner}, number=number
    )
    setpoint = PowerSetpoint(
        site=state.site,
        at=now,
        miner=info.miner,
        power_w=power_w,
        valid_until=now + lease,
        reason=waits or verdict.why,
        decision=decision,
    )
    if is_explained and not is_change:
        return state, [setpoint]
    previous_w = held.power_w if held else None
    return state, [_explained(state, info, verdict, new, (previous_w, waits, next_at), now), setpoint]


def _patient(
    state: State, verdict: Verdict, held: Held | None, power_w: float, now: datetime
) -> tuple[float, str | None, datetime | None]:
    """Return the power that may be set now; where a change must wait: the held power, why, and until when."""
    if held is None or power_w == held.power_w:
        return power_w, None, None
    is_urgent = power_w < held.power_w and any(
        bid.rank in AT_ONCE and bid.cap_w is not None and bid.cap_w < held.power_w for bid in verdict.bids
    )
    if is_urgent:
        return power_w, None, None
    if 0 < abs(power_w - held.power_w) < state.settings.min_step_w and power_w > 0:
        return held.power_w, f"{power_w:g} W is less than {state.settings.min_step_w:g} W away", None
    next_at = held.changed_at + timedelta(seconds=state.settings.min_interval_s)
    if now < next_at:
        return held.power_w, f"{power_w:g} W waits until {next_at:%H:%M:%S} UTC, after the last change", next_at
    return power_w, None, None


def _explained(
    state: State,
    info: MinerInfo,
    verdict: Verdict,
    held: Held,
    change: tuple[float | None, str | None, datetime | None],
    now: datetime,
) -> Decision:
    previous_w, waits, next_at = change
    return Decision(
        site=state.site,
        at=now,
        miner=info.miner,
        id=held.decision,
        power_w=held.power_w,
        previous_w=previous_w,
        winner=verdict.winner,
        reason=verdict.why,
        bids=verdict.bids,
        held_back_by=waits,
        next_change_at=next_at,
    )


def _remembering(state: State, said: list[Message], now: datetime) -> tuple[State, list[Message]]:
    """Add what must survive a restart, when it has changed."""
    soc_settings = state.settings.soc
    memory: dict[str, Any] = {
        "is_enabled": soc_settings is not None,
        "latches_pct": {"soc": state.ratchet.latched_pct} if soc_settings else {},
        "cut": ("soc",) if state.ratchet.is_cut else (),
        "changed_at": {miner: held.changed_at for miner, held in state.held.items()},
        "held_w": {miner: held.power_w for miner, held in state.held.items()},
        "resting_w": {miner: state.resting_w[miner] for miner in state.has_spoken if miner in state.resting_w},
    }
    fingerprint = tuple((key, repr(value)) for key, value in memory.items())
    is_nothing = state.remembered is None and not state.has_spoken and soc_settings is None
    if fingerprint == state.remembered or is_nothing:
        return state, said
    return replace(state, remembered=fingerprint), [*said, ControlState(site=state.site, at=now, **memory)]
