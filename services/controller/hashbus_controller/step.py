"""The controller's decision: what is known, what was heard and when; out come setpoints, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from rpds import HashTrieSet

from hashbus.messages import (
    BatteryTelemetry,
    ControlRequest,
    ControlState,
    CurtailmentPlan,
    Message,
    MinerControl,
    MinerInfo,
    MinerTelemetry,
    PowerRequest,
)
from hashbus.step import Tick
from hashbus_controller.decide import affected, verdicts
from hashbus_controller.knowing import known
from hashbus_controller.learning import watched_change
from hashbus_controller.memory import news, of_miner, of_site
from hashbus_controller.patience import unheard
from hashbus_controller.say import asserted
from hashbus_controller.standing import replaced
from hashbus_controller.state import ALL, State

HEARS: tuple[type[Message], ...] = (MinerInfo, MinerTelemetry, ControlRequest, ControlState, MinerControl)
"""What the step itself hears; the policies add theirs."""

DECIDES_AT_ONCE = (Tick, BatteryTelemetry, PowerRequest, CurtailmentPlan, ControlRequest)
"""Upon anything else is decided with the next tick, so that the readings of a farm cost no decision each."""

SETTLING = timedelta(seconds=5)
"""A site that starts reports one miner after the other; a shared limit is split when all are there."""

CROWD = 200
BREATH = timedelta(milliseconds=500)
BREATH_A_MINER = timedelta(microseconds=200)
"""A decision over so many miners is made at most so often; a burst of requests is decided upon together."""


def hears(state: State) -> tuple[type[Message], ...]:
    """Return every message that the step or one of its policies listens to."""
    return tuple(dict.fromkeys((*HEARS, *(kind for policy in state.policies.every for kind in policy.hears))))


def step(state: State, heard: Message | Tick, now: datetime) -> tuple[State, Iterable[Message]]:
    """Take in what was heard, and decide anew unless that can wait for the next tick."""
    state = known(state if state.started_at else replace(state, started_at=now), heard, now)
    if not isinstance(heard, DECIDES_AT_ONCE) or (state.started_at and now - state.started_at < SETTLING):
        return state, ()
    return decided(state, now)


def decided(state: State, now: datetime) -> tuple[State, list[Message]]:
    """Decide about the miners that anything new concerns, and return what is news or due for renewal."""
    state = _bidding(state, now)
    due, miners = state.due.taken(now)
    state, judged = _judged(replace(state, due=due), now)
    state, said = _said(state, dict.fromkeys([*judged, *miners]), now)
    said += [of_miner(state, miner, state.held[miner], now) for miner in state.learnt if miner in state.held]
    if state.learnt:
        state = replace(state, learnt=HashTrieSet())
    state, site_said = news(state, [*_of_policies(state, now), *_of_memory(state, now)])
    return replace(state, kept=(state.memories, state.switch, len(state.held))), [*said, *site_said]


def _bidding(state: State, now: datetime) -> State:
    """Let every policy bid; where something else is asked than before, its miners are to be decided about."""
    standing, dirty = state.standing, state.dirty
    for policy in state.policies.every:
        standing, scopes = replaced(standing, policy.name, policy.bids(state.memories[policy.name], now, state))
        for scope in scopes:
            dirty = dirty.insert(scope)
    is_waiting = state.is_waiting and unheard(state, now) is not None
    if is_waiting != state.is_waiting:
        dirty = dirty.insert(ALL)
    return replace(state, standing=standing, dirty=dirty, is_waiting=is_waiting)


def _judged(state: State, now: datetime) -> tuple[State, list[str]]:
    """Arbitrate for the miners that anything new concerns; a crowd of them waits for the next breath."""
    if not state.dirty:
        return state, []
    miners = affected(state)
    breath = max(BREATH, BREATH_A_MINER * len(miners))
    is_early = state.judged_at is not None and timedelta(0) <= now - state.judged_at < breath
    if len(miners) > CROWD and is_early:
        return state, []
    known_verdicts = state.verdicts
    for miner, verdict in verdicts(state, miners, now).items():
        known_verdicts = known_verdicts.insert(miner, verdict)
    return replace(state, verdicts=known_verdicts, dirty=HashTrieSet(), judged_at=now), sorted(miners)


def _said(state: State, miners: Iterable[str], now: datetime) -> tuple[State, list[Message]]:
    """Assert the verdicts. Whom nobody asks anything of is left alone, until somebody once did."""
    held, ramps, number = state.held, state.ramps, state.number
    said: list[Message] = []
    due: list[tuple[str, datetime]] = []
    for miner in miners:
        verdict = state.verdicts.get(miner)
        if verdict is None or not (verdict.is_asked or miner in state.held):
            continue
        new = asserted(state, miner, verdict, f"d{int(now.timestamp())}-{number + 1}", now)
        if new is None:
            continue
        number += new.is_news
        held = held.insert(miner, new.held)
        if new.is_change:
            ramps = watched_change(state, ramps, miner, new.held.power_w, now)
        if new.held.due_at is not None:
            due.append((miner, new.held.due_at))
        said += new.said
    return replace(state, held=held, ramps=ramps, number=number, due=state.due.added(due)), said


def _of_memory(state: State, now: datetime) -> list[Message]:
    """Return what must survive a restart, unless nothing of it can have changed."""
    if state.kept is not None:
        memories, switch, miners = state.kept
        if memories is state.memories and switch is state.switch and miners == len(state.held):
            return []
    return [of_site(state, now)]


def _of_policies(state: State, now: datetime) -> list[Message]:
    told: list[Message] = []
    for name, policy in state.policies.telling:
        told += policy.tells(state.memories[name], now, state)
    return told
