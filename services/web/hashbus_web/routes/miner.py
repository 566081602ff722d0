"""One miner (S2.28): how it is, how it was, and what it shall do. With its id, or without where there is only one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

from hashbus.messages import MinerTelemetry, Moment
from hashbus_web.acts.operation import Operation
from hashbus_web.acts.power import (
    Act,
    Order,
    PowerLimit,
    PowerOff,
    PowerOn,
    PowerPercent,
    Release,
    message_for,
)
from hashbus_web.history.chart import Chart
from hashbus_web.parts import Parts
from hashbus_web.people.callers import Caller
from hashbus_web.people.rights import Right
from hashbus_web.problems import not_found
from hashbus_web.routes.dependencies import (
    PROBLEMS,
    Driver,
    Here,
    Orderer,
    Reader,
    Target,
    asked,
    check_may_act,
    may_act,
    named_miner,
    only_miner,
)
from hashbus_web.routes.past import Window, chart_reply, csv_reply
from hashbus_web.view.rows import MinerDetail, MinerRow, miner_detail, miner_row

JSON = "application/json"


class MinerStatus(MinerRow):
    """How a miner is now, and how old that is."""

    id: str
    age_s: float | None = None
    is_stale: bool = True


class MinerPage(MinerDetail):
    """Everything that is known of one miner, and whether the caller may act on it."""

    at: Moment
    may_write: bool


class ReleaseBody(BaseModel):
    """Nothing needs to be said."""


async def page(here: Here, caller: Reader, miner: Target) -> Response:
    """Everything that is known of the miner."""
    now = here.clock.now()
    found = MinerPage.model_construct(
        **dict(miner_detail(here.site.view, miner, now)),
        at=now,
        may_write=may_act(here, caller, Right.POWER, miner),
    )
    return Response(found.model_dump_json(), media_type=JSON)


async def status(here: Here, miner: Target) -> MinerStatus:
    """How the miner is now."""
    now, reading = here.clock.now(), here.site.view.one(MinerTelemetry, miner)
    return MinerStatus(
        **dict(miner_row(here.site.view, miner)),
        id=miner,
        age_s=round(reading.age_s(now), 1) if reading else None,
        is_stale=reading is None or reading.is_stale(now),
    )


async def history(here: Here, window: Annotated[Window, Query()], miner: Target) -> Response:
    """How the miner was: a chart of any of its figures."""
    return await chart_reply(here, window, "miner", miner)


async def export(here: Here, window: Annotated[Window, Query()], miner: Target) -> Response:
    """The same as a CSV file, every point of it unless a step is given."""
    return await csv_reply(here, window, "miner", miner)


async def power_limit(here: Here, caller: Driver, miner: Target, body: PowerLimit) -> Operation:
    """Let the miner draw so many watts until the time is over."""
    return await _ask(here, caller, miner, body)


async def power_pct(here: Here, caller: Driver, miner: Target, body: PowerPercent) -> Operation:
    """Let the miner draw so much of the most it can."""
    return await _ask(here, caller, miner, body)


async def power_on(here: Here, caller: Driver, miner: Target, body: PowerOn | None = None) -> Operation:
    """Let the miner run at full power."""
    return await _ask(here, caller, miner, body or PowerOn())


async def power_off(here: Here, caller: Driver, miner: Target, body: PowerOff | None = None) -> Operation:
    """Let the miner sleep."""
    return await _ask(here, caller, miner, body or PowerOff())


async def release(here: Here, caller: Driver, miner: Target, _body: ReleaseBody | None = None) -> Operation:
    """Give back what was asked by hand: the policies decide again."""
    return await _ask(here, caller, miner, Release())


async def order(here: Here, caller: Orderer, miner: Target, body: Order) -> Operation:
    """Order one thing, once."""
    return await _ask(here, caller, miner, body)


async def op_status(here: Here, miner: Target, id: str | None = None) -> Operation:  # noqa: A002 (S2.15 calls it so)
    """How far the newest act on the miner is, or the one with this id."""
    operations = here.site.operations
    found = operations.get(id) if id else operations.newest_of(miner)
    if found is None or found.target != miner:
        raise not_found("operation of this miner", id or "at all")
    return found


async def _ask(here: Parts, caller: Caller, miner: str, act: Act) -> Operation:
    right = Right.ORDER if isinstance(act, Order) else Right.POWER
    check_may_act(here, caller, right, miner)
    message = message_of(here, caller, miner, act)
    detail = act.model_dump(exclude={"kind"}, exclude_none=True, mode="json")
    name = act.command.value if isinstance(act, Order) else act.kind
    return await asked(here, caller, message, act=name, target=miner, detail=detail)


def message_of(here: Parts, caller: Caller, miner: str, act: Act) -> Any:
    """Return what is said on the bus for an act."""
    info = miner_detail(here.site.view, miner, here.clock.now()).info
    return message_for(act, miner, info, caller.who, here.clock.now(), here.bus.site)


def _with_calls(router: APIRouter) -> APIRouter:
    get, ask = router.get, router.post
    get("/status", response_model=MinerStatus)(status)
    get("/history", response_model=Chart)(history)
    get("/history.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})(export)
    get("/op_status", response_model=Operation)(op_status)
    for path, call in (
        ("/power_limit", power_limit),
        ("/power_pct", power_pct),
        ("/power_on", power_on),
        ("/power_off", power_off),
        ("/release", release),
        ("/order", order),
    ):
        ask(path, response_model=Operation, status_code=202)(call)
    return router


only = _with_calls(
    APIRouter(prefix="/api/miner", tags=["miner"], dependencies=[Depends(only_miner)], responses=PROBLEMS)
)
named = _with_calls(
    APIRouter(prefix="/api/miner/{miner}", tags=["miner"], dependencies=[Depends(named_miner)], responses=PROBLEMS)
)
named.get("", response_model=MinerPage)(page)
