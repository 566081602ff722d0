"""The fast path: a tuned miner is modulated below its limit, at once and without a restart."""

from typing import Any

import pytest

from hashbus.messages import Capability, Message, MinerControl, PowerSetpoint, Rank
from tests.controller.home import Home, info

CAN = (Capability.POWER_LIMIT, Capability.SLEEP, Capability.POWER_PERCENT)


def home_with(capabilities: tuple[Capability, ...] = CAN, **settings: Any) -> Home:
    home = Home({"fast_power": True, "restarts_per_day": 2, "payback_s": 0, **settings})
    miner = info("attic", rated_power_w=3600, rated_hashrate_ths=200)
    home.hear(miner.model_copy(update={"capabilities": capabilities}))
    home.passes(6)
    return home


def last(home: Home, kind: type[Message]) -> Any:
    return next(message for message in reversed(home.said) if isinstance(message, kind))


def test_below_its_limit_a_tuned_miner_moves_freely() -> None:
    home = home_with()
    for watts in (3000, 2000, 2500, 1500, 3600, 1440):
        home.request("warm", Rank.HEAT, wish_w=watts)
        home.passes(11)
        setpoint = last(home, PowerSetpoint)
        assert (setpoint.power_w, setpoint.limit_w) == (watts, 3600)
    remembered = last(home, MinerControl)
    assert (remembered.restarts_at, remembered.ramps_seen) == ((), 0)


def test_far_below_its_limit_it_gets_a_limit_of_its_own_which_has_its_price() -> None:
    home = home_with(payback_s=3600)
    home.request("warm", Rank.HEAT, wish_w=1400)
    home.passes(11)
    setpoint = last(home, PowerSetpoint)
    assert (setpoint.power_w, setpoint.limit_w) == (1400, None)
    assert len(last(home, MinerControl).restarts_at) == 1


def test_a_renewal_does_not_change_the_way_also_when_the_miner_tunes_or_is_silent_meanwhile() -> None:
    home = home_with()
    home.request("warm", Rank.HEAT, lasts_s=86_400, wish_w=2000)
    home.passes(11)
    home.hear(home.reading(state="tuning"))
    home.passes(600)
    assert {(one.power_w, one.limit_w) for one in home.said if isinstance(one, PowerSetpoint)} == {(2000, 3600)}


@pytest.mark.parametrize(
    ("capabilities", "settings", "reading"),
    [
        (CAN[:2], {}, {}),  # the firmware cannot
        (CAN, {"fast_power": False}, {}),
        (CAN, {}, {"state": "tuning"}),
        (CAN, {}, {"power_limit_w": 1500}),  # more than its limit
    ],
)
def test_otherwise_the_limit_is_set(
    capabilities: tuple[Capability, ...], settings: dict[str, Any], reading: dict[str, Any]
) -> None:
    home = home_with(capabilities, payback_s=36_000, **settings)
    home.hear(home.reading(**reading))
    home.request("me", Rank.OVERRIDE, cap_w=2000, floor_w=2000)
    home.passes(11)
    setpoint = last(home, PowerSetpoint)
    assert (setpoint.power_w, setpoint.limit_w) == (2000, None)
