"""A decision computed again from itself alone: the proof that it says everything that counted."""

from __future__ import annotations

from hashbus.messages import Decision, MinerIdentity, Reach
from hashbus.power import target
from hashbus_controller.arbiter import power_of
from hashbus_controller.bids import AUTOMATIC, of_heard


def reach_of(who: MinerIdentity) -> Reach:
    """Return what a miner can do about its power."""
    return Reach(
        capabilities=who.capabilities,
        min_power_w=who.min_power_w,
        max_power_w=who.max_power_w,
        rated_power_w=who.rated_power_w,
        power_step_w=who.power_step_w,
        power_levels=who.power_levels,
    )


def replayed(decision: Decision) -> float | None:
    """Return the watts that follow from a decision's own bids, bounds and steps.

    What waited stays at the power before. None for decisions of release 0.1.0, which do not say enough.
    """
    if decision.highest_w is None or decision.resting_w is None or decision.reach is None:
        return None
    if decision.held_back_by is not None:
        return decision.previous_w
    heard = [bid for bid in decision.bids if decision.is_automatic or bid.rank not in AUTOMATIC]
    power_w = power_of([of_heard(bid) for bid in heard], decision.highest_w, decision.resting_w)
    goal = target(power_w, MinerIdentity(**dict(decision.reach)))
    return None if goal is None else goal.power_w
