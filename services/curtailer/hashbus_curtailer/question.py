"""What the step asks the solver, and what it gets for an answer: values only, so that the step stays pure."""

from __future__ import annotations

from dataclasses import dataclass

from hashbus_curtailer.fleet import Candidate
from hashbus_curtailer.select import Selection
from hashbus_curtailer.strategy import Aim

GAP = 1e-4
"""A choice this near the bound, as a fraction of its cost, is as good as the best."""


@dataclass(frozen=True)
class Question:
    """A selection to be bettered: on which candidates it was made, by which aim, and within which time."""

    plan: str
    candidates: tuple[Candidate, ...]
    selection: Selection
    aim: Aim
    overshoot_w: float
    within_s: float


@dataclass(frozen=True)
class Answer:
    """The best selection that was found for a question."""

    question: Question
    selection: Selection


def is_worth_asking(selection: Selection) -> bool:
    """Say whether a solver could better the selection by more than a hair."""
    return selection.missing_w == 0 and selection.gap > GAP
