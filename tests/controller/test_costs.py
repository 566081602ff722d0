"""What a change costs is learnt, and a change that is not worth its restart is not made."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import MinerControl, PowerChange, PowerLevel, Rank
from hashbus_controller.costs import Cost, Ramp, learnt, watched
from tests.controller.home import DAY, Home, info

FREE = PowerChange(restarts_mining=False)
FULL = {"state": "mining", "rated_power_w": 3600, "rated_hashrate_ths": 200}


def home_with(settings: dict[str, Any] | None = None, **more: Any) -> Home:
    """A miner of 18 J/TH that runs at 3600 W and does 200 TH/s."""
    home = Home(settings)
    home.hear(info("attic", rated_power_w=3600, rated_hashrate_ths=200, **more))
    home.hear(home.reading(power_w=3600, hashrate_ths=200))
    home.passes(6)
    return home


def ramps(home: Home, *, seconds: int, to_w: float, lost_share: float = 1.0) -> None:
    """Let the miner restart: it does `1 - lost_share` of its work for so long, then the new power in full."""
    for _ in range(seconds // 10):
        home.passes(10)
        home.hear(
            home.reading(state="tuning", power_w=300, hashrate_ths=200, hashrate_5s_ths=to_w / 18 * (1 - lost_share))
        )
    home.passes(10)
    home.hear(home.reading(power_w=to_w, hashrate_ths=to_w / 18, hashrate_5s_ths=to_w / 18))
    home.passes(1)


def remembered(home: Home) -> MinerControl:
    return next(message for message in reversed(home.said) if isinstance(message, MinerControl))


def test_ramp_and_loss_are_learnt_from_what_a_miner_shows_after_a_change() -> None:
    home = home_with()
    home.request("me", Rank.OVERRIDE, cap_w=1800, lasts_s=86_400)
    ramps(home, seconds=400, to_w=1800)
    learnt_of = remembered(home)
    assert learnt_of.ramp_s == 410
    # 100 TH/s were to be had either way, and for 400 s there were none.
    assert learnt_of.restart_loss_th == pytest.approx(100 * 400)
    assert learnt_of.ramps_seen == 1


def test_experience_is_averaged_and_an_interrupted_ramp_teaches_nothing() -> None:
    assert learnt(None, 400, 1000) == Cost(400, 1000, 1)
    assert learnt(Cost(400, 1000, 1), 600, 2000) == Cost(500, 1500, 2)
    assert learnt(Cost(400, 1000, 50), 900, 1000).ramp_s == 500
    home = home_with()
    home.request("me", Rank.OVERRIDE, cap_w=1800, lasts_s=86_400)
    home.passes(60)
    home.request("me", Rank.OVERRIDE, cap_w=1000, lasts_s=86_400)
    ramps(home, seconds=200, to_w=1000)
    assert (remembered(home).ramps_seen, remembered(home).ramp_s) == (1, 210)


def test_what_never_reaches_its_power_is_watched_no_longer() -> None:
    home = home_with()
    home.request("me", Rank.OVERRIDE, cap_w=1800, lasts_s=86_400)
    for _ in range(70):
        home.hear(home.reading(state="tuning", power_w=300, hashrate_ths=0))
        home.passes(60)
    assert remembered(home).ramps_seen == 0
    assert len(home.state.ramps) == 0


@given(st.lists(st.tuples(st.floats(0, 300), st.floats(0, 4000), st.integers(1, 900)), max_size=30))
def test_the_loss_is_never_negative_and_never_more_than_all_there_was(rows: list[tuple[float, float, int]]) -> None:
    home = Home()
    ramp: Ramp | None = Ramp(DAY, 1800, 100, DAY)
    at = DAY
    for hashrate, power, seconds in rows:
        if ramp is None:
            break
        at += timedelta(seconds=seconds)
        home.now = at
        ramp, seen = watched(ramp, home.reading(hashrate_5s_ths=hashrate, power_w=power))
        lost_th = seen[1] if seen else ramp.lost_th if ramp else 0.0
        assert 0 <= lost_th <= 100 * (at - DAY).total_seconds() + 1e-6


def test_a_small_gain_is_not_worth_a_restart_and_the_decision_says_so_in_figures() -> None:
    home = home_with()
    home.request("profit", Rank.ECONOMICS, wish_w=3400, lasts_s=86_400)
    home.passes(300)
    assert home.setpoint_w() == 3400
    home.request("profit", Rank.ECONOMICS, wish_w=3500, lasts_s=86_400)
    home.passes(600)
    assert home.setpoint_w() == 3400
    # Unknown yet, a ramp is taken as 300 s of which half is lost: 3400 W for 150 s are 142 Wh; 100 W take 85 min.
    assert home.decision().held_back_by == (
        "3500 W is not worth a restart: it loses 142 Wh of mining (estimated), and 100 W earn that back in 85 min, "
        "more than 60 min"
    )
    home.request("profit", Rank.ECONOMICS, wish_w=3600, lasts_s=86_400)
    home.passes(10)
    assert home.setpoint_w() == 3600


def test_what_was_learnt_replaces_what_was_guessed_and_survives_a_restart() -> None:
    home = home_with()
    home.request("me", Rank.OVERRIDE, cap_w=1800, lasts_s=2000)
    ramps(home, seconds=1200, to_w=1800)
    home.restarts()
    home.passes(10)
    home.request("profit", Rank.ECONOMICS, wish_w=1400, lasts_s=86_400)
    home.passes(600)
    assert home.setpoint_w() == 1800
    # 120,000 TH at 18 J/TH are 600 Wh, which 400 W make up in an hour and a half.
    assert "it loses 600 Wh of mining (learnt), and 400 W earn that back in 90 min" in (
        home.decision().held_back_by or ""
    )


@pytest.mark.parametrize("rank", [Rank.SAFETY, Rank.ANTIFREEZE, Rank.GRID, Rank.SITE_LIMIT, Rank.OVERRIDE, Rank.CLOUD])
def test_safety_grid_limits_and_people_are_never_weighed(rank: Rank) -> None:
    home = home_with({"payback_s": 0, "min_interval_s": 0})
    home.request("first", rank, cap_w=3000, lasts_s=86_400)
    home.passes(10)
    home.request("first", rank, cap_w=2900, lasts_s=86_400)
    home.passes(10)
    assert home.setpoint_w() == 2900


@pytest.mark.parametrize(
    ("rank", "watts", "is_weighed"),
    [
        (Rank.HEAT, "wish_w", True),
        (Rank.ECONOMICS, "wish_w", True),
        (Rank.ECONOMICS, "cap_w", True),
        (Rank.BATTERY, "floor_w", True),  # surplus power
        (Rank.BATTERY, "cap_w", False),  # the battery is protected
    ],
)
def test_heat_money_and_surplus_are(rank: Rank, watts: str, is_weighed: bool) -> None:
    home = home_with({"min_interval_s": 0, "payback_s": 600})
    home.request("rest", Rank.ECONOMICS, wish_w=1000, lasts_s=86_400) if watts == "floor_w" else None
    home.request("first", rank, **{watts: 2000.0}, lasts_s=86_400)
    home.passes(10)
    home.request("first", rank, **{watts: 1800.0}, lasts_s=86_400)
    home.passes(10)
    assert home.setpoint_w() == (2000 if is_weighed else 1800)


def test_a_miner_whose_power_moves_without_a_restart_is_free_to_move() -> None:
    home = home_with({"min_interval_s": 0, "min_step_w": 0, "restarts_per_day": 1}, power_change=FREE)
    for watts in range(3000, 3600, 20):
        home.request("profit", Rank.ECONOMICS, wish_w=watts)
        home.passes(1)
        assert home.setpoint_w() == watts


def test_the_restarts_of_a_day_have_a_budget() -> None:
    home = home_with({"restarts_per_day": 3, "min_interval_s": 0, "payback_s": 604_800})
    for watts, setpoint_w in ((2000, 2000), (3000, 3000), (2000, 2000), (3000, 2000)):
        home.request("profit", Rank.ECONOMICS, wish_w=watts, lasts_s=2 * 86_400)
        home.passes(60)
        assert home.setpoint_w() == setpoint_w
    assert "its 3 restarts in 24 h are used up" in (home.decision().held_back_by or "")
    home.restarts()
    home.passes(600)
    assert home.setpoint_w() == 2000
    home.request("battery", Rank.BATTERY, cap_w=1500, lasts_s=2 * 86_400)
    home.passes(10)
    assert home.setpoint_w() == 1500  # less to protect a battery is always given
    home.request("battery", Rank.BATTERY, cap_w=3600, lasts_s=1)
    home.passes(10)
    assert home.setpoint_w() == 1500
    home.passes(86_400)
    assert home.setpoint_w() == 3000


def test_a_miner_may_have_patience_of_its_own() -> None:
    own = {"min_step_w": 500, "min_interval_s": 600, "restarts_per_day": 100}
    home = home_with({"min_interval_s": 0, "miners": {"attic": own}})
    home.request("sun", Rank.BATTERY, wish_w=3000, lasts_s=86_400)
    home.passes(10)
    home.request("sun", Rank.BATTERY, wish_w=2600, lasts_s=86_400)
    home.passes(700)
    assert home.setpoint_w() == 3000
    home.request("sun", Rank.BATTERY, wish_w=1500, lasts_s=86_400)
    home.passes(10)
    assert home.setpoint_w() == 1500
    home.request("sun", Rank.BATTERY, wish_w=3000, lasts_s=86_400)
    home.passes(500)
    assert home.setpoint_w() == 1500
    home.passes(100)
    assert home.setpoint_w() == 3000


def test_the_least_step_never_holds_a_miner_above_its_cap() -> None:
    home = home_with({"min_step_w": 500, "min_interval_s": 0})
    home.request("sun", Rank.BATTERY, cap_w=3000, lasts_s=86_400)
    home.passes(10)
    home.request("sun", Rank.BATTERY, cap_w=2900, lasts_s=86_400)
    home.passes(10)
    assert home.setpoint_w() == 2900


def test_a_miner_of_few_levels_moves_between_them() -> None:
    levels = tuple(PowerLevel(name=f"{watts} W", power_w=watts) for watts in (0, 1200, 2400, 3600))
    home = home_with({"min_interval_s": 0}, power_levels=levels, power_step_w=None)
    shown = []
    for watts in (3500, 2500, 2399, 1250, 1199):
        home.request("sun", Rank.BATTERY, cap_w=watts, lasts_s=86_400)
        home.passes(10)
        shown.append(home.setpoint_w())
    assert shown == [2400, 2400, 1200, 1200, 0]
