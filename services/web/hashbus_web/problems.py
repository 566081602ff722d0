"""What a caller is told when something cannot be done: which field, what is wrong with it, what would be right."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, ValidationError
from starlette.exceptions import HTTPException

from hashbus_web.people.audit import SECRET_WORDS
from hashbus_web.people.database import DatabaseAway

CODES = {401: "not_signed_in", 403: "not_allowed", 404: "not_found", 405: "not_found", 413: "too_large"}


class ProblemReply(BaseModel):
    """Why a request was not carried out."""

    code: str = Field(description="For programs")
    error: str = Field(description="For people")
    field: str | None = Field(None, description="Which part of the request it is about")
    hint: str | None = Field(None, description="What would be right")


class Problem(Exception):
    """A request that is not carried out; becomes a `ProblemReply`."""

    def __init__(
        self,
        status: int,
        code: str,
        error: str,
        *,
        field: str | None = None,
        hint: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Say which HTTP status, and why."""
        super().__init__(error)
        self.status = status
        self.reply = ProblemReply(code=code, error=error, field=field, hint=hint)
        self.headers = headers


def wrong(field: str, error: str, hint: str | None = None) -> Problem:
    """Return the problem of a field whose value cannot be."""
    return Problem(422, "wrong", error, field=field, hint=hint)


def not_found(what: str, name: str) -> Problem:
    """Return the problem of something that is not there."""
    return Problem(404, "not_found", f"there is no {what} {name!r}")


def away(what: str, error: str) -> Problem:
    """Return the problem of a part of the site that does not answer now."""
    return Problem(503, "away", error, hint=f"the {what} does not answer; it is tried again at the next request")


def answer_problems(app: FastAPI) -> None:
    """Let every problem of this application be answered in one form."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(DatabaseAway, _memory_away)
    app.add_exception_handler(RequestValidationError, _wrong_request)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


async def _problem(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)  # noqa: S101 (the handler is registered for it alone)
    return JSONResponse(error.reply.model_dump(), error.status, headers=error.headers)


async def _memory_away(_request: Request, error: Exception) -> JSONResponse:
    reply = ProblemReply(code="away", error=str(error), hint="free some space on the disk of `data_dir`")
    return JSONResponse(reply.model_dump(), 503)


async def _wrong_request(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    first = error.errors()[0] if error.errors() else {}
    reply = told(first)
    rest = len(error.errors()) - 1
    if rest > 0:
        reply = reply.model_copy(update={"hint": f"and {rest} more of the request is wrong"})
    return JSONResponse(reply.model_dump(), 422)


def of_validation(error: ValidationError) -> Problem:
    """Return the problem that a message class sees in its values."""
    reply = told(dict(error.errors(include_url=False)[0]))
    return Problem(422, reply.code, reply.error, field=reply.field)


def told(problem: dict[str, Any]) -> ProblemReply:
    """Return one finding of pydantic as people read it; a secret is never repeated."""
    where = [str(part) for part in problem.get("loc", ()) if part not in ("body", "query", "path")]
    field = ".".join(where) or None
    text = str(problem.get("msg", "is not right")).removeprefix("Value error, ")
    given = problem.get("input")
    is_shown = isinstance(given, str | int | float | bool) and not any(word in (field or "") for word in SECRET_WORDS)
    shown = f" (got {repr(given)[:62]})" if is_shown and problem.get("type") != "missing" else ""
    return ProblemReply(code="wrong", error=f"{field or 'request'}: {text}{shown}", field=field)


async def _unforeseen(_request: Request, _error: Exception) -> JSONResponse:
    reply = ProblemReply(code="failed", error="this should not have happened; the log tells more")
    return JSONResponse(reply.model_dump(), 500)


async def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101
    code = CODES.get(error.status_code, "wrong")
    reply = ProblemReply(code=code, error=str(error.detail))
    return JSONResponse(reply.model_dump(), error.status_code, headers=dict(error.headers or {}))
