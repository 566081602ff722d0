"""The controller over time: the battery ratchet, people's wishes, safety, patience, leases and memory."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import (
    BidEffect,
    ControlState,
    CurtailmentPlan,
    PlannedMiner,
    PlanState,
    PowerSetpoint,
    Rank,
)
from hashbus_controller.policies.soc import Ratchet, SocSettings, allowed_w, decile_up, turned
from tests.controller.home import Home, info

SOC = {"soc": {"battery": "house", "base_w": 3600}}


class TestRatchet:
    """S2.2 to S2.7, exactly."""

    @pytest.mark.parametrize(
        ("soc_pct", "decile"), [(55, 60), (83, 90), (90, 90), (90.01, 100), (31, 40), (0, 0), (100, 100), (0.1, 10)]
    )
    def test_a_state_of_charge_is_rounded_up_to_tens(self, soc_pct: float, decile: float) -> None:
        assert decile_up(soc_pct) == decile

    def test_an_evening_without_sun(self) -> None:
        Home(SOC).plays("""
            time    soc   setpoint
            18:00   100   3600
            19:30   74    2880
            20:10   87    2880      # recovered a little: the latch holds
            21:00   65    2520
            23:00   41    1800
            23:30   30    0         # emergency
            23:40   31    0         # not on again at the edge
            23:50   34.9  0
        """)

    def test_a_day_that_fills_the_battery(self) -> None:
        Home(SOC).plays("""
            time    soc   setpoint
            12:01   55    2160
            13:00   90    2160
            14:00   99.9  2160
            14:05   100   3600
            15:00   95    3600      # 95 rounds up to 100
            15:10   89    3240
        """)

    def test_an_empty_battery_runs_again_from_the_resume_level_at_the_latched_power(self) -> None:
        Home(SOC).plays("""
            time    soc   setpoint
            12:01   50    1800
            13:00   29    0
            14:00   35    1080
        """)

    def test_power_only_changes_every_two_minutes_but_the_cut_does_not_wait_longer(self) -> None:
        home = Home(SOC)
        home.hear(home.battery(85))
        home.passes(1)
        home.hear(home.battery(75))
        home.passes(60)
        assert home.setpoint_w() == 3240
        assert home.decision().held_back_by is not None
        assert home.decision().next_change_at is not None
        home.passes(60)
        assert home.setpoint_w() == 2880

    def test_a_crossing_switches_once(self) -> None:
        home = Home(SOC)
        for soc in [32, 30, 31, 30, 32, 30, 33, 30, 34] * 5:
            home.hear(home.battery(soc))
            home.passes(130)
        assert home.changes() == [1440, 0]

    @given(st.lists(st.floats(0, 100), max_size=60))
    def test_power_only_rises_again_after_a_full_battery_or_a_cut(self, charges: list[float]) -> None:
        settings = SocSettings(battery="house", base_w=3600)
        ratchet = Ratchet()
        for soc_pct in charges:
            before = ratchet
            ratchet = turned(ratchet, soc_pct, settings)
            if soc_pct < 100 and not before.is_cut:
                assert allowed_w(ratchet, settings) <= allowed_w(before, settings)
            if soc_pct <= settings.cutoff_pct:
                assert allowed_w(ratchet, settings) == 0

    def test_a_silent_battery_lets_nobody_draw_from_it(self) -> None:
        home = Home(SOC)
        home.hear(home.battery(90))
        home.passes(1)
        assert home.setpoint_w() == 3240
        home.passes(11 * 60)
        assert home.setpoint_w() == 0
        assert "battery house is silent" in home.decision().reason


class TestWishes:
    """People and services ask; the strongest holds, for as long as it says."""

    def test_whom_nobody_asks_anything_of_is_left_alone(self) -> None:
        home = Home()
        home.passes(600)
        assert [message for message in home.said if not isinstance(message, ControlState)] == []

    def test_an_override_holds_until_its_end_and_the_miner_returns_to_where_it_was_found(self) -> None:
        home = Home()
        home.hear(home.reading(power_limit_w=3000))
        home.request("me", Rank.OVERRIDE, lasts_s=600, cap_w=1500, floor_w=1500)
        assert home.setpoint_w() == 1500
        home.passes(590)
        assert home.setpoint_w() == 1500
        home.passes(20)
        assert home.setpoint_w() == 3000

    def test_an_override_wins_over_the_battery_and_loses_against_safety(self) -> None:
        home = Home(SOC)
        home.hear(home.battery(50))
        home.request("me", Rank.OVERRIDE, cap_w=3000, floor_w=3000)
        home.passes(121)
        assert home.setpoint_w() == 3000
        home.hear(home.reading(chip_max_c=101))
        home.passes(1)
        assert home.setpoint_w() == 0
        blocked = next(bid for bid in home.decision().bids if bid.name == "me")
        assert blocked.effect is BidEffect.BLOCKED

    def test_a_hot_miner_wakes_only_when_it_has_cooled_well_below(self) -> None:
        home = Home()
        home.hear(home.reading(chip_max_c=101))
        home.passes(1)
        assert home.setpoint_w() == 0
        home.hear(home.reading(chip_max_c=85))
        home.passes(200)
        assert home.setpoint_w() == 0
        home.hear(home.reading(chip_max_c=79))
        home.passes(200)
        assert home.setpoint_w() == 3600

    def test_a_curtailment_plan_caps_its_miners_at_once_and_lapses(self) -> None:
        home = Home()
        plan = CurtailmentPlan(
            site="home",
            at=home.now,
            plan="p1",
            state=PlanState.EXECUTING,
            strategy="performance_priority",
            target_w=3000,
            planned_w=3600,
            starts_at=home.now,
            ends_at=home.now + timedelta(hours=4),
            miners=(PlannedMiner(miner="attic", cap_w=0, saves_w=3600),),
            why="grid order 17",
        )
        home.hear(plan)
        assert home.setpoint_w() == 0
        assert home.decision().winner == "curtailer/attic/p1"
        home.passes(4 * 3600 + 200)
        assert home.setpoint_w() == 3600

    def test_a_site_limit_keeps_the_most_efficient_running(self) -> None:
        home = Home({"site_limit_w": 5000}, miners=())
        for miner, ths in (("old", 100), ("new", 200)):
            home.hear(info(miner, rated_power_w=3600, rated_hashrate_ths=ths))
            home.hear(home.reading(miner))
        home.passes(1)
        assert (home.setpoint_w("new"), home.setpoint_w("old")) == (3600, 1400)

    def test_a_miner_set_aside_is_never_touched(self) -> None:
        home = Home({"miners": {"attic": {"is_ruled": False}}})
        home.request("me", Rank.OVERRIDE, cap_w=0)
        home.passes(10)
        assert home.setpoint_w() is None


class TestLeases:
    """A setpoint is renewed before it ends, and quietly."""

    def test_a_setpoint_never_runs_out_while_the_controller_lives(self) -> None:
        home = Home({**SOC, "lease_s": 60})
        home.hear(home.battery(75))
        for _ in range(300):
            home.passes(1)
            assert home.setpoint_w() == 2880

    def test_a_renewal_is_no_new_decision(self) -> None:
        home = Home(SOC)
        home.hear(home.battery(75))
        home.passes(500)
        ids = {message.decision for message in home.said if isinstance(message, PowerSetpoint)}
        assert len(ids) == 1


class TestMemory:
    """A restart forgets nothing that matters."""

    def test_the_latch_survives_a_restart(self) -> None:
        home = Home(SOC)
        home.hear(home.battery(50))
        home.passes(1)
        home.hear(home.battery(80))
        home.passes(130)
        home.restarts()
        home.passes(1)
        assert home.setpoint_w() == 1800

    def test_the_cut_survives_a_restart(self) -> None:
        home = Home(SOC)
        home.hear(home.battery(29))
        home.passes(1)
        home.hear(home.battery(33))
        home.restarts()
        home.passes(1)
        assert home.setpoint_w() == 0

    def test_a_restart_does_not_open_the_interval_between_two_changes(self) -> None:
        home = Home(SOC)
        home.hear(home.battery(50))
        home.passes(1)
        home.restarts()
        home.hear(home.battery(100))
        home.passes(60)
        assert home.setpoint_w() == 1800
        home.passes(60)
        assert home.setpoint_w() == 3600

    def test_memory_is_said_only_when_it_changes(self) -> None:
        home = Home(SOC)
        home.hear(home.battery(50))
        home.passes(600)
        assert sum(isinstance(message, ControlState) for message in home.said) <= 2


class TestGroups:
    """What is asked of a group is shared among its miners."""

    def test_an_override_for_a_group_is_shared_and_lapses(self) -> None:
        home = Home(miners=())
        for miner, group, ths in (("a", "cellar", 200), ("b", "cellar", 100), ("c", "attic", 100)):
            home.hear(info(miner, group=group, rated_power_w=3600, rated_hashrate_ths=ths))
            home.hear(home.reading(miner))
        home.passes(10)
        home.request("me", Rank.OVERRIDE, scope="cellar", lasts_s=600, cap_w=4500, floor_w=4500)
        home.passes(2)
        assert [home.setpoint_w(miner) for miner in "abc"] == [3600, 900, None]
        home.passes(800)
        assert [home.setpoint_w(miner) for miner in "abc"] == [3600, 3600, None]

    def test_a_group_has_a_limit_of_its_own(self) -> None:
        home = Home({"groups": {"cellar": {"max_power_w": 4000}}}, miners=())
        for miner in ("a", "b"):
            home.hear(info(miner, group="cellar"))
            home.hear(home.reading(miner))
        home.passes(10)
        assert [home.setpoint_w(miner) for miner in "ab"] == [3600, 0]

    def test_a_miner_that_moves_to_another_group_is_asked_what_that_one_is(self) -> None:
        home = Home({"groups": {"cellar": {"max_power_w": 1000}}})
        home.hear(info("attic", group="cellar"))
        home.passes(10)
        assert home.setpoint_w() == 1000
        home.hear(info("attic", group="roof"))
        home.passes(130)
        assert home.setpoint_w() == 3600


class TestFarms:
    """A large farm is decided upon together, not once for each word."""

    def test_a_burst_of_requests_over_a_shared_limit_is_decided_in_few_goes_and_completely(self) -> None:
        names = [f"m{number}" for number in range(300)]
        home = Home({"site_limit_w": 600_000}, miners=())
        for name in names:
            home.hear(info(name))
            home.hear(home.reading(name))
        home.passes(10)
        home.said.clear()
        for name in names:
            home.request("me", Rank.OVERRIDE, scope=name, cap_w=1000)
        decided = sum(isinstance(message, PowerSetpoint) for message in home.said)
        home.passes(130)
        assert decided < 10
        assert [home.setpoint_w(name) for name in names] == [1000.0] * 300
