"""A miner as a load and a heater."""

import pytest

from hashbus_simulator.models import MODELS
from hashbus_simulator.physics import MinerPhysics, Timing
from tests.simulator.conftest import HandClock

M64 = MODELS["M64_VL40"]
S19 = MODELS["Antminer S19j Pro"]


@pytest.fixture
def miner(clock: HandClock) -> MinerPhysics:
    return MinerPhysics(M64, clock, seed=7, ambient_c=24.0, timing=Timing(tuning_s=600.0, boot_s=60.0))


def later(miner: MinerPhysics, clock: HandClock, seconds: float) -> MinerPhysics:
    clock.wait(seconds)
    miner.catch_up()
    return miner


def test_a_miner_that_is_found_has_long_been_mining_at_its_rated_figures(miner: MinerPhysics) -> None:
    assert miner.power_w == pytest.approx(3600)
    assert miner.hashrate_ths == pytest.approx(212)
    assert miner.hash_average_ths == pytest.approx(212)
    assert miner.is_tuned
    assert miner.elapsed_s > 3600


def test_a_new_power_limit_stops_the_hashes_and_ramps_up_over_the_tuning_time(
    miner: MinerPhysics, clock: HandClock
) -> None:
    miner.set_limit(2700)
    rows = []
    for seconds in (0, 30, 270, 300, 10):
        later(miner, clock, seconds)
        rows.append((miner.elapsed_s, miner.is_tuned, round(miner.power_w, -1), round(miner.hashrate_ths)))
    assert rows == [
        (0, False, 3600, 0),
        (30, False, 270, 0),
        (300, False, 1500, 75),
        (600, True, 2700, 168),
        (610, True, 2700, 168),
    ]


def test_less_power_hashes_more_efficiently(miner: MinerPhysics, clock: HandClock) -> None:
    full_j_per_th = miner.power_w / miner.hashrate_ths
    miner.set_limit(1800)
    later(miner, clock, 700)
    assert miner.power_w / miner.hashrate_ths < full_j_per_th


def test_a_limit_above_the_model_is_the_model_s(miner: MinerPhysics, clock: HandClock) -> None:
    miner.set_limit(99_999)
    assert later(miner, clock, 700).power_w == pytest.approx(3600)


def test_a_limit_below_what_the_boards_can_do_is_not_reached(miner: MinerPhysics, clock: HandClock) -> None:
    miner.set_limit(100)
    assert later(miner, clock, 700).power_w == pytest.approx(0.3 * 3600)


def test_the_fast_percentage_is_there_after_about_a_second_and_gone_after_a_reboot(
    miner: MinerPhysics, clock: HandClock
) -> None:
    miner.set_percent(50)
    assert later(miner, clock, 1.5).power_w == pytest.approx(1800, rel=0.05)
    assert miner.is_tuned
    miner.reboot()
    assert later(miner, clock, 700).power_w == pytest.approx(3600, rel=0.01)


def test_the_normal_percentage_takes_minutes(miner: MinerPhysics, clock: HandClock) -> None:
    miner.set_percent(50, takes_s=120)
    assert later(miner, clock, 60).power_w == pytest.approx(2700, rel=0.05)
    assert later(miner, clock, 65).power_w == pytest.approx(1800, rel=0.01)


def test_sleep_draws_what_the_control_board_needs_and_waking_starts_from_the_beginning(
    miner: MinerPhysics, clock: HandClock
) -> None:
    miner.sleep()
    later(miner, clock, 30)
    assert (round(miner.power_w), round(miner.hashrate_ths), miner.elapsed_s) == (13, 0, 0)
    miner.wake()
    assert later(miner, clock, 300).hashrate_ths < 212
    assert later(miner, clock, 310).hashrate_ths == pytest.approx(212)


def test_a_reboot_takes_the_miner_off_the_network_for_the_boot_time(miner: MinerPhysics, clock: HandClock) -> None:
    miner.reboot()
    assert miner.offline_left_s == 60
    later(miner, clock, 59)
    assert miner.offline_left_s == 1
    later(miner, clock, 11)
    assert (miner.offline_left_s, miner.uptime_s, miner.reboots) == (0, 10, 1)


def test_temperatures_follow_the_power_slowly(miner: MinerPhysics, clock: HandClock) -> None:
    assert (round(miner.heat.body_c), round(miner.heat.chip_c)) == (49, 69)
    miner.sleep()
    chips, liquid = [], []
    for _ in range(4):
        later(miner, clock, 100)
        chips.append(miner.heat.chip_c)
        liquid.append(miner.heat.body_c)
    assert sorted(chips, reverse=True) == chips
    assert 30 < liquid[-1] < 40
    later(miner, clock, 20_000)
    assert miner.heat.body_c == pytest.approx(24, abs=0.2)


def test_warmer_surroundings_warm_the_liquid(miner: MinerPhysics, clock: HandClock) -> None:
    miner.ambient_c = 44.0
    assert later(miner, clock, 4000).heat.body_c == pytest.approx(69, abs=0.1)


def test_fans_follow_the_heat_and_liquid_cooled_miners_have_none(miner: MinerPhysics, clock: HandClock) -> None:
    air = MinerPhysics(S19, clock, seed=7)
    busy = air.fan_rpm(0)
    air.sleep()
    assert 0 < later(air, clock, 600).fan_rpm(0) < busy
    assert miner.fan_rpm(0) == 0


def test_shares_errors_and_energy_grow_with_the_work(miner: MinerPhysics, clock: HandClock) -> None:
    before = (miner.accepted, miner.rejected, miner.hw_errors, miner.energy_ws)
    later(miner, clock, 86_400)
    after = (miner.accepted, miner.rejected, miner.hw_errors, miner.energy_ws)
    assert all(new > old for new, old in zip(after, before, strict=True))
    assert miner.energy_ws - before[3] == pytest.approx(3600 * 86_400, rel=0.001)


def test_the_same_seed_shows_the_same_figures_and_another_seed_others(clock: HandClock) -> None:
    figures = [MinerPhysics(M64, clock, seed=seed).measured(100, 1, spread=0.02) for seed in (1, 1, 2)]
    assert figures[0] == figures[1] != figures[2]
    assert all(98 <= figure <= 102 for figure in figures)


@pytest.mark.parametrize("looks", [1, 7, 500])
def test_how_often_somebody_looks_changes_nothing(looks: int, clock: HandClock) -> None:
    miner = MinerPhysics(M64, clock, seed=3)
    miner.set_limit(2400)
    for _ in range(looks):
        later(miner, clock, 1000 / looks)
    assert miner.power_w == pytest.approx(2400, rel=0.001)
    assert miner.energy_ws == pytest.approx(miner_looked_at_once(clock).energy_ws, rel=0.01)
    assert miner.terahashes == pytest.approx(miner_looked_at_once(clock).terahashes, rel=0.01)


def miner_looked_at_once(clock: HandClock) -> MinerPhysics:
    miner = MinerPhysics(M64, clock, seed=3)
    miner.set_limit(2400)
    return later(miner, clock, 1000)
