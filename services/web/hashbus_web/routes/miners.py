"""All miners: the list, and acts on many of them at once with their progress (S2.15)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Self

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from hashbus.messages import Decision, Id, MinerState, MinerTelemetry, Moment
from hashbus_web.acts.batch import Batch
from hashbus_web.acts.operation import Operation
from hashbus_web.acts.operations import TooMany
from hashbus_web.acts.power import Act, Order
from hashbus_web.parts import Parts
from hashbus_web.people.audit import masked
from hashbus_web.people.callers import Caller
from hashbus_web.people.rights import Right
from hashbus_web.problems import Problem, not_found
from hashbus_web.routes.dependencies import PROBLEMS, Actor, Here, Reader, check_can_ask, may_act, sees
from hashbus_web.routes.miner import message_of
from hashbus_web.view.rows import InfoRow, MinerRow

router = APIRouter(prefix="/api", tags=["miners"], responses=PROBLEMS)


class ListedMiner(MinerRow, InfoRow):
    """One line of the list."""

    id: str


class MinerList(BaseModel):
    """A part of the list."""

    at: Moment
    total: int = Field(description="How many there are with this group and state")
    miners: list[ListedMiner]


class Many(BaseModel):
    """Which miners, and what they shall do."""

    model_config = ConfigDict(extra="forbid")

    miners: tuple[Id, ...] | None = Field(None, max_length=20_000)
    group: Id | None = None
    all: bool = False
    act: Act

    @model_validator(mode="after")
    def _names_them_once(self) -> Self:
        if [self.miners is not None, self.group is not None, self.all].count(True) != 1:
            raise ValueError("say which miners: one of `miners`, `group` and `all`")
        return self


@router.get("/miners", response_model=MinerList)
async def miners(
    here: Here,
    caller: Reader,
    group: str | None = None,
    state: MinerState | None = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """Every miner that the caller may see, with how it is now."""
    view = here.site.view
    readings = view.all(MinerTelemetry)
    found = [
        miner
        for miner in view.miners()
        if sees(here, caller, miner)
        and (group is None or view.group_of(miner) == group)
        and (state is None or (miner in readings and readings[miner].state is state))
    ]
    # Put together from parts that are encoded already: a list of thousands must not hold up the live pages.
    lines = b",".join(here.site.listed(miner) for miner in found[offset : offset + limit])
    head = f'{{"at":"{here.clock.now().isoformat()}","total":{len(found)},"miners":['
    return Response(head.encode() + lines + b"]}", media_type="application/json")


@router.get("/decisions", response_model=dict[str, Decision])
async def decisions(here: Here, caller: Reader) -> Response:
    """Why every miner draws what it draws."""
    found = {miner: one for miner, one in here.site.view.all(Decision).items() if sees(here, caller, miner)}
    parts = (f'"{miner}":'.encode() + one.encode() for miner, one in found.items())
    return Response(b"{" + b",".join(parts) + b"}", media_type="application/json")


@router.get("/miner/{miner}/decision")
async def decision(here: Here, caller: Reader, miner: str) -> Decision:
    """Why one miner draws what it draws."""
    found = here.site.view.one(Decision, miner)
    if found is None or not sees(here, caller, miner):
        raise not_found("decision about", miner)
    return found


@router.post("/miners/act", status_code=202)
async def act_on_many(here: Here, caller: Actor, body: Many) -> Batch:
    """Let many miners do the same; how far they are is told by the batch and live."""
    right = Right.ORDER if isinstance(body.act, Order) else Right.POWER
    if not caller.may(right):
        raise Problem(403, "not_allowed", f"{caller.who} may not do this ({right.value})")
    await check_can_ask(here)
    chosen = list(dict.fromkeys(_chosen(here, caller, body)))
    if not chosen:
        raise Problem(404, "not_found", "there is no such miner", field="miners")
    name = body.act.command.value if isinstance(body.act, Order) else body.act.kind
    detail = masked(body.act.model_dump(exclude={"kind"}, exclude_none=True, mode="json"))
    operations = here.site.operations
    batch_id = operations.begin_batch(name, caller)
    done = [_one_of_many(here, caller, miner, body.act, batch_id) for miner in chosen]
    await here.people.audit.note(
        f"{name} (many)",
        who=caller.who,
        via=caller.via,
        address=caller.address,
        target=body.group or ("all" if body.all else ", ".join(chosen)[:1000]),
        detail={**detail, "miners": len(chosen), "batch": batch_id},
    )
    return operations.end_batch(batch_id, done)


def _chosen(here: Parts, caller: Caller, body: Many) -> Iterable[str]:
    known = set(here.site.view.miners())
    if body.miners is not None:
        return (miner for miner in body.miners if miner in known and sees(here, caller, miner))
    seen = (miner for miner in sorted(known) if sees(here, caller, miner))
    return (miner for miner in seen if body.all or here.site.view.group_of(miner) == body.group)


def _one_of_many(here: Parts, caller: Caller, miner: str, act: Act, batch_id: str) -> Operation:
    """Ask one; who cannot or must not is part of the answer, and the others go on."""
    name = act.command.value if isinstance(act, Order) else act.kind
    right = Right.ORDER if isinstance(act, Order) else Right.POWER
    detail = masked(act.model_dump(exclude={"kind"}, exclude_none=True, mode="json"))
    operations = here.site.operations
    try:
        if not may_act(here, caller, right, miner):
            raise Problem(403, "not_allowed", f"{caller.who} may not act on {miner}")
        message = message_of(here, caller, miner, act)
        return operations.ask(message, act=name, target=miner, asked=detail, by=caller, batch=batch_id)
    except (Problem, TooMany) as error:
        return operations.reject(act=name, target=miner, asked=detail, by=caller, why=str(error), batch=batch_id)


@router.get("/operations")
async def operations(
    here: Here,
    caller: Reader,
    target: str | None = None,
    limit: Annotated[int, Query(ge=1, le=5_000)] = 200,
) -> list[Operation]:
    """What was asked in the last hour, the newest first."""
    found = (
        one
        for one in here.site.operations.all()
        if (target is None or one.target == target) and _is_shown(here, caller, one)
    )
    return [one for one, _ in zip(found, range(limit), strict=False)]


@router.get("/operations/{operation_id}")
async def operation(here: Here, caller: Reader, operation_id: str) -> Operation:
    """One thing that was asked."""
    found = here.site.operations.get(operation_id)
    if found is None or not _is_shown(here, caller, found):
        raise not_found("operation", operation_id)
    return found


def _is_shown(here: Parts, caller: Caller, operation: Operation) -> bool:
    return caller.leaves.sight.is_whole or operation.by == caller.who or sees(here, caller, operation.target)


class BatchPage(Batch):
    """A batch with what is not well in it."""

    problems: tuple[Operation, ...] = ()


@router.get("/batches/{batch_id}")
async def batch(here: Here, caller: Reader, batch_id: str) -> BatchPage:
    """How far an act on many is, and which of them did not do it (the first hundred)."""
    found = here.site.operations.batch(batch_id)
    if found is None or not (caller.leaves.sight.is_whole or found.by == caller.who):
        raise not_found("batch", batch_id)
    bad = [one for one in here.site.operations.members(batch_id) if one.status in ("refused", "failed", "timed_out")]
    return BatchPage(**dict(found), problems=tuple(bad[:100]))
