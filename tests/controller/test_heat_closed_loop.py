"""The heating closed over a room with one mass and one loss: it settles, swings little, and spares the miners.

6 MJ/K and 120 W/K are a house of some 60 m² with a time constant of 14 hours; a miner that restarts needs ten minutes
to its full heat.
"""

from math import pi, sin
from typing import Any

import pytest

from hashbus.messages import Capability, PowerChange, PowerLevel, Rank
from tests.controller.heated import EVERY_DAY, HeatedHome, heater, switched

LEVELS = (PowerLevel(name="low", power_w=1500), PowerLevel(name="high", power_w=3000))
FREE = PowerChange(restarts_mining=False, ramp_s=600, min_interval_s=60)
OVERSHOOT_K = 1.2
"""Half of it is the swing of a miner of 3.25 kW that only runs or sleeps, the other half what the regulator learnt."""
SWITCHES_A_DAY = 20
HEATERS = {
    "on and off": (switched("attic"),),
    "two levels": (heater("attic", power_levels=LEVELS, max_power_w=3000),),
    "any watt, restarts": (heater("attic"),),
    "any watt, free": (heater("attic", power_change=FREE),),
    "three": tuple(heater(name, min_power_w=900, max_power_w=1400) for name in ("attic", "cellar", "hall")),
}


def winter_day(hour: float) -> float:
    """0 °C in the morning, 6 °C in the afternoon."""
    return 3 + 3 * sin(2 * pi * (hour - 9) / 24)


def lived(home: HeatedHome, *, days: float, but_first_h: float) -> list[float]:
    """The temperatures of so many days, without the first hours."""
    begin = home.now
    home.lives(hours=days * 24, dt_s=60)
    return [room_c for at, room_c in home.temperatures if (at - begin).total_seconds() >= but_first_h * 3600]


@pytest.mark.parametrize("heaters", HEATERS.values(), ids=HEATERS)
def test_a_cold_room_settles_at_its_target_with_few_switches(heaters: Any) -> None:
    home = HeatedHome(heaters=heaters, room_c=17, outdoor_c=winter_day)
    lived(home, days=0.5, but_first_h=0)
    switches = home.switches
    settled = lived(home, days=1, but_first_h=0)
    assert max(room_c for _, room_c in home.temperatures) < 21 + OVERSHOOT_K
    assert sum(settled) / len(settled) == pytest.approx(21, abs=0.2)
    assert min(settled) > 20.0
    if heaters[0].power_change.restarts_mining:
        assert home.switches - switches <= SWITCHES_A_DAY * len(heaters)


def test_a_miner_that_can_be_modulated_follows_closely_with_hardly_a_restart() -> None:
    fast = heater("attic").model_copy(
        update={"capabilities": (Capability.POWER_LIMIT, Capability.POWER_PERCENT, Capability.SLEEP)}
    )
    # 1 K colder outside, so that it never needs less than 40 % of what it stood at in the cold morning.
    plain, modulated = (
        HeatedHome(heaters=(fast,), room_c=19, outdoor_c=lambda hour: winter_day(hour) - 1, controller=controller)
        for controller in ({}, {"fast_power": True})
    )
    for home in (plain, modulated):
        lived(home, days=0.5, but_first_h=0)
        home.switches = 0
    off_k = [
        max(abs(room_c - 21) for room_c in lived(home, days=1, but_first_h=0)[-24 * 60 :])
        for home in (plain, modulated)
    ]
    assert modulated.switches <= 2 < plain.switches
    assert off_k[1] <= off_k[0] + 0.1


def test_a_night_that_is_cooler_ends_warm_without_overshooting() -> None:
    schedule = [
        {"days": EVERY_DAY, "local_time": "05:00", "profile": "comfort"},
        {"days": EVERY_DAY, "local_time": "22:00", "profile": "eco"},
    ]
    home = HeatedHome(zone={"schedule": schedule}, room_c=19, outdoor_c=winter_day)
    lived(home, days=2, but_first_h=0)
    noon = [room_c for at, room_c in home.temperatures if at.hour == 12]
    assert sum(noon) / len(noon) == pytest.approx(21, abs=0.7)
    assert max(room_c for _, room_c in home.temperatures) < 21 + OVERSHOOT_K
    assert home.switches <= 2 * SWITCHES_A_DAY


def test_after_a_night_under_a_cap_it_does_not_overshoot() -> None:
    home = HeatedHome(room_c=20.5, outdoor_c=lambda _: 2.0)
    home.home.request("night", Rank.SITE_LIMIT, cap_w=800.0, lasts_s=10 * 3600)
    lived(home, days=10 / 24, but_first_h=0)
    assert home.zone.integral_w <= 800
    assert home.room_c < 19
    after = lived(home, days=1, but_first_h=0)
    assert max(after) < 21.9
    assert after[-1] == pytest.approx(21, abs=0.6)


def test_known_losses_hold_the_room_closer() -> None:
    def worst(zone: dict[str, Any]) -> float:
        heat = {"outdoor": {"inputs": [{"sensor": "garden"}]}}
        home = HeatedHome(zone=zone, heaters=HEATERS["any watt, free"], heat=heat, room_c=21, outdoor_c=winter_day)
        off_k = 0.0
        for number in range(26):
            home.measures("garden", temperature_c=home.outdoor_c((home.now - home.temperatures[0][0]).seconds / 3600))
            home.lives(hours=1, dt_s=60)
            off_k = max(off_k, abs(home.room_c - 21)) if number > 8 else 0.0
        return off_k

    assert worst({"regulator": {"loss_w_per_k": 120}}) < worst({})


def test_water_is_held_within_what_a_small_store_allows() -> None:
    # 300 litres of water, and radiators that take 3 kW from it at 45 °C in a room of 20 °C.
    zone = {"control": "supply", "curve": {"slope": 0.8}}
    home = HeatedHome(zone=zone, heaters=HEATERS["any watt, free"], room_c=30, outdoor_c=lambda _: 20.0)
    home.capacity_j_per_k, home.loss_w_per_k = 1.26e6, 120.0
    lived(home, days=0.25, but_first_h=0)
    target_c = home.zone.target_c
    assert target_c is not None
    water = lived(home, days=0.5, but_first_h=0)
    assert max(water) - target_c < 3
    assert target_c - min(water) < 3
    assert sum(water) / len(water) == pytest.approx(target_c, abs=0.5)
