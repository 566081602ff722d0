"""What sites call: upload, pending commands, results. The key says which site it is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from hashbus.collector_record import COMMANDS_ONCE
from hashbus_collector.access import CalledBySite, Parts
from hashbus_collector.answers import Pending, RecordProblem, ResultTaken, Uploaded, UploadRefused, pending_command
from hashbus_collector.command_rules import Status
from hashbus_collector.commands import Answered
from hashbus_collector.errors import Refusal
from hashbus_collector.receiving import receive
from hashbus_collector.records import MinerRecord
from hashbus_collector.routes import PREFIX, refusals

router = APIRouter(prefix=PREFIX, tags=["sites"])

CommandId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="As the command was given")]

_ARRAY = {"type": "array", "items": {"$ref": "#/components/schemas/MinerRecord"}}


class Result(BaseModel):
    """How a command ended at the site."""

    status: Literal[Status.COMPLETED, Status.FAILED, Status.EXPIRED, Status.REJECTED]
    result_code: Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")] | int | None = None
    result_message: Annotated[str, Field(max_length=4000, pattern=r"^[^\x00]*$")] | None = None


@router.post(
    "/upload",
    response_model=Uploaded,
    responses={**refusals(400, 401, 403, 408, 413, 415, 429), 422: {"model": UploadRefused, "description": "No good"}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "Records as a JSON array, packed by gzip or not; its Content-Type may say octet-stream too",
            "content": {"application/json": {"schema": _ARRAY}},
        }
    },
)
async def upload(request: Request, parts: Parts, key: CalledBySite) -> Response:
    """Take a batch of readings. Sent twice, it is stored once: by site, miner and the moment of the reading."""
    found = await receive(request, parts, key)
    errors = [
        RecordProblem(index=one.index, miner_id=one.miner_id, field=one.field, problem=one.problem)
        for one in found.batch.problems
    ]
    if found.batch.refused and not found.batch.taken:
        first = errors[0]
        error = f"not one record is right; record {first.index}: {first.field}: {first.problem}"
        return JSONResponse(UploadRefused(error=error, errors=errors).model_dump(), 422)
    processed, online = len(found.batch.taken), found.batch.online
    answer = Uploaded(
        processed=processed,
        online=online,
        offline=processed - online,
        stored=found.stored,
        rejected=found.batch.refused,
        errors=errors,
        processing_time_ms=round(found.took_ms, 1),
    )
    return Response(answer.model_dump_json(), media_type="application/json")


@router.get("/commands/pending", response_model=Pending, responses=refusals(401, 403, 429))
async def pending(request: Request, parts: Parts, key: CalledBySite) -> Pending:
    """Fetch what this site has to do; what is fetched is noted as sent."""
    rows = await parts.commands.take(
        key.site,
        parts.clock.now(),
        most=parts.settings.commands.at_once,
        knows_ids=COMMANDS_ONCE in request.headers,
    )
    return Pending(commands=[pending_command(row) for row in rows], count=len(rows))


@router.post(
    "/commands/{command_id}/result", response_model=ResultTaken, responses=refusals(400, 401, 403, 404, 409, 429)
)
async def result(command_id: CommandId, given: Result, parts: Parts, key: CalledBySite) -> ResultTaken:
    """Tell how a command ended. The first answer counts; the same again is no mistake."""
    outcome = await parts.commands.answer(
        key.site,
        command_id,
        given.status,
        parts.clock.now(),
        code=None if given.result_code is None else str(given.result_code),
        message=given.result_message,
    )
    if outcome is Answered.UNKNOWN:
        raise Refusal(404, f"no command {command_id!r} of this site")
    if outcome is Answered.CONTRADICTS:
        raise Refusal(409, f"command {command_id!r} is over already, and ended otherwise")
    return ResultTaken(already_known=outcome is Answered.KNOWN)


def schemas() -> dict[str, Any]:
    """Return the schemas that no route's signature shows: those of the records of an upload."""
    found = MinerRecord.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**found.pop("$defs", {}), "MinerRecord": found}
