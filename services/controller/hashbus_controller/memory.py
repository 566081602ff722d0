"""What must survive a restart, into retained messages and back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from hashbus.messages import ControlState, Message, MinerControl, PolicyMemory
from hashbus_controller import switch
from hashbus_controller.costs import Cost
from hashbus_controller.held import Held
from hashbus_controller.state import State


def recalled(state: State, memory: ControlState) -> State:
    """Take back, once after a start, what an earlier run of the controller remembered of the site."""
    if state.is_recalled:
        return state
    memories = dict(state.memories)
    for name, policy in state.policies.remembering:
        memories[name] = policy.recalled(memories[name], _kept(memory, name))
    state = replace(state, memories=memories, is_recalled=True)
    if state.settings.auto_control == "remembered":
        # A request that was heard before is newer than this memory, or it is in it.
        newer = state.switch.since and state.switch.since > (memory.enabled_since or memory.at)
        state = state if newer else replace(state, switch=switch.recalled(memory))
    for miner, changed_at in memory.changed_at.items():
        resting_w = memory.resting_w.get(miner)
        held_w = memory.held_w.get(miner, 0.0)
        state = _with_miner(state, miner, Held(held_w, "", memory.at, changed_at), resting_w)
    return state


def _kept(memory: ControlState, name: str) -> PolicyMemory:
    found = memory.policies.get(name)
    if found is not None:
        return found
    numbers = {"latched_pct": memory.latches_pct[name]} if name in memory.latches_pct else {}
    return PolicyMemory(numbers=numbers, flags={"is_cut": name in memory.cut})


def recalled_miner(state: State, memory: MinerControl) -> State:
    """Take back what an earlier run remembered of a miner; what this run has decided itself is newer."""
    miner = memory.miner
    if miner in state.held:
        return state
    held = Held(memory.held_w, "", memory.at, memory.changed_at, restarts_at=memory.restarts_at)
    state = _with_miner(state, miner, held, memory.resting_w)
    if memory.ramp_s is None:
        return state
    cost = Cost(memory.ramp_s, memory.restart_loss_th or 0.0, memory.ramps_seen)
    return replace(state, costs=state.costs.insert(miner, cost))


def _with_miner(state: State, miner: str, held: Held, resting_w: float | None) -> State:
    if miner in state.held:
        return state
    resting = state.resting_w if resting_w is None else state.resting_w.insert(miner, resting_w)
    held_by = state.held.insert(miner, held)
    parked = state.parked if state.is_enabled else state.parked.insert(miner, held)
    return replace(state, held=held_by, resting_w=resting, parked=parked, dirty=state.dirty.insert(miner))


def of_miner(state: State, miner: str, held: Held, now: datetime) -> MinerControl:
    """Return what must survive of a miner."""
    cost = state.costs.get(miner)
    return MinerControl(
        site=state.site,
        at=now,
        miner=miner,
        held_w=held.power_w,
        changed_at=held.changed_at,
        resting_w=state.resting_w.get(miner),
        restarts_at=held.restarts_at,
        ramp_s=round(cost.ramp_s, 1) if cost else None,
        restart_loss_th=round(cost.loss_th, 1) if cost else None,
        ramps_seen=cost.seen if cost else 0,
    )


def of_site(state: State, now: datetime) -> ControlState:
    """Return what must survive of the site."""
    kept = {name: policy.kept(state.memories[name]) for name, policy in state.policies.remembering}
    stands = state.switch
    return ControlState(
        site=state.site,
        at=now,
        is_enabled=stands.is_enabled,
        enabled_by=stands.by,
        enabled_why=stands.why,
        enabled_since=stands.since,
        enabled_until=stands.until,
        latches_pct={name: one.numbers["latched_pct"] for name, one in kept.items() if "latched_pct" in one.numbers},
        cut=tuple(name for name, one in kept.items() if one.flags.get("is_cut")),
        policies=kept,
        miners=len(state.held),
    )


def news(state: State, messages: list[Message]) -> tuple[State, list[Message]]:
    """Return those of these retained messages that say something new, and remember that they were said."""
    told = {**state.told}
    new = []
    for message in messages:
        address = message.address()
        before = told.get(address)
        if before is None or not _is_same(before, message):
            told[address] = message
            new.append(message)
    return (replace(state, told=told), new) if new else (state, [])


def _is_same(before: Message, message: Message) -> bool:
    """Say whether two messages differ in nothing but when they were made."""
    return all(value == getattr(before, name) for name, value in message if name != "at")
