"""Power of a group, or of all miners, together: at most so many watts for a while; the controller shares them out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body

from hashbus.messages import PowerRequest
from hashbus_web.acts.operation import Operation
from hashbus_web.acts.power import PowerLimit, PowerOff, Release, message_for_group
from hashbus_web.parts import Parts
from hashbus_web.people.callers import Caller
from hashbus_web.people.rights import EVERYTHING, Right
from hashbus_web.problems import Problem, not_found
from hashbus_web.routes.dependencies import PROBLEMS, DeviceId, Driver, Here, Reader, asked, sees

router = APIRouter(prefix="/api/groups", tags=["groups"], responses=PROBLEMS)

SITE = "site"

GroupAct = Annotated[PowerLimit | PowerOff | Release, Body(discriminator="kind")]


@router.get("")
async def groups(here: Here, caller: Reader) -> dict[str, list[str]]:
    """The miners of each group; those without one stand under the empty name."""
    found: dict[str, list[str]] = {}
    for miner in here.site.view.miners():
        if sees(here, caller, miner):
            found.setdefault(here.site.view.group_of(miner) or "", []).append(miner)
    return found


@router.post("/{group}/power", status_code=202)
async def power(here: Here, caller: Driver, group: DeviceId, body: GroupAct) -> Operation:
    """Say how much the miners of a group, or of the whole `site`, may draw together."""
    _check(here, caller, group)
    request: PowerRequest = message_for_group(body, group, caller.who, here.clock.now(), here.bus.site)
    detail = body.model_dump(mode="json", exclude={"kind"})
    return await asked(here, caller, request, act=body.kind, target=group, detail=detail)


def _check(here: Parts, caller: Caller, group: str) -> None:
    view = here.site.view
    members = [miner for miner in view.miners() if group in (SITE, view.group_of(miner))]
    if not members or not any(sees(here, caller, miner) for miner in members):
        raise not_found("group", group)
    name = EVERYTHING if group == SITE else f"group:{group}"
    if not caller.leaves.may_on_all(Right.POWER, name):
        raise Problem(403, "not_allowed", f"{caller.who} may not act on all of {group} (power)")
