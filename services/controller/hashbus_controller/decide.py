"""One power for each miner, from all bids that are alive: shared bids first split, then all arbitrated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hashbus.messages import MinerInfo
from hashbus.power import target
from hashbus_controller.arbiter import RANKS, Verdict, arbitrate
from hashbus_controller.bids import SITE, Bid
from hashbus_controller.sharing import Member, shares
from hashbus_controller.state import State


def verdicts(state: State, bids: Sequence[Bid], miners: Mapping[str, MinerInfo]) -> dict[str, Verdict]:
    """Return what each miner may draw.

    Bids for groups and the site are split from the strongest rank down, each among miners at the power that the bids
    split so far leave them, so that a site cap counts what a grid order has already taken.
    """
    own = {miner: [bid for bid in bids if bid.scope == miner] for miner in miners}
    shared = sorted((bid for bid in bids if bid.scope not in miners), key=lambda bid: (RANKS.index(bid.rank), bid.key))
    for bid in shared:
        members = [
            _member(state, info, _arbitrated(state, info, own[miner]))
            for miner, info in miners.items()
            if bid.scope in (SITE, info.group)
        ]
        for miner, part in shares(bid, members).items():
            own[miner].append(part)
    return {miner: _arbitrated(state, info, own[miner]) for miner, info in miners.items()}


def _arbitrated(state: State, info: MinerInfo, bids: Sequence[Bid]) -> Verdict:
    highest_w = highest(state, info)
    return arbitrate(bids, highest_w, min(state.resting_w.get(info.miner, highest_w), highest_w))


def highest(state: State, info: MinerInfo) -> float:
    """Return the most a miner draws: what it says, its levels, its rating, or else the power its owner gave it."""
    reading = state.readings.get(info.miner)
    levels = [level.power_w for level in info.power_levels]
    known = info.max_power_w or max(levels, default=0.0) or info.rated_power_w
    shown = reading and (reading.power_limit_w or reading.power_w)
    return known or state.resting_w.get(info.miner) or shown or 0.0


def least(info: MinerInfo) -> float:
    """Return the least a miner runs at."""
    levels = [level.power_w for level in info.power_levels if level.power_w > 0]
    return min(levels, default=info.min_power_w or 0.0)


def _member(state: State, info: MinerInfo, verdict: Verdict) -> Member:
    reading = state.readings.get(info.miner)
    rated_w, rated_ths = info.rated_power_w, info.rated_hashrate_ths
    rated = rated_w / rated_ths if rated_w and rated_ths else None
    measured = reading.efficiency_j_per_th if reading else None
    # The rated figure first: the measured one moves with every reading, and with it would the order.
    return Member(info.miner, verdict.power_w, least(info), highest(state, info), rated or measured)


def reachable_w(power_w: float, info: MinerInfo) -> float | None:
    """Return what the miner can really take at or below `power_w`; None when nobody can tell it anything."""
    goal = target(power_w, info)
    return None if goal is None else goal.power_w
