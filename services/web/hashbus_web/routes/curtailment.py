"""Curtailment: what it would be, beginning it, ending it, how far it is, and what it came to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hashbus.messages import (
    CurtailmentOffer,
    CurtailmentPlan,
    CurtailmentQuestion,
    CurtailmentRequest,
    Id,
    Moment,
    PlanProgress,
    Settlement,
    Text,
)
from hashbus.units import Percent, Seconds, Watts
from hashbus_web.acts.operation import Operation
from hashbus_web.acts.power import SOURCE
from hashbus_web.parts import Parts
from hashbus_web.people.callers import Caller
from hashbus_web.people.rights import Right
from hashbus_web.people.secrets import new_id
from hashbus_web.problems import Problem, of_validation, wrong
from hashbus_web.routes.dependencies import PROBLEMS, Here, May, SiteReader, asked, check_can_ask

router = APIRouter(prefix="/api/curtailment", tags=["curtailment"], responses=PROBLEMS)

Curtailer = Annotated[Caller, Depends(May(Right.CURTAIL, on_site=True))]

FOUR_HOURS_S = 4 * 3600.0


class Wanted(BaseModel):
    """How much power the site shall give up, and when: one of the three targets, and one of `for_s` and `ends_at`."""

    model_config = ConfigDict(extra="forbid")

    target_w: Watts | None = None
    level_pct: Percent | None = Field(None, description="Down to so much of what the miners draw")
    limit_w: Watts | None = Field(None, description="Most that the miners together may still draw")
    starts_at: Moment | None = Field(None, description="At once when not given")
    ends_at: Moment | None = None
    for_s: Annotated[float, Field(ge=60, le=30 * 86_400)] | None = None
    strategy: Id = "performance_priority"
    groups: tuple[Id, ...] = Field((), max_length=1_000)

    @model_validator(mode="after")
    def _says_each_thing_once(self) -> Self:
        if [self.target_w, self.level_pct, self.limit_w].count(None) != 2:
            raise ValueError("say one of `target_w`, `level_pct` and `limit_w`")
        if self.for_s is not None and self.ends_at is not None:
            raise ValueError("say one of `for_s` and `ends_at`")
        return self

    def values(self, now: datetime) -> dict[str, Any]:
        """Return the fields of a question or a request."""
        starts_at = self.starts_at or now
        lasts_s = self.for_s if self.for_s is not None else FOUR_HOURS_S
        ends_at = self.ends_at or starts_at + timedelta(seconds=lasts_s)
        if ends_at <= now:
            raise wrong("ends_at", f"{ends_at.isoformat()} is over already")
        shared = self.model_dump(include={"target_w", "level_pct", "limit_w", "strategy", "groups"})
        return {**shared, "starts_at": starts_at, "ends_at": ends_at}


class Start(Wanted):
    """The same, how gently, and why."""

    ramp_s: Seconds = 0
    why: Text = ""


class CurtailmentState(BaseModel):
    """Which plan there is, how far it is, who asks, and what the last ones came to."""

    plan: CurtailmentPlan | None = None
    progress: PlanProgress | None = None
    requests: dict[str, CurtailmentRequest]
    settlement: Settlement | None = None


class Settlements(BaseModel):
    """What plans came to, the newest first."""

    settlements: list[Settlement]


@router.get("")
async def state(here: Here, _caller: SiteReader) -> CurtailmentState:
    """The plan of now or the last one."""
    view = here.site.view
    plan = view.one(CurtailmentPlan)
    return CurtailmentState(
        plan=plan,
        progress=view.one(PlanProgress, plan.plan) if plan else None,
        requests=dict(view.all(CurtailmentRequest)),
        settlement=view.one(Settlement, plan.plan) if plan else None,
    )


@router.get("/settlements")
async def settlements(here: Here, _caller: SiteReader) -> Settlements:
    """What plans delivered against their baselines."""
    found = sorted(here.site.view.all(Settlement).values(), key=lambda one: one.at, reverse=True)
    return Settlements(settlements=found)


@router.post("/preview")
async def preview(here: Here, _caller: Curtailer, body: Wanted) -> CurtailmentOffer:
    """What the curtailer would do now; nothing happens."""
    await check_can_ask(here)
    now = here.clock.now()
    head = {"site": here.bus.site, "at": now, "source": SOURCE, "id": new_id("q")}
    try:
        question = CurtailmentQuestion.model_validate({**head, **body.values(now)})
    except ValidationError as error:
        raise of_validation(error) from None
    return await here.asking.offer(question)


@router.post("/start", status_code=202)
async def start(here: Here, caller: Curtailer, body: Start) -> Operation:
    """Let the site give up power; a plan of ours that runs takes over the new figures."""
    now = here.clock.now()
    head = {"site": here.bus.site, "at": now, "source": SOURCE, "id": f"r{int(now.timestamp() * 1000)}"}
    values = {**head, **body.values(now), "ramp_s": body.ramp_s, "why": body.why or f"asked by {caller.who}"}
    try:
        request = CurtailmentRequest.model_validate(values)
    except ValidationError as error:
        raise of_validation(error) from None
    detail = body.model_dump(mode="json", exclude_none=True)
    return await asked(here, caller, request, act="curtail", target="site", detail=detail)


@router.post("/cancel", status_code=202)
async def cancel(here: Here, caller: Curtailer) -> Operation:
    """End what was asked here; the miners come back group after group."""
    now = here.clock.now()
    request = _ours(here)
    if request is None or request.is_cancelled or request.ends_at <= now:
        others = [one.source for one in here.site.view.all(CurtailmentRequest).values() if one.ends_at > now]
        asks = f"; {', '.join(others)} asks" if others else ""
        raise Problem(409, "conflict", f"nothing was asked here that could be ended{asks}")
    ended = request.model_copy(update={"is_cancelled": True, "at": now})
    return await asked(here, caller, ended, act="curtail_cancel", target="site", detail={"id": request.id})


def _ours(here: Parts) -> CurtailmentRequest | None:
    return here.site.view.one(CurtailmentRequest, SOURCE)
