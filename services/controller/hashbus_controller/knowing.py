"""Takes in what was heard: devices, what is asked, the switch, and what an earlier run remembered."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from rpds import HashTrieSet

from hashbus.messages import ControlRequest, ControlState, Message, MinerControl, MinerInfo, MinerTelemetry
from hashbus.step import Tick
from hashbus_controller import switch
from hashbus_controller.learning import learnt_from
from hashbus_controller.memory import recalled, recalled_miner
from hashbus_controller.state import ALL, State


def known(state: State, heard: Message | Tick, now: datetime) -> State:
    """Return the state with what was heard in it, also in the memories of the policies that listen to it."""
    if isinstance(heard, MinerTelemetry):
        state = learnt_from(_with_reading(state, heard), heard)
    elif isinstance(heard, Tick):
        state = switched(state, switch.turned(state.switch, now))
    elif isinstance(heard, MinerInfo):
        state = _with_info(state, heard)
    elif isinstance(heard, ControlRequest):
        state = _with_request(state, heard, now)
    elif isinstance(heard, ControlState):
        return recalled(state, heard)
    elif isinstance(heard, MinerControl):
        return recalled_miner(state, heard)
    return _told_policies(state, heard, now)


def _told_policies(state: State, heard: Message | Tick, now: datetime) -> State:
    changed: dict[str, Any] = {}
    for policy in state.policies.every:
        if isinstance(heard, (Tick, *policy.hears)):
            before = state.memories[policy.name]
            after = policy.heard(before, heard, now, state)
            if after is not before:
                changed[policy.name] = after
    return replace(state, memories={**state.memories, **changed}) if changed else state


def _with_info(state: State, info: MinerInfo) -> State:
    before = state.infos.get(info.miner)
    if before is not None and before.model_copy(update={"at": info.at}) == info:
        return state
    groups = state.groups
    if before is not None and before.group and before.group != info.group:
        groups = groups.insert(before.group, groups[before.group].discard(info.miner))
    if info.group:
        groups = groups.insert(info.group, groups.get(info.group, HashTrieSet()).insert(info.miner))
    dirty = state.dirty.insert(info.miner)
    if before is not None and before.group and before.group != info.group:
        dirty = dirty.insert(before.group)
    return replace(state, infos=state.infos.insert(info.miner, info), groups=groups, dirty=dirty)


def _with_reading(state: State, reading: MinerTelemetry) -> State:
    miner = reading.miner
    readings = state.readings.insert(miner, reading)
    if miner in state.held or not reading.power_limit_w or reading.power_limit_w == state.resting_w.get(miner):
        return replace(state, readings=readings)
    # Nobody has told it anything yet: this is the power its owner gave it.
    resting_w = state.resting_w.insert(miner, reading.power_limit_w)
    return replace(state, readings=readings, resting_w=resting_w, dirty=state.dirty.insert(miner))


def _with_request(state: State, request: ControlRequest, now: datetime) -> State:
    is_old = state.started_at is not None and request.at < state.started_at
    if is_old and state.settings.auto_control != "remembered":
        return state
    return switched(state, switch.turned(switch.asked(state.switch, request), now))


def switched(state: State, after: switch.Switch) -> State:
    """Turn the switch; off, the miners stay where they are."""
    before = state.switch
    if after == before:
        return state
    if after.is_enabled == before.is_enabled:
        return replace(state, switch=after)
    parked = state.parked if after.is_enabled else state.held
    return replace(state, switch=after, parked=parked, dirty=state.dirty.insert(ALL))
