"""When a machine has paid itself back: pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

from hashbus.economics import DAYS_PER_MONTH

LONGEST_DAYS = 20 * 365
"""Nothing of what a calculation assumes today holds for longer than that; nor does a miner."""

NEVER_DAYS = 1e6
"""A machine that needs 2,700 years does not pay itself back."""


@dataclass(frozen=True, slots=True)
class CashFlow:
    """Money a day: what mining brings, what else comes in (heat), and what goes out."""

    mined: float
    other_income: float
    costs: float

    @property
    def net(self) -> float:
        """Return what is left of a day now."""
        return self.mined + self.other_income - self.costs


def payback_days(invested: float, flow: CashFlow, difficulty_growth_pct: float = 0.0) -> float | None:
    """Return the days until `invested` is back; None is never (a loss has no return, decision D3).

    With growth the same machine's share falls day by day: mined * (1 + growth) ** -months. Then it is never where the
    days' results have turned to losses before, or where it takes longer than 20 years.
    """
    if difficulty_growth_pct == 0:
        return invested / flow.net if flow.net * NEVER_DAYS > invested else None
    a_day = (1 + difficulty_growth_pct / 100) ** (-1 / DAYS_PER_MONTH)
    left, mined = invested, flow.mined
    for day in range(LONGEST_DAYS):
        net = mined + flow.other_income - flow.costs
        if net >= left:
            return day + left / net
        if net <= 0 and a_day <= 1:
            return None
        left -= net
        mined *= a_day
    return None
