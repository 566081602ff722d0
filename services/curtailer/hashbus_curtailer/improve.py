"""Betters a selection with PuLP and its CBC solver, within a time limit; never worse than what it was given.

Only options that a better choice could contain are given to the solver: one whose cost above the margin is more than
the gap to the bound is in no better choice (reduced-cost fixing by the Lagrangian bound). What is left is small
also for a hundred thousand miners.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pulp  # type: ignore[import-untyped]  # it brings no types

from hashbus_curtailer.question import GAP, Answer, Question
from hashbus_curtailer.select import Counts, Group, Selection, chosen, fitted, grouped


def improved(question: Question) -> Answer:
    """Return a selection that saves at least as much as asked and costs no more than the given one.

    It overshoots by no more than is allowed, or than the given one does, whichever is more.
    """
    given = question.selection
    groups = grouped(question.candidates, question.aim.cost)
    free, counts = _narrowed(groups, given)
    if not free:
        return Answer(question, given)
    most_w = given.target_w + max(question.overshoot_w, given.overshoot_w)
    problem = _Problem(groups, counts, free, least_w=given.target_w, most_w=most_w)
    solved = _solved(problem, gap=given.cost * GAP, within_s=question.within_s)
    if solved is None:
        return Answer(question, given)
    better = fitted(chosen(groups, solved, given), question.aim)
    is_right = given.target_w <= better.saves_w <= most_w
    return Answer(question, better if is_right and better.cost < given.cost else given)


BUNDLED_CBC = pulp.PULP_CBC_CMD.pulp_cbc_path
"""The solver that comes with PuLP, so that none need be installed."""

Free = list[tuple[int, int]]
"""Group and option pairs about which the solver decides."""


@dataclass(frozen=True)
class _Problem:
    """What is left to decide, beside what is fixed, and how much it must save together."""

    groups: Sequence[Group]
    counts: Counts
    free: Free
    least_w: float
    most_w: float

    def fixed_w(self) -> float:
        """Return what is saved by what is fixed."""
        return sum(
            count * saves_w
            for group, taken in zip(self.groups, self.counts, strict=True)
            for saves_w, count in zip(group.saves_w, taken, strict=True)
        )


def _narrowed(groups: Sequence[Group], given: Selection) -> tuple[Free, Counts]:
    """Return what is left to decide, and the counts of everything else."""
    price = given.price
    lowest = [
        min(cost - price * saves_w for saves_w, cost in zip(group.saves_w, group.costs, strict=True))
        for group in groups
    ]
    bound = price * given.target_w + sum(
        len(group.members) * least for group, least in zip(groups, lowest, strict=True)
    )
    gap = max(0.0, given.cost - bound) + 1e-9
    free: Free = []
    counts: Counts = []
    for index, group in enumerate(groups):
        counts.append([0] * len(group.saves_w))
        open_options = [
            option
            for option, (saves_w, cost) in enumerate(zip(group.saves_w, group.costs, strict=True))
            if cost - price * saves_w - lowest[index] <= gap
        ]
        if len(open_options) == 1:
            counts[index][open_options[0]] = len(group.members)
        else:
            free += [(index, option) for option in open_options]
    return free, counts


def _solved(asked: _Problem, *, gap: float, within_s: float) -> Counts | None:
    """Return the counts that CBC finds within `gap` of the least cost; None when it finds none in time.

    In each group the first open option is what is left: so two options of one miner are one binary and no constraint.
    """
    groups = asked.groups
    problem = pulp.LpProblem("curtailment", pulp.LpMinimize)
    takes: dict[tuple[int, int], pulp.LpVariable] = {}
    saved, cost = [], []
    least_w, most_w = asked.least_w - asked.fixed_w(), asked.most_w - asked.fixed_w()
    for index, (rest, *others) in _by_group(asked.free):
        group = groups[index]
        least_w -= len(group.members) * group.saves_w[rest]
        most_w -= len(group.members) * group.saves_w[rest]
        for option in others:
            take = problem.add_variable(f"x{index}_{option}", 0, len(group.members), pulp.LpInteger)
            takes[index, option] = take
            saved.append((take, group.saves_w[option] - group.saves_w[rest]))
            cost.append((take, group.costs[option] - group.costs[rest]))
        if len(others) > 1:
            problem.addConstraint(pulp.lpSum(takes[index, option] for option in others) <= len(group.members))
    problem.setObjective(pulp.LpAffineExpression(cost))
    problem.addConstraint(pulp.LpAffineExpression(saved) >= least_w)
    problem.addConstraint(pulp.LpAffineExpression(saved) <= most_w)
    return _counts(asked, takes) if _is_solved(problem, gap, within_s) else None


def _is_solved(problem: pulp.LpProblem, gap: float, within_s: float) -> bool:
    try:
        problem.solve(pulp.COIN_CMD(path=BUNDLED_CBC, msg=False, timeLimit=within_s, gapAbs=gap, threads=1))
    except pulp.PulpSolverError:
        # A machine that CBC does not run on keeps the first answer.
        return False
    return problem.sol_status in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible)


def _counts(asked: _Problem, takes: dict[tuple[int, int], pulp.LpVariable]) -> Counts:
    solved = [list(taken) for taken in asked.counts]
    for index, (rest, *others) in _by_group(asked.free):
        for option in others:
            solved[index][option] = round(takes[index, option].value() or 0.0)
        solved[index][rest] = len(asked.groups[index].members) - sum(solved[index][option] for option in others)
    return solved


def _by_group(free: Free) -> Iterator[tuple[int, list[int]]]:
    found: dict[int, list[int]] = {}
    for index, option in free:
        found.setdefault(index, []).append(option)
    yield from found.items()
