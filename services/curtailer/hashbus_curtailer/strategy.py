"""What a plan should cost least of: hashrate, money, or restarts. Each strategy is one formula; pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashbus_curtailer.fleet import Candidate, Option

FEWEST_TIE = 1e-6
"""Between plans that touch as many miners, the one that loses less hashrate."""

USUAL_S = 4 * 3600.0
"""How long a curtailment lasts when nobody says it (S3.30)."""


class Strategy(StrEnum):
    """What a plan should cost least of."""

    PERFORMANCE_PRIORITY = "performance_priority"
    REVENUE = "revenue"
    FEWEST_RESTARTS = "fewest_restarts"


@dataclass(frozen=True, slots=True)
class Aim:
    """A strategy, and what its formula needs to know: how long the plan lasts."""

    strategy: Strategy = Strategy.PERFORMANCE_PRIORITY
    lasts_s: float = USUAL_S

    def cost(self, candidate: Candidate, option: Option) -> float:
        """Return what one miner's part costs: TH/s lost, TH/s hours not earned, or miners touched."""
        if self.strategy is Strategy.REVENUE:
            return lost_ths_hours(candidate, option, self.lasts_s)
        if self.strategy is Strategy.FEWEST_RESTARTS:
            return float(candidate.restarts or option.cap_w == 0) + FEWEST_TIE * option.loses_ths
        # The least hashrate for the watts: the miners of the worst J/TH first (S3.23).
        return option.loses_ths


def lost_ths_hours(candidate: Candidate, option: Option, lasts_s: float) -> float:
    """Return the work that is not done and so not paid for, in TH/s times hours.

    Besides the time of the plan that is the ramp after it, and for a miner that runs on at less power and restarts for
    that, the ramp at its beginning too. The power that is not paid for is the same for every choice that saves the
    same watts, so it decides nothing between them.
    """
    lost = option.loses_ths * lasts_s
    if candidate.restarts or option.cap_w == 0:
        lost += candidate.hashrate_ths * candidate.ramp_s
    if candidate.restarts and option.cap_w > 0:
        lost += (candidate.hashrate_ths - option.loses_ths) * candidate.ramp_s
    return lost / 3600
