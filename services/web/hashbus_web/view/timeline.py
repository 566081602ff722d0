"""What happened and why, in sentences: made of the messages that change something. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from hashbus.messages import (
    Alert,
    AvailabilityState,
    ControlState,
    CurtailmentPlan,
    Decision,
    HeatState,
    Message,
    MinerAvailability,
    Moment,
    ServiceStatus,
    Severity,
    ZoneState,
)
from hashbus_web.acts.operation import Operation, Status

NAMED = 5
"""So many of a group are named; the rest is a number."""

ASLEEP = "asleep"


class EventKind(StrEnum):
    """What sort of thing happened."""

    DECISION = "decision"
    ALERT = "alert"
    AVAILABILITY = "availability"
    PLAN = "plan"
    ACT = "act"
    SERVICE = "service"
    PROFILE = "profile"
    CONTROL = "control"
    ZONE = "zone"


class Event(BaseModel):
    """One line of the timeline."""

    model_config = ConfigDict(frozen=True)

    n: int = 0
    key: str = Field("", exclude=True, description="The same thing heard again after a restart is not told again")
    at: Moment
    kind: EventKind
    severity: Severity = Severity.INFO
    title: str
    why: str = ""
    target: str = "site"
    count: int = 1
    who: str | None = None


def events_of(message: Message, before: Message | None) -> Iterator[Event]:
    """Return what a message tells that is news, given the one before it."""
    if isinstance(message, Decision):
        yield from _decision(message, before if isinstance(before, Decision) else None)
    elif isinstance(message, Alert):
        yield _alert(message)
    elif isinstance(message, MinerAvailability):
        yield from _availability(message, before if isinstance(before, MinerAvailability) else None)
    elif isinstance(message, ServiceStatus):
        yield from _service(message, before if isinstance(before, ServiceStatus) else None)
    elif isinstance(message, CurtailmentPlan):
        yield from _plan(message, before if isinstance(before, CurtailmentPlan) else None)
    elif isinstance(message, ControlState):
        yield from _control(message, before if isinstance(before, ControlState) else None)
    elif isinstance(message, HeatState):
        yield from _profile(message, before if isinstance(before, HeatState) else None)
    elif isinstance(message, ZoneState):
        yield from _zone(message, before if isinstance(before, ZoneState) else None)


def _decision(decision: Decision, before: Decision | None) -> Iterator[Event]:
    previous_w = before.power_w if before is not None else decision.previous_w
    if previous_w == decision.power_w:
        return
    was = f" from {_watts(previous_w)}" if previous_w is not None else ""
    yield Event(
        key=f"decision/{decision.miner}/{decision.id}",
        at=decision.at,
        kind=EventKind.DECISION,
        title=f"{decision.miner}:{was} to {_watts(decision.power_w)}",
        why=decision.reason,
        target=decision.miner,
    )


def _watts(power_w: float) -> str:
    return f"{power_w:,.0f} W" if power_w else ASLEEP


def _alert(alert: Alert) -> Event:
    is_over = alert.cleared_at is not None
    return Event(
        key=f"alert/{alert.key}/{alert.since.isoformat()}/{'over' if is_over else alert.count}",
        at=alert.at,
        kind=EventKind.ALERT,
        severity=Severity.INFO if is_over else alert.severity,
        title=f"over: {alert.title}" if is_over else alert.title,
        why=alert.text,
        target=alert.key,
        count=alert.count,
    )


def _availability(now: MinerAvailability, before: MinerAvailability | None) -> Iterator[Event]:
    if before is not None and before.state is now.state:
        return
    is_gone = now.state is AvailabilityState.OFFLINE
    if before is None and not is_gone:
        return  # it is there, as it should be: no news
    yield Event(
        key=f"availability/{now.miner}/{now.state.value}/{now.since.isoformat()}",
        at=now.since,
        kind=EventKind.AVAILABILITY,
        severity=Severity.WARNING if is_gone else Severity.INFO,
        title=f"{now.miner} is {'not reached' if is_gone else 'back'}",
        why=now.reason or "",
        target=now.miner,
    )


def _service(now: ServiceStatus, before: ServiceStatus | None) -> Iterator[Event]:
    if before is None or (before.state is now.state and before.started_at == now.started_at):
        return
    is_gone = now.state is AvailabilityState.OFFLINE
    is_new = not is_gone and before.started_at != now.started_at
    words = "has ended" if is_gone else "has started" if is_new else "is back"
    yield Event(
        key=f"service/{now.service}/{now.state.value}/{now.at.isoformat()}",
        at=now.at,
        kind=EventKind.SERVICE,
        severity=Severity.WARNING if is_gone else Severity.INFO,
        title=f"{now.service} {words}",
        why="; ".join(now.problems),
        target=now.service,
    )


def _plan(plan: CurtailmentPlan, before: CurtailmentPlan | None) -> Iterator[Event]:
    if before is not None and (before.plan, before.state) == (plan.plan, plan.state):
        return
    given = f"{plan.planned_w / 1000:,.1f} kW from {len(plan.miners)} miners"
    yield Event(
        key=f"plan/{plan.plan}/{plan.state.value}",
        at=plan.at,
        kind=EventKind.PLAN,
        severity=Severity.WARNING if plan.missing_w else Severity.INFO,
        title=f"curtailment {plan.plan} is {plan.state.value}: {given}",
        why=plan.why,
        target=plan.plan,
        count=len(plan.miners),
    )


def _control(now: ControlState, before: ControlState | None) -> Iterator[Event]:
    if before is None or before.is_enabled == now.is_enabled:
        return
    yield Event(
        key=f"control/{now.is_enabled}/{now.at.isoformat()}",
        at=now.at,
        kind=EventKind.CONTROL,
        title=f"automatic control is {'on' if now.is_enabled else 'off'}",
        why=now.enabled_why or "",
        who=now.enabled_by,
    )


def _profile(now: HeatState, before: HeatState | None) -> Iterator[Event]:
    if before is None or before.profile == now.profile:
        return
    yield Event(
        key=f"profile/{now.profile}/{now.at.isoformat()}",
        at=now.at,
        kind=EventKind.PROFILE,
        title=f"the house is in profile {now.profile.value}" if now.profile else "each zone follows its schedule",
        who=now.profile_by,
    )


def _zone(now: ZoneState, before: ZoneState | None) -> Iterator[Event]:
    if before is None or (before.activity, before.profile) == (now.activity, now.profile):
        return
    yield Event(
        key=f"zone/{now.zone}/{now.activity.value}/{now.profile.value}/{now.at.isoformat()}",
        at=now.at,
        kind=EventKind.ZONE,
        title=f"{now.name or now.zone}: {now.activity.value}, {now.profile.value}",
        why=now.reason,
        target=now.zone,
        who=now.profile_by,
    )


def event_of_act(operation: Operation) -> Event:
    """Return how an act of a person ended."""
    is_well = operation.status is Status.CONFIRMED
    return Event(
        key=f"act/{operation.id}",
        at=operation.changed_at,
        kind=EventKind.ACT,
        severity=Severity.INFO if is_well else Severity.WARNING,
        title=f"{operation.by}: {operation.act.replace('_', ' ')} of {operation.target}, {operation.status.value}",
        why=operation.message,
        target=operation.target,
        who=operation.by,
    )


def grouped(events: Iterable[Event]) -> list[Event]:
    """Make one of many that happened together for the same reason: 312 miners are one line."""
    alike: dict[tuple[EventKind, str, str], list[Event]] = {}
    for event in events:
        words = event.title.partition(":")[2] if event.kind is EventKind.DECISION else event.title.partition(" ")[2]
        is_groupable = event.kind in (EventKind.DECISION, EventKind.AVAILABILITY)
        alike.setdefault((event.kind, event.why, words if is_groupable else event.key), []).append(event)
    return [_one_of(members) if len(members) > 2 else one for members in alike.values() for one in _shown(members)]


def _shown(members: list[Event]) -> list[Event]:
    return members[:1] if len(members) > 2 else members


def _one_of(members: list[Event]) -> Event:
    names = sorted(member.target for member in members)
    rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    first = members[0]
    words = first.title.removeprefix(first.target).lstrip(": ")
    return first.model_copy(
        update={
            "title": f"{len(names)} miners: {words}",
            "target": ", ".join(names[:NAMED]) + rest,
            "count": len(names),
            "at": max(member.at for member in members),
        }
    )
