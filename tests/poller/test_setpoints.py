"""What is asked of a miner so that it draws what it may: never more, level by level, and again until it shows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import (
    Capability,
    MinerIdentity,
    MinerReading,
    MinerState,
    PowerChange,
    PowerLevel,
    PowerSetpoint,
    SetpointStatus,
)
from hashbus.power import Target, target
from hashbus_poller.setpoints import Act, Rules, Wanted, asked, heard, is_shown, is_used_up, lapsed, next_act

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RULES = Rules(confirm_s=300, raise_interval_s=600)

WHATSMINER = MinerIdentity(
    capabilities=(Capability.POWER_LIMIT, Capability.SLEEP),
    min_power_w=1000,
    max_power_w=3600,
    power_step_w=50,
    power_change=PowerChange(min_interval_s=600),
)
ANTMINER = MinerIdentity(
    capabilities=(Capability.POWER_LIMIT, Capability.SLEEP),
    power_levels=(PowerLevel(name="low", power_w=2300), PowerLevel(name="normal", power_w=3250)),
)
ONLY_SLEEPS = MinerIdentity(capabilities=(Capability.SLEEP,), rated_power_w=3000)
NEVER_SLEEPS = MinerIdentity(capabilities=(Capability.POWER_LIMIT,), min_power_w=10, max_power_w=25)
DUMB = MinerIdentity()


def wanted(power_w: float) -> Wanted:
    setpoint = PowerSetpoint(
        site="home", at=NOW, miner="attic", power_w=power_w, valid_until=NOW + timedelta(minutes=5), reason="test"
    )
    return Wanted(setpoint, ends_s=300)


def shows(limit_w: float | None, state: MinerState = MinerState.MINING) -> MinerReading:
    return MinerReading(state=state, power_limit_w=limit_w)


@pytest.mark.parametrize(
    ("who", "asked_w", "taken_w"),
    [
        (WHATSMINER, 0, 0),
        (WHATSMINER, 999, 0),
        (WHATSMINER, 1000, 1000),
        (WHATSMINER, 2177, 2150),
        (WHATSMINER, 3600, 3600),
        (WHATSMINER, 9999, 3600),
        (ANTMINER, 2299, 0),
        (ANTMINER, 2300, 2300),
        (ANTMINER, 3249, 2300),
        (ANTMINER, 5000, 3250),
        (ONLY_SLEEPS, 2999, 0),
        (ONLY_SLEEPS, 3000, 3000),
        (NEVER_SLEEPS, 0, 10),
        (NEVER_SLEEPS, 17.5, 17.5),
    ],
)
def test_the_target_is_what_the_miner_can_do_at_or_below_what_was_asked(
    who: MinerIdentity, asked_w: float, taken_w: float
) -> None:
    goal = target(asked_w, who)
    assert goal is not None
    assert goal.power_w == taken_w


def test_a_miner_that_can_do_nothing_has_no_target() -> None:
    assert target(1000, DUMB) is None


def test_a_miner_that_cannot_go_low_enough_says_so() -> None:
    goal = target(5, NEVER_SLEEPS)
    assert goal == Target(10, "cannot sleep; 10 W is the least it draws")


identities = st.builds(
    MinerIdentity,
    capabilities=st.sets(st.sampled_from([Capability.POWER_LIMIT, Capability.SLEEP])).map(tuple),
    min_power_w=st.none() | st.floats(0, 2000),
    max_power_w=st.none() | st.floats(2000, 5000),
    power_step_w=st.none() | st.sampled_from([1, 50, 250]),
    power_levels=st.lists(st.builds(PowerLevel, name=st.just("level"), power_w=st.floats(1, 4000)), max_size=4).map(
        tuple
    ),
)


@given(identities, st.floats(0, 6000))
def test_a_cap_is_a_cap_wherever_the_miner_can_sleep(who: MinerIdentity, asked_w: float) -> None:
    goal = target(asked_w, who)
    if goal is not None and Capability.SLEEP in who.capabilities:
        assert goal.power_w <= asked_w


@given(identities, st.floats(0, 6000))
def test_a_target_is_its_own_target(who: MinerIdentity, asked_w: float) -> None:
    goal = target(asked_w, who)
    if goal is not None:
        again = target(goal.power_w, who)
        assert again is not None
        assert again.power_w == pytest.approx(goal.power_w) or who.power_step_w


class TestAsking:
    """What is asked when."""

    def test_nothing_is_asked_of_a_miner_that_is_right(self) -> None:
        assert next_act(wanted(2000), Target(2000), shows(2000), WHATSMINER, RULES, 0) is None

    def test_rounding_of_the_firmware_is_right_enough(self) -> None:
        assert is_shown(Target(2000), shows(2020), WHATSMINER)
        assert not is_shown(Target(2000), shows(2100), WHATSMINER)

    def test_less_power_is_asked_at_once(self) -> None:
        just_raised = asked(wanted(3000), Act.LIMIT, 3000, shows(2000), now_s=0)
        assert next_act(just_raised, Target(1500), shows(3000), WHATSMINER, RULES, 1) == (Act.LIMIT, 1500)

    def test_more_power_waits_for_the_interval_of_a_change(self) -> None:
        raised = asked(wanted(2000), Act.LIMIT, 2000, shows(1500), now_s=0)
        assert next_act(raised, Target(3000), shows(2000), WHATSMINER, RULES, 599) is None
        assert next_act(raised, Target(3000), shows(2000), WHATSMINER, RULES, 600) == (Act.LIMIT, 3000)

    def test_the_same_is_asked_again_only_after_the_miner_had_time(self) -> None:
        sent = asked(wanted(1500), Act.LIMIT, 1500, shows(3000), now_s=0)
        assert next_act(sent, Target(1500), shows(3000), WHATSMINER, RULES, 299) is None
        assert next_act(sent, Target(1500), shows(3000), WHATSMINER, RULES, 300) == (Act.LIMIT, 1500)

    def test_zero_is_sleep_and_more_than_zero_wakes_first(self) -> None:
        asleep = shows(None, MinerState.SLEEPING)
        assert next_act(wanted(0), Target(0), shows(3000), WHATSMINER, RULES, 0) == (Act.SLEEP, 0)
        assert next_act(wanted(0), Target(0), asleep, WHATSMINER, RULES, 0) is None
        assert next_act(wanted(2000), Target(2000), asleep, WHATSMINER, RULES, 0) == (Act.WAKE, 2000)

    def test_a_miner_that_lost_its_limit_is_asked_again(self) -> None:
        long_ago = asked(wanted(1500), Act.LIMIT, 1500, shows(3000), now_s=0)
        assert next_act(long_ago, Target(1500), shows(3600), WHATSMINER, RULES, 10_000) == (Act.LIMIT, 1500)


class TestLeases:
    """Nothing is undone; it lapses."""

    def test_a_renewed_setpoint_is_told_once(self) -> None:
        told = replace(wanted(2000), told=SetpointStatus.CONFIRMED)
        renewed = heard(told, wanted(2000).setpoint, ends_s=900)
        assert (renewed.told, renewed.ends_s) == (SetpointStatus.CONFIRMED, 900)
        assert heard(told, wanted(1000).setpoint, ends_s=900).told is None

    def test_a_lapsed_one_goes_to_the_safe_power_and_a_new_one_ends_that(self) -> None:
        safe = lapsed(wanted(3000), 1000)
        assert (safe.power_w, safe.is_lapsed) == (1000, True)
        again = heard(safe, wanted(1000).setpoint, ends_s=900)
        assert not again.is_lapsed

    def test_what_was_raised_before_the_end_still_counts_for_the_interval(self) -> None:
        raised = asked(wanted(3000), Act.LIMIT, 3000, shows(2000), now_s=100)
        assert lapsed(raised, 1000).raised_s == 100


class TestChangesPerDay:
    """Every change to more power wears a miner out a little: most restart mining for minutes."""

    FEW = Rules(confirm_s=10, raise_interval_s=0, raises_per_day=2)

    def raised(self, times: int) -> Wanted:
        state = wanted(3000)
        for number in range(times):
            state = asked(state, Act.LIMIT, 2000 + number, shows(1000), now_s=100.0 * number)
        return state

    def test_more_power_is_asked_until_the_day_is_used_up(self) -> None:
        for times, is_asked in ((0, True), (1, True), (2, False)):
            state = self.raised(times)
            act = next_act(state, Target(3000), shows(1000), WHATSMINER, self.FEW, now_s=1000)
            assert (act is not None) is is_asked
            assert is_used_up(state, Target(3000), shows(1000), self.FEW, now_s=1000) is not is_asked

    def test_less_power_and_sleep_never_count_and_never_wait(self) -> None:
        used_up = self.raised(2)
        assert next_act(used_up, Target(900), shows(1000), WHATSMINER, self.FEW, 1000) == (Act.LIMIT, 900)
        assert next_act(used_up, Target(0), shows(1000), WHATSMINER, self.FEW, 1000) == (Act.SLEEP, 0)
        lowered = asked(wanted(900), Act.LIMIT, 900, shows(1000), now_s=0)
        assert lowered.raises_s == ()

    def test_a_day_later_it_may_be_asked_again(self) -> None:
        later_s = 100 + 86_400.0
        assert next_act(self.raised(2), Target(3000), shows(1000), WHATSMINER, self.FEW, later_s) is not None

    def test_waking_is_more_power(self) -> None:
        asleep = shows(None, MinerState.SLEEPING)
        assert is_used_up(self.raised(2), Target(3000), asleep, self.FEW, now_s=1000)

    def test_what_was_asked_last_may_still_show(self) -> None:
        state = asked(self.raised(1), Act.LIMIT, 3000, shows(1000), now_s=500)
        assert not is_used_up(state, Target(3000), shows(1000), self.FEW, now_s=505)
        assert is_used_up(state, Target(3000), shows(1000), self.FEW, now_s=511)

    def test_a_new_setpoint_gives_no_new_day(self) -> None:
        used_up = heard(self.raised(2), wanted(3100).setpoint, 600)
        assert is_used_up(used_up, Target(3100), shows(1000), self.FEW, now_s=1000)
