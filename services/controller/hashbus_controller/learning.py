"""Learns what a change costs: watches every miner after a change of its power, and averages."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rpds import HashTrieMap

from hashbus.messages import MinerTelemetry
from hashbus_controller import costs
from hashbus_controller.costs import Ramp
from hashbus_controller.fast import is_free
from hashbus_controller.patience import held_or_found
from hashbus_controller.state import State


def watched_change(
    state: State, ramps: HashTrieMap[str, Ramp], miner: str, power_w: float, now: datetime
) -> HashTrieMap[str, Ramp]:
    """Begin to watch a change of a miner's power; one that was being watched is cut short by it and teaches nothing."""
    info, reading = state.infos[miner], state.readings.get(miner)
    before = held_or_found(state, miner, now)
    is_same = before is None or before.power_w == power_w or is_free(state, info, before, power_w, now)
    ramp = None if is_same else costs.begun(reading, power_w, costs.efficiency(info, reading), now)
    return ramps.discard(miner) if ramp is None else ramps.insert(miner, ramp)


def learnt_from(state: State, reading: MinerTelemetry) -> State:
    """Take in a reading of a miner whose change is being watched."""
    ramp = state.ramps.get(reading.miner)
    if ramp is None:
        return state
    goes_on, seen = costs.watched(ramp, reading)
    ramps = state.ramps.insert(reading.miner, goes_on) if goes_on else state.ramps.discard(reading.miner)
    state = replace(state, ramps=ramps)
    if seen is None:
        return state
    cost = costs.learnt(state.costs.get(reading.miner), *seen)
    return replace(state, costs=state.costs.insert(reading.miner, cost), learnt=state.learnt.insert(reading.miner))
