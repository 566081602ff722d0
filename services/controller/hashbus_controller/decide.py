"""One power for each miner in question, from all bids that stand: shared bids first split, then all arbitrated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from hashbus.messages import BidEffect, MinerInfo
from hashbus.power import target
from hashbus_controller.arbiter import STRENGTH, Outcome, Verdict, arbitrate, power_of
from hashbus_controller.bids import AUTOMATIC, SITE, Bid
from hashbus_controller.costs import efficiency
from hashbus_controller.sharing import Member, shares
from hashbus_controller.state import ALL, State


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
    """Return what each of these miners may draw; those who share in a bid must all be among them.

    Bids for groups and the site are split from the strongest rank down, each among miners at the power that the bids
    split so far leave them, so that a site cap counts what a grid order has already taken.
    """
    infos = {miner: state.infos[miner] for miner in miners}
    own = {miner: _counting(state, miner, now) for miner in infos}
    tops = {miner: (highest(state, info), resting(state, info)) for miner, info in infos.items()}
    shared = _shared(state, infos.values(), now)
    powers = {miner: power_of(own[miner], *tops[miner]) for miner in infos} if shared else {}
    for bid in shared:
        inside = [miner for miner, info in infos.items() if bid.scope in (SITE, info.group)]
        members = [_member(state, infos[miner], powers[miner], tops[miner][0]) for miner in inside]
        for miner, part in shares(bid, members).items():
            own[miner].append(part)
            powers[miner] = power_of(own[miner], *tops[miner])
    return {miner: _explained(state, infos[miner], own[miner], tops[miner], now) for miner in infos}


def _explained(state: State, info: MinerInfo, bids: list[Bid], top: tuple[float, float], now: datetime) -> Verdict:
    verdict = arbitrate(bids, *top)
    if state.is_enabled:
        return verdict
    silenced = tuple(
        Outcome(bid, BidEffect.BLOCKED, state.switch.words)
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
    found = [bid for scope in scopes for bid in _counting(state, scope, now)]
    return sorted(found, key=lambda bid: (STRENGTH[bid.rank], bid.key))


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


def _member(state: State, info: MinerInfo, power_w: float, most_w: float) -> Member:
    # The rated figure first: the measured one moves with every reading, and with it would the order.
    return Member(info.miner, power_w, least(info), most_w, efficiency(info, state.readings.get(info.miner)))


def reachable_w(power_w: float, info: MinerInfo) -> float | None:
    """Return what the miner can really take at or below `power_w`; None when nobody can tell it anything."""
    goal = target(power_w, info)
    return None if goal is None else goal.power_w
