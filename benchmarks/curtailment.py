"""How fast miners are chosen for a curtailment, beside the plain model of S3.24 given to PuLP and CBC in the same run.

A mixed farm of about 3.25 kW and 110 TH/s each gives up 40 % of its power. "first" is the answer that a plan is made of
at once; "final" is that and whatever more it takes until no choice can be 0.01 % better. The plain model has a binary a
miner and option and gets 60 s; for 100,000 miners with six levels it is left out.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence

import pulp

from benchmarks.figures import Figure
from hashbus_curtailer.fleet import Candidate, Option
from hashbus_curtailer.improve import BUNDLED_CBC, improved
from hashbus_curtailer.question import GAP, Question, is_worth_asking
from hashbus_curtailer.select import Selection, select
from hashbus_curtailer.strategy import Aim

SIZES, QUICK_SIZES = (100, 1538, 10_000, 100_000), (100,)
LEVELS = (0.5, 0.6, 0.7, 0.8, 0.9)
OVERSHOOT_W = 50.0
WITHIN_S = 30.0
PLAIN_WITHIN_S = 60.0
PLAIN_OPTIONS = 100_000
ROUNDS = 3

FIRST_TARGETS = {1538: "<= 50"}
FINAL_TARGETS = {1538: "<= 1000", 100_000: "<= 30,000"}
OVERSHOOT_TARGETS = {1538: "<= 50"}


async def measure(*, quick: bool) -> list[Figure]:
    """Measure every size, asleep only and with six levels."""
    return [
        figure
        for count in (QUICK_SIZES if quick else SIZES)
        for levels, name in (((), "asleep"), (LEVELS, "levels"))
        for figure in _figures(f"curtail_{count}_{name}", _farm(count, levels), count)
    ]


def _farm(count: int, levels: Sequence[float]) -> list[Candidate]:
    chance = random.Random(1)  # noqa: S311 (a farm, not a key)
    miners = []
    for number in range(count):
        power_w, hashrate_ths = chance.gauss(3250, 120), chance.gauss(110, 5)
        caps_w = (*(power_w * level for level in reversed(levels)), 0.0)
        options = tuple(Option(cap_w, power_w - cap_w, hashrate_ths * (1 - cap_w / power_w)) for cap_w in caps_w)
        miners.append(Candidate(f"m{number}", power_w, hashrate_ths, options))
    return miners


def _figures(name: str, farm: list[Candidate], count: int) -> Iterator[Figure]:
    target_w = 0.4 * sum(miner.power_w for miner in farm)
    first_ms, first = min((_first(farm, target_w) for _ in range(ROUNDS)), key=lambda taken: taken[0])
    final_ms, final = _final(farm, first)
    lost = f"loses {first.loses_ths / 1000:,.3f} PH/s, gap {first.gap:.1e}, overshoot {first.overshoot_w:.1f} W"
    yield Figure(f"{name}_first", first_ms, "ms", FIRST_TARGETS.get(count, ""), lost)
    lost = f"loses {final.loses_ths / 1000:,.3f} PH/s, gap {final.gap:.1e}"
    yield Figure(f"{name}_final", first_ms + final_ms, "ms", FINAL_TARGETS.get(count, ""), lost)
    yield Figure(f"{name}_overshoot", final.overshoot_w, "W", OVERSHOOT_TARGETS.get(count, ""))
    if sum(len(miner.options) for miner in farm) <= PLAIN_OPTIONS:
        plain_ms, saved_w, lost_ths = _plain(farm, target_w)
        note = f"loses {lost_ths / 1000:,.3f} PH/s, overshoot {saved_w - target_w:.1f} W"
        yield Figure(f"{name}_plain_pulp", plain_ms, "ms", "", note)


def _first(farm: list[Candidate], target_w: float) -> tuple[float, Selection]:
    start = time.perf_counter()
    selection = select(farm, target_w, overshoot_w=OVERSHOOT_W)
    return (time.perf_counter() - start) * 1000, selection


def _final(farm: list[Candidate], first: Selection) -> tuple[float, Selection]:
    """Return how much longer it takes until the choice is proven, and the choice."""
    if not is_worth_asking(first):
        return 0.0, first
    start = time.perf_counter()
    question = Question("p", tuple(farm), first, Aim(), OVERSHOOT_W, WITHIN_S)
    selection = improved(question).selection
    return (time.perf_counter() - start) * 1000, selection


def _plain(farm: list[Candidate], target_w: float) -> tuple[float, float, float]:
    """Solve the model as anybody would write it; returns milliseconds, watts saved and TH/s lost."""
    start = time.perf_counter()
    problem = pulp.LpProblem("plain", pulp.LpMinimize)
    takes = {
        (miner.miner, option): problem.add_variable(f"{miner.miner}_{index}", cat=pulp.LpBinary)
        for miner in farm
        for index, option in enumerate(miner.options)
    }
    problem.setObjective(pulp.LpAffineExpression((take, option.loses_ths) for (_, option), take in takes.items()))
    saved = pulp.LpAffineExpression((take, option.saves_w) for (_, option), take in takes.items())
    problem.addConstraint(saved >= target_w)
    for miner in farm:
        if len(miner.options) > 1:
            problem.addConstraint(pulp.lpSum(takes[miner.miner, option] for option in miner.options) <= 1)
    problem.solve(pulp.COIN_CMD(path=BUNDLED_CBC, msg=False, timeLimit=PLAIN_WITHIN_S, gapRel=GAP, threads=1))
    taken = [option for (_, option), take in takes.items() if (take.value() or 0) > 0.5]
    lasted_ms = (time.perf_counter() - start) * 1000
    return lasted_ms, sum(option.saves_w for option in taken), sum(option.loses_ths for option in taken)
