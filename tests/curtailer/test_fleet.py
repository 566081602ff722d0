"""Who can take part in a plan, and why each of the others cannot."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import (
    Capability,
    Level,
    MinerInfo,
    MinerState,
    MinerTelemetry,
    PowerLevel,
    Profile,
    ZoneActivity,
    ZoneControl,
    ZoneState,
)
from hashbus_curtailer.fleet import Candidate, Fleet, Skip, candidates
from hashbus_curtailer.select import select
from hashbus_curtailer.settings import CurtailerSection
from hashbus_curtailer.shelf import Shelf
from tests.servers import ROOT

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SETTINGS = CurtailerSection(protected=("vip", "lab"), heat_duty=("cellar",), asleep_draws_w=15)


def info(miner: str = "m", **more: Any) -> MinerInfo:
    fields = {"capabilities": (Capability.POWER_LIMIT, Capability.SLEEP), "min_power_w": 1000, "max_power_w": 3600}
    return MinerInfo(
        site="farm", at=NOW, miner=miner, driver="whatsminer", level=Level.GOLD, **{**fields, "power_step_w": 1, **more}
    )


def reading(miner: str = "m", age_s: float = 5, **more: Any) -> MinerTelemetry:
    fields = {"state": MinerState.MINING, "power_w": 3500, "hashrate_ths": 120, **more}
    return MinerTelemetry(site="farm", at=NOW - timedelta(seconds=age_s), miner=miner, driver="whatsminer", **fields)


def judged(who: MinerInfo | None, shows: MinerTelemetry | None, **fleet: Any) -> Candidate | Skip:
    known = Fleet(
        infos=Shelf({who.miner: who} if who else {}), readings=Shelf({shows.miner: shows} if shows else {}), **fleet
    )
    found, skipped = candidates(known, SETTINGS, NOW)
    return found[0] if found else next(iter(skipped.values()))


@pytest.mark.parametrize(
    ("who", "shows", "reason"),
    [
        (info("vip"), reading("vip"), Skip.PROTECTED),
        (info(group="lab"), reading(), Skip.PROTECTED),
        (info(group="cellar"), reading(), Skip.HEAT_DUTY),
        (info(), reading(heat_mode="heating"), Skip.HEAT_DUTY),
        (info(), None, Skip.NEVER_READ),
        (info(), reading(age_s=181), Skip.STALE),
        (info(), reading(power_w=None), Skip.UNKNOWN_POWER),
        (info(), reading(power_w=None, is_partial=True), Skip.PARTIAL),
        (info(), reading(state=MinerState.FAULT), Skip.FAULT),
        (info(), reading(state=MinerState.TUNING), Skip.TUNING),
        (info(), reading(state=MinerState.SLEEPING, power_w=15), Skip.ALREADY_OFF),
        (info(), reading(power_w=0), Skip.ALREADY_OFF),
        (info(capabilities=()), reading(), Skip.CANNOT_CHANGE),
        (None, reading(), Skip.CANNOT_CHANGE),
        (info(capabilities=(Capability.POWER_LIMIT,)), reading(power_w=1020), Skip.NOTHING_TO_GIVE),
    ],
)
def test_every_miner_that_takes_no_part_has_a_reason(
    who: MinerInfo | None, shows: MinerTelemetry | None, reason: Skip
) -> None:
    assert judged(who, shows) is reason


def test_a_miner_that_is_offline_gives_nothing_however_fresh_its_last_reading() -> None:
    assert judged(info(), reading(), gone=frozenset({"m"})) is Skip.OFFLINE


def test_a_miner_that_has_only_just_come_back_is_left_alone() -> None:
    assert judged(info(), reading(), back_at={"m": NOW - timedelta(minutes=9)}) is Skip.RECENTLY_BACK
    assert isinstance(judged(info(), reading(), back_at={"m": NOW - timedelta(minutes=10)}), Candidate)


def test_who_refused_or_is_in_the_plan_is_not_asked_again() -> None:
    fleet = Fleet(infos={"a": info("a"), "b": info("b")}, readings={"a": reading("a"), "b": reading("b")})
    found, skipped = candidates(fleet, SETTINGS, NOW, refused=("a",), in_plan=("b",))
    assert (found, skipped) == ([], {"a": Skip.REFUSED})


def test_a_sleeping_miner_still_draws_its_standby() -> None:
    asleep = judged(info(), reading())
    assert isinstance(asleep, Candidate)
    assert asleep.options[-1].cap_w == 0
    assert asleep.options[-1].saves_w == 3485
    assert asleep.options[-1].loses_ths == 120


def test_a_miner_with_levels_can_go_down_to_each_below_what_it_draws() -> None:
    levels = tuple(PowerLevel(name=str(power_w), power_w=power_w) for power_w in (1500, 2500, 3500, 4500))
    one = judged(info(power_levels=levels), reading(power_w=3480))
    assert isinstance(one, Candidate)
    assert [option.cap_w for option in one.options] == [2500, 1500, 0]


def test_a_miner_that_only_sleeps_has_one_option() -> None:
    one = judged(info(capabilities=(Capability.SLEEP,), power_step_w=None), reading())
    assert isinstance(one, Candidate)
    assert [option.cap_w for option in one.options] == [0]


def test_a_miner_that_cannot_sleep_keeps_running_at_its_least() -> None:
    one = judged(info(capabilities=(Capability.POWER_LIMIT,)), reading())
    assert isinstance(one, Candidate)
    assert min(option.cap_w for option in one.options) == 1000


ODD = st.fixed_dictionaries(
    {
        "state": st.sampled_from(MinerState),
        "power_w": st.one_of(st.none(), st.floats(0, 5000)),
        "heat_mode": st.sampled_from([None, "normal", "heating", "anti-freezing"]),
        "age_s": st.floats(0, 400),
    }
)


@given(st.lists(st.tuples(ODD, st.sampled_from([None, "lab", "cellar", "row1"])), max_size=12), st.floats(0, 40_000))
def test_no_plan_ever_touches_a_miner_that_was_skipped(
    miners: list[tuple[dict[str, Any], str]], target_w: float
) -> None:
    infos = {f"m{n}": info(f"m{n}", group=group) for n, (_, group) in enumerate(miners)}
    readings = {f"m{n}": reading(f"m{n}", **odd) for n, (odd, _) in enumerate(miners)}
    found, skipped = candidates(Fleet(infos, readings), SETTINGS, NOW)
    chosen = {part.candidate.miner for part in select(found, target_w, overshoot_w=50).parts}
    assert not chosen & skipped.keys()
    assert {one.miner for one in found} | skipped.keys() == infos.keys()


@pytest.mark.parametrize(
    ("activity", "spare_zones", "is_spared"),
    [
        (ZoneActivity.FROST, "frost", True),
        (ZoneActivity.FROST, "none", False),
        (ZoneActivity.HEATING, "frost", False),
        (ZoneActivity.HEATING, "heating", True),
        (ZoneActivity.IDLE, "heating", False),
    ],
)
def test_the_miners_of_a_zone_that_needs_them_now_are_left_alone(
    activity: ZoneActivity, spare_zones: str, is_spared: bool
) -> None:
    zone = ZoneState(
        site="farm", at=NOW, zone="bath", control=ZoneControl.ROOM, activity=activity, profile=Profile.COMFORT,
        profile_by="schedule", reason="cold", miners=("m",),
    )  # fmt: skip
    fleet = Fleet(infos=Shelf({"m": info()}), readings=Shelf({"m": reading()}), zones={"bath": zone})
    chosen = CurtailerSection.model_validate({"spare_zones": spare_zones})
    assert (candidates(fleet, chosen, NOW)[1] == {"m": Skip.HEAT_DUTY}) is is_spared
    # What the heating said long ago counts no more.
    fresh = fleet.readings.with_("m", reading().model_copy(update={"at": NOW + timedelta(hours=1)}))
    later = Fleet(infos=fleet.infos, readings=fresh, zones=fleet.zones)
    assert candidates(later, chosen, NOW + timedelta(hours=1))[1] == {}


def test_every_reason_is_explained() -> None:
    page = (ROOT / "docs/explanation/curtailment.md").read_text()
    assert [skip.value for skip in Skip if f"| `{skip.value}` |" not in page] == []
