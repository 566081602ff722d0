"""A plan from the request to the last miner that is back, with the real controller carrying it out."""

from datetime import timedelta

import pytest

from hashbus.messages import CurtailmentPlan, PlanState
from tests.curtailer.farm import Farm, Miner, row

S = PlanState


async def settled(farm: Farm) -> Farm:
    """The farm some time after its start."""
    await farm.passes(10)
    return farm


async def test_a_grid_order_is_delivered_and_lapses() -> None:
    farm = await settled(Farm(row(20)))
    before_w = farm.drawn_w
    farm.asks(20_000)
    await farm.passes(15)
    assert before_w - farm.drawn_w >= 20_000
    assert farm.plan.state is S.EXECUTED
    assert farm.progress[-1].delivered_w >= 20_000
    assert farm.progress[-1].confirmed == len(farm.plan.miners) == 7
    await farm.passes(900 + 200)
    assert farm.down == set()
    assert farm.life == [S.PENDING, S.EXECUTING, S.EXECUTED, S.RECOVERING, S.DONE]


async def test_the_least_efficient_go_and_the_most_efficient_come_back_first() -> None:
    farm = await settled(Farm(row(20), min_off_s=0))
    farm.asks(20_000, lasts_s=600)
    await farm.passes(20)
    assert farm.down == {f"m{n:04}" for n in range(13, 20)}
    returns = []
    for _ in range(80):
        down = farm.down
        await farm.passes(10)
        returns += sorted(down - farm.down)
    assert returns == [f"m{n:04}" for n in range(13, 20)]


async def test_the_plan_is_said_before_anything_happens() -> None:
    farm = await settled(Farm(row(5)))
    farm.asks(3000)
    await farm.passes(4)
    states = [plan.state for plan in farm.plans]
    assert states[:2] == [S.PENDING, S.EXECUTING]
    assert farm.plans[0].miners[0].miner == farm.plans[1].miners[0].miner


async def test_a_scheduled_plan_waits_and_is_made_again_from_what_runs_then() -> None:
    farm = await settled(Farm(row(6)))
    farm.asks(6000, in_s=300)
    await farm.passes(5)
    assert farm.plan.state is S.PENDING
    first = {part.miner for part in farm.plan.miners}
    farm.goes_offline("m0005")
    await farm.passes(280)
    assert farm.down == set()
    await farm.passes(30)
    assert farm.plan.state is S.EXECUTED
    assert "m0005" in first - farm.down
    assert farm.skips()["m0005"] == "offline"


async def test_a_ramp_goes_down_group_by_group() -> None:
    farm = await settled(Farm(row(12)))
    farm.asks(12 * 3200, ramp_s=60)
    counts = []
    for _ in range(8):
        await farm.passes(10)
        counts.append(len(farm.down))
    assert counts[0] < counts[2] < counts[4] < 12
    assert counts[-1] == 12
    assert farm.plan.state is S.EXECUTED


async def test_a_request_for_a_level_leaves_that_much() -> None:
    farm = await settled(Farm(row(10)))
    farm.asks(level_pct=40)
    await farm.passes(20)
    assert farm.drawn_w <= 0.4 * 10 * 3250


async def test_a_cancelled_request_ends_in_recovery() -> None:
    farm = await settled(Farm(row(10), min_off_s=0))
    request = farm.asks(10_000)
    await farm.passes(15)
    farm.says(request.model_copy(update={"is_cancelled": True, "at": farm.now}))
    await farm.passes(300)
    assert farm.down == set()
    assert farm.life[-2:] == [S.RECOVERING, S.CANCELLED]


async def test_a_plan_cancelled_before_it_begins_touches_nobody() -> None:
    farm = await settled(Farm(row(4)))
    request = farm.asks(3000, in_s=100)
    await farm.passes(5)
    farm.says(request.model_copy(update={"is_cancelled": True, "at": farm.now}))
    await farm.passes(200)
    assert farm.life == [S.PENDING, S.CANCELLED]
    assert farm.down == set()


async def test_too_few_miners_give_what_they_can_and_it_says_what_is_missing_and_why() -> None:
    farm = await settled(Farm(row(4), protected=["m0003"]))
    farm.asks(20_000)
    await farm.passes(30)
    assert len(farm.down) == 3
    assert farm.plan.state is S.EXECUTING
    assert farm.plan.missing_w == pytest.approx(20_000 - 3 * 3235)
    assert "10.295 kW of 20.000 kW are missing" in farm.plans[0].why
    assert "1 protected by the settings" in farm.plans[0].why
    await farm.passes(900 + 300)
    assert farm.plan.state is S.FAILED


async def test_the_stronger_source_counts_and_nobody_comes_up_in_between() -> None:
    farm = await settled(Farm(row(10)))
    farm.asks(9000, source="cloud")
    await farm.passes(15)
    first = farm.down
    farm.asks(15_000, source="cli")
    for _ in range(20):
        await farm.passes(1)
        assert first <= farm.down
    assert farm.plan.plan == "cli-r1"
    assert farm.plan.state is S.EXECUTED
    assert 10 * 3250 - farm.drawn_w >= 15_000


async def test_the_weaker_source_waits_for_its_turn() -> None:
    farm = await settled(Farm(row(10)))
    farm.asks(9000, source="cli", lasts_s=300)
    await farm.passes(15)
    farm.asks(3000, source="cloud", lasts_s=3600)
    await farm.passes(60)
    assert farm.plan.plan == "cli-r1"
    await farm.passes(300)
    assert farm.plan.plan == "cloud-r1"
    assert 10 * 3250 - farm.drawn_w >= 3000


async def test_a_source_that_must_repeat_itself_and_is_silent_asks_for_nothing() -> None:
    farm = await settled(Farm(row(4), silent_after_s={"cloud": 120}, min_off_s=0))
    request = farm.asks(3000)
    await farm.passes(100)
    farm.says(request.model_copy(update={"at": farm.now}))
    await farm.passes(100)
    assert farm.plan.state is S.EXECUTED
    await farm.passes(200)
    assert farm.down == set()


async def test_an_amended_request_changes_the_plan_that_runs() -> None:
    farm = await settled(Farm(row(10)))
    request = farm.asks(6000)
    await farm.passes(15)
    farm.says(request.model_copy(update={"target_w": 12_000.0, "ends_at": request.ends_at + timedelta(seconds=900)}))
    await farm.passes(20)
    assert 10 * 3250 - farm.drawn_w >= 12_000
    await farm.passes(950)
    assert farm.plan.state is S.EXECUTED


async def test_a_miner_stays_down_for_its_shortest_time() -> None:
    farm = await settled(Farm(row(3), min_off_s=900))
    farm.asks(3000, lasts_s=60)
    await farm.passes(880)
    assert len(farm.down) == 1
    await farm.passes(200)
    assert farm.down == set()


async def test_who_has_only_just_come_back_is_left_alone_by_the_next_plan() -> None:
    farm = await settled(Farm(row(3), min_off_s=0))
    farm.asks(3000, lasts_s=30)
    await farm.passes(200)
    assert farm.plan.state is S.DONE
    farm.asks(3000, id="r2")
    await farm.passes(20)
    assert farm.down == {"m0001"}
    assert farm.skips()["m0002"] == "has only just come back"


class TestRestarts:
    """The plan is in the broker: whoever dies, it goes on or it lapses."""

    async def test_a_curtailer_that_starts_again_goes_on_with_the_plan(self) -> None:
        farm = await settled(Farm(row(10)))
        farm.asks(9000)
        await farm.passes(15)
        down, said = farm.down, len(farm.plans)
        assert farm.curtailer
        await farm.curtailer.dies()
        farm.curtailer = None
        await farm.passes(60)
        farm.curtailer = farm.new_curtailer()
        await farm.passes(60)
        assert farm.down == down
        assert len(farm.plans) == said
        await farm.passes(900 + 200)
        assert farm.life[-2:] == [S.RECOVERING, S.DONE]

    async def test_a_plan_that_waits_survives_its_curtailer(self) -> None:
        farm = await settled(Farm(row(10)))
        farm.asks(9000, in_s=60)
        await farm.passes(5)
        assert farm.curtailer
        await farm.curtailer.dies()
        farm.curtailer = farm.new_curtailer()
        await farm.passes(45)
        assert farm.down == set()
        await farm.passes(40)
        assert farm.plan.state is S.EXECUTED

    async def test_a_plan_lapses_although_its_curtailer_is_gone(self) -> None:
        farm = await settled(Farm(row(10)))
        farm.asks(9000)
        await farm.passes(15)
        assert farm.curtailer
        await farm.curtailer.dies()
        farm.curtailer = None
        await farm.passes(900 + 300)
        assert farm.down == set()

    async def test_a_curtailer_that_starts_after_the_end_of_its_plan_closes_it(self) -> None:
        farm = await settled(Farm(row(10)))
        farm.asks(9000, lasts_s=60)
        await farm.passes(15)
        assert farm.curtailer
        await farm.curtailer.dies()
        farm.curtailer = None
        await farm.passes(2000)
        farm.curtailer = farm.new_curtailer()
        await farm.passes(20)
        assert farm.plan.state is S.DONE
        assert isinstance(farm.plan, CurtailmentPlan)

    async def test_a_ramp_goes_on_although_its_curtailer_is_gone(self) -> None:
        farm = await settled(Farm(row(12)))
        farm.asks(12 * 3200, ramp_s=60)
        await farm.passes(15)
        assert farm.curtailer
        await farm.curtailer.dies()
        farm.curtailer = None
        await farm.passes(80)
        assert len(farm.down) == 12


class TestClosedLoop:
    """What counts is what the miners show, not what they were told."""

    async def test_a_miner_that_lies_is_replaced(self) -> None:
        farm = await settled(Farm([*row(8), Miner("liar", hashrate_ths=90, obeys=False)], patience_s=30))
        farm.asks(9000)
        await farm.passes(20)
        assert farm.plan.state is S.EXECUTING
        assert "liar" in {part.miner for part in farm.plan.miners}
        await farm.passes(40)
        assert farm.plan.state is S.EXECUTED
        assert "liar" not in {part.miner for part in farm.plan.miners}
        assert farm.skips()["liar"] == "did not follow this plan"
        assert farm.progress[-1].failed == 1
        assert farm.progress[-1].delivered_w >= 9000

    async def test_a_miner_that_refuses_is_replaced_without_waiting(self) -> None:
        farm = await settled(Farm([*row(8), Miner("stubborn", hashrate_ths=90, refuses=True)]))
        farm.asks(9000)
        await farm.passes(20)
        assert farm.plan.state is S.EXECUTED
        assert farm.skips()["stubborn"] == "did not follow this plan"

    async def test_a_sleeping_miner_that_is_not_heard_any_more_counts_no_more(self) -> None:
        farm = await settled(Farm(row(8)))
        farm.asks(9000)
        await farm.passes(20)
        gone = min(farm.down)
        farm.goes_offline(gone)
        await farm.passes(300)
        assert gone not in {part.miner for part in farm.plan.miners}
        assert farm.progress[-1].delivered_w >= 9000

    async def test_what_sleeping_miners_still_draw_is_made_up_for(self) -> None:
        farm = await settled(Farm(row(40, asleep_w=80)))
        farm.asks(30 * 3235)
        await farm.passes(40)
        assert farm.plan.state is S.EXECUTED
        assert 40 * 3250 - farm.drawn_w >= 30 * 3235
        assert len(farm.down) == 31

    async def test_what_is_too_much_is_released(self) -> None:
        farm = await settled(Farm(row(20), min_off_s=60))
        request = farm.asks(40_000)
        await farm.passes(30)
        farm.says(request.model_copy(update={"target_w": 20_000.0, "at": farm.now}))
        await farm.passes(300)
        assert len(farm.down) == 7
        assert 20 * 3250 - farm.drawn_w >= 20_000
        assert "m0019" in farm.down

    async def test_a_plan_that_is_delivered_is_not_touched_again(self) -> None:
        farm = await settled(Farm(row(20)))
        farm.asks(20_000)
        await farm.passes(20)
        said = len(farm.plans)
        await farm.passes(600)
        assert len(farm.plans) == said
