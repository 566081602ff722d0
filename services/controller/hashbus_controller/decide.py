"""One power for each miner in question, from all bids that stand: shared bids first split, then all arbitrated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from hashbus.messages import BidEffect, MinerInfo
from hashbus.power import target
from hashbus_controller.arbiter import Outcome, Verdict, arbitrate
from hashbus_controller.bids import AUTOMATIC, SITE, Bid
from hashbus_controller.costs import efficiency
from hashbus_controller.split import Sharer, split
from hashbus_controller.state import ALL, State

THE_SWITCH = "the switch of automatic control, which is off"
"""By what a bid is blocked that counts only while automatic control is on."""


def affected(state: State) -> set[str]:
    """Return the miners whose power what has changed may concern.

    A shared bid splits anew whenever one of those who share in it changes, so all of them are in question.
    """
    if ALL in state.dirty or SITE in state.dirty or (state.dirty and state.standing.of(SITE)):
        return {miner for miner in state.infos if state.is_ruled(miner)}
    found: set[str] = set()
    for scope in state.dirty:
        info = state.infos.get(scope)
        if info is not None:
            found.add(scope)
        group = info.group if info is not None and info.group and state.standing.of(info.group) else scope
        found.update(state.groups.get(group, ()))
    return {miner for miner in found if state.is_ruled(miner)}


def verdicts(state: State, miners: Iterable[str], now: datetime) -> dict[str, Verdict]:
    """Return what each of these miners may draw; those who share in a bid must all be among them."""
    infos = {miner: state.infos[miner] for miner in miners}
    own = {miner: _counting(state, miner, now) for miner in infos}
    tops = {miner: (highest(state, info), resting(state, info)) for miner, info in infos.items()}
    shared = _shared(state, infos.values(), now)
    if shared:
        sharers = [_sharer(state, info, own[miner], tops[miner]) for miner, info in infos.items()]
        for miner, parts in split(shared, sharers).items():
            own[miner] += parts
    return {miner: _explained(state, infos[miner], own[miner], tops[miner], now) for miner in infos}


def _explained(state: State, info: MinerInfo, bids: list[Bid], top: tuple[float, float], now: datetime) -> Verdict:
    verdict = arbitrate(bids, *top)
    if state.is_enabled:
        return verdict
    silenced = tuple(
        Outcome(bid, BidEffect.BLOCKED, THE_SWITCH)
        for scope in (info.miner, info.group, SITE)
        for bid in (state.standing.of(scope) if scope else ())
        if bid.rank in AUTOMATIC and bid.until > now
    )
    stays = f"{state.switch.words}; it stays at {top[1]:g} W" if verdict.rank is None else verdict.why
    return replace(verdict, why=stays, outcomes=(*verdict.outcomes, *silenced))


def _counting(state: State, scope: str, now: datetime) -> list[Bid]:
    bids = state.standing.of(scope)
    if state.is_enabled:
        return [bid for bid in bids if bid.until > now]
    return [bid for bid in bids if bid.until > now and bid.rank not in AUTOMATIC]


def _shared(state: State, infos: Iterable[MinerInfo], now: datetime) -> list[Bid]:
    scopes = {SITE, *(info.group for info in infos if info.group)}
    return [bid for scope in scopes for bid in _counting(state, scope, now)]


def highest(state: State, info: MinerInfo) -> float:
    """Return the most a miner draws: what it says, its levels, its rating, or else the power its owner gave it."""
    known = info.max_power_w or max((level.power_w for level in info.power_levels), default=0.0) or info.rated_power_w
    if known:
        return known
    reading = state.readings.get(info.miner)
    shown = reading and (reading.power_limit_w or reading.power_w)
    return state.resting_w.get(info.miner) or shown or 0.0


def resting(state: State, info: MinerInfo) -> float:
    """Return what a miner draws when nobody asks for anything: what it was found at.

    While automatic control is off it stays where it was when that was switched off.
    """
    highest_w = highest(state, info)
    parked = None if state.is_enabled else state.parked.get(info.miner)
    return min(parked.power_w if parked else state.resting_w.get(info.miner, highest_w), highest_w)


def least(info: MinerInfo) -> float:
    """Return the least a miner runs at."""
    levels = [level.power_w for level in info.power_levels if level.power_w > 0]
    return min(levels, default=info.min_power_w or 0.0)


def _sharer(state: State, info: MinerInfo, own: list[Bid], top: tuple[float, float]) -> Sharer:
    # The rated figure first: the measured one moves with every reading, and with it would the order.
    j_per_th = efficiency(info, state.readings.get(info.miner))
    return Sharer(info.miner, info.group, own, least(info), *top, j_per_th)


def reachable_w(power_w: float, info: MinerInfo) -> float | None:
    """Return what the miner can really take at or below `power_w`; None when nobody can tell it anything."""
    goal = target(power_w, info)
    return None if goal is None else goal.power_w
