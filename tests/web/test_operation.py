"""How an operation goes on by what is said on the bus. Pure: a table of moments."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hashbus.messages import (
    Command,
    ControlRequest,
    ControlState,
    CurtailmentPlan,
    CurtailmentRequest,
    DeviceOrder,
    HeatingCurve,
    HeatProgram,
    HeatState,
    Message,
    PlanState,
    PowerRequest,
    Profile,
    ProfileRequest,
    Rank,
    ZoneActivity,
    ZoneControl,
    ZoneRequest,
    ZoneState,
)
from hashbus_web.acts.operation import Operation, ends_at, heard, overdue

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HEAD: dict[str, Any] = {"site": "home", "at": AT}


def operation(said: Message, act: str, target: str = "site") -> Operation:
    return Operation(
        id="op",
        act=act,
        target=target,
        asked={},
        by="anna",
        via="page",
        at=AT,
        expires_at=ends_at(said, AT),
        changed_at=AT,
    )


def curtailment(**more: Any) -> CurtailmentRequest:
    end = AT + timedelta(hours=1)
    return CurtailmentRequest(**HEAD, source="web", id="r1", target_w=5, starts_at=AT, ends_at=end, why="w", **more)


def plan(state: PlanState, name: str = "web-r1") -> CurtailmentPlan:
    end = AT + timedelta(hours=1)
    figures: dict[str, Any] = {"target_w": 5, "planned_w": 5, "starts_at": AT, "ends_at": end}
    return CurtailmentPlan(**HEAD, plan=name, state=state, strategy="performance_priority", why="grid", **figures)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (PlanState.PENDING, "taken"),
        (PlanState.EXECUTING, "taken"),
        (PlanState.EXECUTED, "confirmed"),
        (PlanState.CANCELLED, "refused"),
        (PlanState.FAILED, "failed"),
    ],
)
def test_a_curtailment_follows_its_plan(state: PlanState, status: str) -> None:
    said = curtailment()
    assert heard(operation(said, "curtail"), said, plan(state), AT).status == status
    assert heard(operation(said, "curtail"), said, plan(state, "cloud-r1"), AT).status == "pending"


def test_a_curtailment_that_is_ended_is_confirmed_when_the_miners_come_back() -> None:
    said = curtailment(is_cancelled=True)
    begun = operation(said, "curtail_cancel")
    assert heard(begun, said, plan(PlanState.EXECUTED), AT).status == "pending"
    assert heard(begun, said, plan(PlanState.RECOVERING), AT).status == "confirmed"


def test_automatic_control_is_confirmed_when_the_controller_says_so() -> None:
    said = ControlRequest(**HEAD, source="web", is_enabled=False)
    begun = operation(said, "auto_control_off")
    assert heard(begun, said, ControlState(**HEAD, is_enabled=True), AT).status == "pending"
    assert heard(begun, said, ControlState(**HEAD, is_enabled=False), AT).status == "confirmed"


def test_a_profile_is_confirmed_when_the_house_follows_it() -> None:
    said = ProfileRequest(**HEAD, source="web", profile=Profile.AWAY)
    begun = operation(said, "profile")
    assert heard(begun, said, HeatState(**HEAD, zones=1, profile=Profile.ECO), AT).status == "pending"
    assert heard(begun, said, HeatState(**HEAD, zones=1, profile=Profile.AWAY), AT).status == "confirmed"


def power() -> PowerRequest:
    until = AT + timedelta(hours=1)
    return PowerRequest(
        **HEAD, source="web", scope="attic", name="override", rank=Rank.OVERRIDE, cap_w=1, until=until, why="w"
    )


def order() -> DeviceOrder:
    return DeviceOrder(
        **HEAD, miner="attic", source="web", id="o1", command=Command.REBOOT, expires_at=AT + timedelta(minutes=2)
    )


@pytest.mark.parametrize(
    ("said", "act", "after_s", "status"),
    [
        (power(), "power_limit", 10, "pending"),
        (power(), "power_limit", 30, "timed_out"),
        (order(), "order", 30, "pending"),
        (order(), "order", 130, "pending"),
        (order(), "order", 140, "timed_out"),
    ],
)
def test_what_nobody_answers_times_out(said: Message, act: str, after_s: float, status: str) -> None:
    begun = operation(said, act, "attic")
    ended = overdue(begun, AT + timedelta(seconds=after_s))
    assert ended.status == status
    assert status == "pending" or ended.message


@pytest.mark.parametrize(
    ("profile", "target_c", "shown_profile", "shown_c", "status"),
    [
        (Profile.AWAY, None, Profile.AWAY, 15, "confirmed"),
        (Profile.AWAY, None, Profile.ECO, 18, "pending"),
        (Profile.MANUAL, 19.5, Profile.MANUAL, 19.5, "confirmed"),
        (Profile.MANUAL, 19.5, Profile.MANUAL, 21, "pending"),
    ],
)
def test_a_zone_is_confirmed_when_it_shows_what_was_asked(
    profile: Profile, target_c: float | None, shown_profile: Profile, shown_c: float, status: str
) -> None:
    said = ZoneRequest(**HEAD, zone="bath", source="web", profile=profile, target_c=target_c)
    shown = zone(profile=shown_profile, target_c=shown_c)
    assert heard(operation(said, "zone", "bath"), said, shown, AT).status == status


def test_a_program_is_confirmed_when_it_is_in_force() -> None:
    curve = HeatingCurve(slope=1.4)
    said = HeatProgram(**HEAD, zone="bath", source="web", curve=curve)
    begun = operation(said, "program", "bath")
    assert heard(begun, said, zone(curve=HeatingCurve(slope=1.0)), AT).status == "pending"
    assert heard(begun, said, zone(curve=curve), AT).status == "confirmed"
    before = zone(curve=curve).model_copy(update={"at": AT - timedelta(seconds=1)})
    assert heard(begun, said, before, AT).status == "pending"


def zone(**more: Any) -> ZoneState:
    values: dict[str, Any] = {"profile": Profile.ECO, "profile_by": "web", "reason": "18 °C", **more}
    return ZoneState(**HEAD, zone="bath", control=ZoneControl.ROOM, activity=ZoneActivity.HEATING, **values)
