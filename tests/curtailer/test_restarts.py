"""The plan is in the broker: whenever the curtailer is killed, it goes on or lapses, and nobody is disturbed twice."""

from itertools import pairwise

import pytest

from hashbus.messages import PlanState
from tests.curtailer.farm import Farm, Miner, row

S = PlanState

ASKED_IN, LASTS, RAMP = 20, 60, 20
"""Seconds: pending until 20, a ramp until 40, executed until 80, a recovery in groups until 140."""


@pytest.mark.parametrize("killed_at", [1, 12, 19, 21, 26, 35, 43, 60, 78, 81, 95, 120, 139])
@pytest.mark.parametrize("away", [1, 9])
async def test_whenever_it_is_killed_the_plan_comes_to_its_end_and_nobody_is_asked_twice(
    killed_at: int, away: int
) -> None:
    farm = Farm(row(12), min_off_s=0)
    await farm.passes(10)
    farm.asks(6 * 3200, in_s=ASKED_IN, lasts_s=LASTS, ramp_s=RAMP)
    downs: list[set[str]] = []
    for second in range(180):
        if second == killed_at:
            await farm.loses_its_curtailer(away)
        await farm.passes(1)
        downs.append(farm.down)
    assert max(len(down) for down in downs) == 6
    for miner in farm.miners:
        was_down = [miner in down for down in downs]
        changes = sum(before != after for before, after in pairwise(was_down))
        assert changes in (0, 2), f"{miner} went up and down {changes} times"
    assert farm.down == set()
    assert farm.life == [S.PENDING, S.EXECUTING, S.EXECUTED, S.RECOVERING, S.DONE]


async def test_who_refused_is_remembered_over_a_restart() -> None:
    farm = Farm([*row(8), Miner("stubborn", hashrate_ths=90, refuses=True)])
    await farm.passes(10)
    farm.asks(9000)
    await farm.passes(20)
    assert farm.plan.refused == ("stubborn",)
    asked_before = farm.miners["stubborn"].setpoint_w
    await farm.loses_its_curtailer(5)
    request = farm.asks(9000)
    farm.says(request.model_copy(update={"target_w": 24_000.0, "at": farm.now}))
    await farm.passes(40)
    assert "stubborn" not in {part.miner for part in farm.plan.miners}
    assert farm.skips()["stubborn"] == "did not follow this plan"
    assert farm.miners["stubborn"].setpoint_w in (asked_before, 3250)


@pytest.mark.parametrize(
    ("asked", "changed", "down"),
    [({"target_w": 9000}, {"target_w": 24_000.0}, 8), ({"level_pct": 70}, {"level_pct": 20.0}, 9)],
)
async def test_what_was_changed_while_it_was_away_counts(
    asked: dict[str, float], changed: dict[str, float], down: int
) -> None:
    farm = Farm(row(11))
    await farm.passes(10)
    request = farm.asks(**asked)
    await farm.passes(20)
    assert farm.curtailer
    await farm.curtailer.dies()
    farm.curtailer = None
    await farm.passes(5)
    farm.says(request.model_copy(update={**changed, "at": farm.now}))
    await farm.passes(5)
    farm.curtailer = farm.new_curtailer()
    await farm.passes(40)
    assert len(farm.down) == down
    assert farm.plan.state is S.EXECUTED
