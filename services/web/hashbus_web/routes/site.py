"""The site as a whole (S2.32): its state in one reply, its services, what happened and why."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from hashbus.messages import (
    AvailabilityState,
    BatteryTelemetry,
    Message,
    MeterTelemetry,
    MinerTelemetry,
    Moment,
    SensorTelemetry,
    ServiceStatus,
    ZoneState,
)
from hashbus_web.routes.dependencies import PROBLEMS, Here, Reader, SiteReader
from hashbus_web.view.timeline import Event, EventKind
from hashbus_web.view.totals import Energy, Totals, energy, totals

router = APIRouter(prefix="/api", tags=["site"], responses=PROBLEMS)

AGES: dict[str, type[Message]] = {
    "miner": MinerTelemetry,
    "battery": BatteryTelemetry,
    "meter": MeterTelemetry,
    "sensor": SensorTelemetry,
    "zone": ZoneState,
}


class BusState(BaseModel):
    """Whether the broker is there, and when somebody was last heard."""

    connected: bool
    since: Moment
    heard_at: Moment | None = None


class RecorderState(BaseModel):
    """Whether the past can be asked."""

    is_there: bool
    problem: str | None = None


class SystemStatus(BaseModel):
    """The site in one reply."""

    site: str
    at: Moment
    version: str
    bus: BusState
    recorder: RecorderState
    services: dict[str, ServiceStatus]
    problems: list[str] = Field(description="What does not work right now, in words")
    stale_after_s: dict[str, float]
    totals: Totals
    energy: Energy


class Healthy(BaseModel):
    """For a watchdog; it says nothing that a stranger must not know."""

    status: str


class Timeline(BaseModel):
    """What happened, the newest first."""

    events: list[Event]


@router.get("/system/status")
async def status(here: Here, caller: Reader) -> SystemStatus:
    """How the site and its services are."""
    view, now = here.site.view, here.clock.now()
    services = dict(view.all(ServiceStatus))
    sums = totals(view, now, caller.leaves.sight)
    flow = energy(view, sums.power_w if sums.miners > sums.stale else None, now)
    gone = [f"{name} is not there" for name, one in services.items() if one.state is AvailabilityState.OFFLINE]
    told = [f"{name}: {problem}" for name, one in services.items() for problem in one.problems]
    broker = [] if here.bus.is_connected else ["the broker is away: what is shown is what was heard before"]
    past = [here.recorder.problem] if here.recorder.problem else []
    return SystemStatus(
        site=here.bus.site,
        at=now,
        version=here.version,
        bus=BusState(connected=here.bus.is_connected, since=here.site.bus_since, heard_at=view.heard_at),
        recorder=RecorderState(is_there=here.recorder.problem is None, problem=here.recorder.problem),
        services=services,
        problems=[*broker, *past, *gone, *told],
        stale_after_s={
            name: kind.topic.stale_after.total_seconds() for name, kind in AGES.items() if kind.topic.stale_after
        },
        totals=sums,
        energy=flow if caller.leaves.sight.is_whole else Energy(miners_w=flow.miners_w),
    )


@router.get("/system/health")
async def health(here: Here, response: Response) -> Healthy:
    """Whether the service works; 503 while the broker is away. No login is needed."""
    if not here.bus.is_connected:
        response.status_code = 503
        return Healthy(status="degraded")
    return Healthy(status="ok")


@router.get("/timeline")
async def timeline(
    here: Here,
    _caller: SiteReader,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    kind: Annotated[list[EventKind] | None, Query(max_length=20)] = None,
    target: Annotated[str | None, Query(max_length=200)] = None,
) -> Timeline:
    """What happened and why."""
    return Timeline(events=await here.events.newest(limit, before=before, kinds=kind or (), target=target))
