"""A plan against the site's meter, the price, groups, and requests that change while it runs."""

import pytest

from hashbus.messages import PlanState
from tests.curtailer.farm import SITE, Farm, Miner, row

S = PlanState


async def settled(farm: Farm) -> Farm:
    """The farm some time after its start."""
    await farm.passes(10)
    return farm


class TestTheMeter:
    """It does not know who draws what, but nobody lies to it."""

    async def test_it_is_shown_beside_what_the_miners_say(self) -> None:
        farm = Farm(row(10), meter="grid")
        farm.meter = 2000
        await settled(farm)
        farm.asks(9000)
        await farm.passes(30)
        assert farm.plan.meter_before_w == 10 * 3250 + 2000
        assert farm.progress[-1].metered_w == pytest.approx(farm.progress[-1].delivered_w, abs=1)

    async def test_a_plan_that_must_be_confirmed_by_it_waits_for_it(self) -> None:
        farm = Farm(row(10), meter="grid", confirm_by="meter")
        await settled(farm)
        farm.asks(9000)
        await farm.passes(60)
        assert farm.progress[-1].delivered_w >= 9000
        assert farm.plan.state is S.EXECUTING
        assert farm.progress[-1].metered_w is None

    async def test_what_miners_pretend_to_save_is_found_and_made_up_for(self) -> None:
        # Two miners show 15 W and draw on.
        liars = [Miner(f"liar{n}", hashrate_ths=90) for n in (1, 2)]
        farm = Farm([*row(10), *liars], meter="grid", confirm_by="meter")
        farm.meter = 0
        await settled(farm)
        farm.asks(6000)
        await farm.passes(4)
        farm.meter = 2 * 3235
        await farm.passes(90)
        assert farm.plan.state is S.EXECUTED
        assert len(farm.down) == 4
        assert farm.progress[-1].metered_w is not None
        assert farm.progress[-1].metered_w >= 6000 * 0.95

    async def test_where_telemetry_decides_the_meter_only_shows(self) -> None:
        farm = Farm(row(10), meter="grid")
        farm.meter = 0
        await settled(farm)
        farm.asks(6000)
        await farm.passes(4)
        farm.meter = 5000
        await farm.passes(60)
        assert farm.plan.state is S.EXECUTED
        assert len(farm.down) == 2


class TestThePrice:
    """While power is dear nobody comes back, but not for ever."""

    async def test_miners_stay_down_until_it_is_cheap_again(self) -> None:
        farm = await settled(Farm(row(6), recover_below_per_kwh=0.10, min_off_s=0))
        farm.hears_price(0.30)
        farm.asks(6000, lasts_s=300)
        await farm.passes(700)
        assert farm.plan.state is S.EXECUTED
        assert len(farm.down) == 2
        farm.hears_price(0.05)
        await farm.passes(100)
        assert farm.down == set()
        assert farm.life[-2:] == [S.RECOVERING, S.DONE]

    async def test_nobody_comes_up_between_the_end_and_the_wait(self) -> None:
        farm = await settled(Farm(row(6), recover_below_per_kwh=0.10, min_off_s=0))
        farm.hears_price(0.30)
        farm.asks(6000, lasts_s=200)
        await farm.passes(20)
        down = farm.down
        for _ in range(600):
            await farm.passes(1)
            assert farm.down == down

    async def test_a_price_that_falls_before_the_end_changes_nothing(self) -> None:
        farm = await settled(Farm(row(6), recover_below_per_kwh=0.10, min_off_s=0))
        farm.hears_price(0.30)
        farm.asks(6000, lasts_s=200)
        await farm.passes(120)
        farm.hears_price(0.05)
        await farm.passes(60)
        assert farm.plan.state is S.EXECUTED
        await farm.passes(100)
        assert farm.down == set()

    async def test_they_come_back_at_the_latest_after_the_stated_time(self) -> None:
        farm = await settled(Farm(row(6), recover_below_per_kwh=0.10, recover_within_s=600, min_off_s=0))
        farm.hears_price(0.30)
        farm.asks(6000, lasts_s=60)
        await farm.passes(640)
        assert len(farm.down) == 2
        await farm.passes(150)
        assert farm.down == set()

    async def test_a_price_that_nobody_knows_holds_nobody_down(self) -> None:
        farm = await settled(Farm(row(6), recover_below_per_kwh=0.10, min_off_s=0))
        farm.asks(6000, lasts_s=60)
        await farm.passes(200)
        assert farm.down == set()

    async def test_who_takes_his_request_back_is_not_kept_waiting(self) -> None:
        farm = await settled(Farm(row(6), recover_below_per_kwh=0.10, min_off_s=0))
        farm.hears_price(0.30)
        request = farm.asks(6000, lasts_s=600)
        await farm.passes(20)
        farm.says(request.model_copy(update={"is_cancelled": True, "at": farm.now}))
        await farm.passes(120)
        assert farm.down == set()
        assert farm.plan.state is S.CANCELLED

    async def test_what_a_plan_costs_is_said_where_the_prices_are_known(self) -> None:
        farm = await settled(Farm(row(4)))
        farm.hears_price(0.10, hashprice=48)
        await farm.passes(2)
        farm.asks(3000, lasts_s=3600, strategy="revenue")
        await farm.passes(5)
        # One miner of 109.97 TH/s for an hour and a ramp of 300 s after it, at 48 USD per PH/s and day, less 3.235 kWh.
        assert farm.plan.costs_usd == pytest.approx(109.97 * (3900 / 3600) * 48 / 24_000 - 3.235 * 0.10, abs=0.01)
        assert farm.plan.strategy == "revenue"


class TestRequests:
    """They may ask for a limit, for groups, and change while the plan runs."""

    async def test_a_limit_leaves_that_much(self) -> None:
        farm = await settled(Farm(row(10)))
        farm.asks(limit_w=10_000)
        await farm.passes(20)
        assert farm.drawn_w <= 10_000
        assert farm.plan.target_w == pytest.approx(22_500)

    async def test_a_level_of_nothing_lets_everybody_sleep(self) -> None:
        farm = await settled(Farm(row(5)))
        farm.asks(level_pct=0)
        await farm.passes(20)
        assert len(farm.down) == 5
        assert farm.plan.state is S.EXECUTED
        assert farm.plan.missing_w == 0

    async def test_a_level_of_nothing_cannot_be_reached_where_somebody_must_not_sleep(self) -> None:
        farm = await settled(Farm(row(5), protected=["m0000"]))
        farm.asks(level_pct=0)
        await farm.passes(20)
        assert farm.plan.state is S.EXECUTING
        assert farm.plan.missing_w == pytest.approx(3235)

    async def test_a_level_that_is_lowered_while_the_plan_runs_is_of_what_was_drawn_before(self) -> None:
        farm = await settled(Farm(row(10)))
        request = farm.asks(level_pct=70)
        await farm.passes(20)
        assert farm.plan.target_w == pytest.approx(0.3 * 32_500)
        farm.says(request.model_copy(update={"level_pct": 40.0, "at": farm.now}))
        await farm.passes(20)
        assert farm.plan.target_w == pytest.approx(0.6 * 32_500, rel=0.01)
        assert farm.drawn_w <= 0.4 * 32_500 + 100
        assert farm.plan.plan == "cloud-r1"

    async def test_only_the_groups_that_are_asked_give_up_power(self) -> None:
        north, south = (
            [Miner(f"n{n}", group="north") for n in range(4)],
            [Miner(f"s{n}", group="south") for n in range(4)],
        )
        farm = await settled(Farm([*north, *south]))
        farm.asks(level_pct=0, groups=("north",))
        await farm.passes(20)
        assert farm.down == {"n0", "n1", "n2", "n3"}
        assert farm.skips()["s0"] == "not in the groups that were asked"

    async def test_a_plan_that_is_taken_over_is_told_to_be_over(self) -> None:
        farm = await settled(Farm(row(10)))
        farm.asks(9000, source="cloud")
        await farm.passes(20)
        farm.asks(15_000, source="cli")
        await farm.passes(20)
        ends = [one.state for one in farm.progress if one.plan == "cloud-r1"]
        assert ends[-1] is S.DONE
        assert farm.plan.source == "cli"

    async def test_a_plan_says_when_it_began_and_when_it_was_delivered(self) -> None:
        farm = await settled(Farm(row(10)))
        asked = farm.asks(9000)
        await farm.passes(30)
        plan = farm.plan
        assert plan.begun_at
        assert plan.executed_at
        assert asked.starts_at <= plan.begun_at < plan.executed_at <= farm.now
        assert (plan.source, plan.asked_until, plan.site) == ("cloud", asked.ends_at, SITE)


class TestAnOffer:
    """What would be, before anybody asks for it."""

    async def test_it_is_the_plan_that_a_request_would_get_and_nothing_happens(self) -> None:
        farm = await settled(Farm(row(10, full_w=3000), protected=["m0009"]))
        farm.hears_price(0.10, hashprice=48)
        await farm.passes(1)
        offer = await farm.would_give(target_w=5000, lasts_s=3600)
        assert {part.miner for part in offer.miners} == {"m0007", "m0008"}
        assert (offer.target_w, offer.planned_w, offer.missing_w) == (5000, 2 * 2985, 0)
        assert offer.costs_usd is not None
        assert {one.miner: one.reason for one in offer.skipped} == {"m0009": "protected by the settings"}
        assert offer.why.startswith("2 miners give 5.97 kW, ")
        await farm.passes(20)
        assert farm.plans == []
        farm.asks(5000, lasts_s=3600)
        await farm.passes(5)
        assert {part.miner for part in farm.plan.miners} == {part.miner for part in offer.miners}

    async def test_it_says_what_is_missing_and_why(self) -> None:
        farm = await settled(Farm(row(3)))
        farm.goes_offline("m0000")
        await farm.passes(1)
        offer = await farm.would_give(target_w=20_000)
        assert offer.missing_w == pytest.approx(20_000 - 2 * 3235)
        assert "13.530 kW of 20.000 kW are missing: 1 offline" in offer.why
