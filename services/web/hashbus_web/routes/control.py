"""Automatic control (S2.30): whether it is on, and switching it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from hashbus.messages import ControlRequest, ControlState, Moment, ServiceStatus, Text
from hashbus_web.acts.operation import Operation
from hashbus_web.acts.power import SOURCE
from hashbus_web.parts import Parts
from hashbus_web.people.callers import Caller
from hashbus_web.people.rights import Right
from hashbus_web.problems import wrong
from hashbus_web.routes.dependencies import PROBLEMS, Here, May, SiteReader, asked

router = APIRouter(prefix="/api/auto-control", tags=["auto-control"], responses=PROBLEMS)
alias = APIRouter(prefix="/api/auto_control", include_in_schema=False)

Switcher = Annotated[Caller, Depends(May(Right.CONTROL, on_site=True))]


class Switch(BaseModel):
    """Until when, and why."""

    model_config = ConfigDict(extra="forbid")

    until: Moment | None = None
    why: Text = ""


class ControlStatus(BaseModel):
    """Whether automatic control is on, who switched it, and what it remembers."""

    is_enabled: bool | None
    is_there: bool
    state: ControlState | None


async def status(here: Here, _caller: SiteReader) -> ControlStatus:
    """Whether automatic control is on."""
    state = here.site.view.one(ControlState)
    controller = here.site.view.one(ServiceStatus, "controller")
    return ControlStatus(
        is_enabled=state.is_enabled if state else None,
        is_there=controller is not None and controller.state == "online",
        state=state,
    )


async def enable(here: Here, caller: Switcher, body: Switch | None = None) -> Operation:
    """Let the policies decide again."""
    return await _switch(here, caller, body or Switch(), is_enabled=True)


async def disable(here: Here, caller: Switcher, body: Switch | None = None) -> Operation:
    """Let only people, the grid and what protects decide."""
    return await _switch(here, caller, body or Switch(), is_enabled=False)


async def _switch(here: Parts, caller: Caller, body: Switch, *, is_enabled: bool) -> Operation:
    now = here.clock.now()
    if body.until is not None and body.until <= now:
        raise wrong("until", f"{body.until.isoformat()} is over already")
    request = ControlRequest(
        site=here.bus.site,
        at=now,
        source=SOURCE,
        is_enabled=is_enabled,
        until=body.until,
        why=body.why or f"switched by {caller.who}",
    )
    act = "auto_control_on" if is_enabled else "auto_control_off"
    detail = body.model_dump(mode="json", exclude_none=True)
    return await asked(here, caller, request, act=act, target="site", detail=detail)


for one in (router, alias):
    one.get("/status", response_model=ControlStatus)(status)
    one.post("/enable", response_model=Operation, status_code=202)(enable)
    one.post("/disable", response_model=Operation, status_code=202)(disable)
