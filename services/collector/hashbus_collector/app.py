"""The web application: its routes, and one form for everything that is refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from hashbus import logs
from hashbus_collector.answers import Alive, Refused
from hashbus_collector.database import DatabaseAway
from hashbus_collector.errors import Refusal
from hashbus_collector.guards import BoundedBodies, SafeHeaders
from hashbus_collector.pages import add_pages
from hashbus_collector.receiving import MB
from hashbus_collector.routes import PREFIX, edge, orders, refusals, session, views

if TYPE_CHECKING:
    from hashbus_collector.collector import Collector

RETRY_S = 5

log = logs.get("app")


def create_app(parts: Collector) -> FastAPI:
    """Return the application over the parts of a collector."""
    app = FastAPI(
        title="hashbus collector",
        summary="Takes what sites upload, and hands commands to their bridges.",
        version=parts.health.version,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.collector = parts
    for module in (edge, orders, session, views):
        app.include_router(module.router)
    _add_health(app, parts)
    add_pages(app)
    _add_refusals(app)
    _add_schemas(app)
    app.add_middleware(BoundedBodies, most=int(parts.settings.limits.body_mb * MB))
    app.add_middleware(SafeHeaders)
    return app


def _add_health(app: FastAPI, parts: Collector) -> None:
    @app.get("/healthz", response_model=Alive, responses=refusals(), tags=["health"])
    @app.get(f"{PREFIX}/health", response_model=Alive, responses=refusals(), tags=["health"])
    async def health() -> Alive:
        """Say whether the collector can take uploads."""
        await parts.database.value("SELECT 1")
        return Alive(status="degraded" if parts.health.problems else "ok", version=parts.health.version)


def _add_refusals(app: FastAPI) -> None:
    async def refused(_: Request, error: Exception) -> JSONResponse:
        found = cast("Refusal", error)
        return _no(found.status, found.error, found.retry_s)

    async def not_right(_: Request, error: Exception) -> JSONResponse:
        return _no(422, _in_words(cast("RequestValidationError", error)))

    async def by_framework(request: Request, error: Exception) -> JSONResponse:
        found = cast("HTTPException", error)
        headers = {"Allow": _methods(app, request.url.path)} if found.status_code == 405 else found.headers
        return _no(found.status_code, str(found.detail), headers=headers)

    async def away(_: Request, error: Exception) -> JSONResponse:
        log.error("the database is away", problem=str(error))
        return _no(503, "the database is away; come again in some seconds", RETRY_S)

    async def gone(_: Request, _error: Exception) -> JSONResponse:
        return _no(400, "the call was cut off")

    async def broken(_: Request, _error: Exception) -> JSONResponse:
        # The web server logs it whole.
        return _no(500, "something is wrong with the collector; its log says what")

    app.add_exception_handler(Exception, broken)
    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(RequestValidationError, not_right)
    app.add_exception_handler(HTTPException, by_framework)
    app.add_exception_handler(DatabaseAway, away)
    app.add_exception_handler(ClientDisconnect, gone)


def _methods(app: FastAPI, path: str) -> str:
    """Return the methods of all routes at a path; the framework names those of the first alone."""
    paths = app.openapi()["paths"]
    if path in paths:
        return ", ".join(sorted(method.upper() for method in paths[path]))
    found = [
        method.upper()
        for template, methods in paths.items()
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
        for method in methods
    ]
    return ", ".join(sorted(found))


def _no(status: int, error: str, retry_s: float | None = None, headers: Any = None) -> JSONResponse:
    more = {**(headers or {})}
    if retry_s is not None:
        more["Retry-After"] = f"{retry_s:.0f}"
    return JSONResponse(Refused(error=error).model_dump(), status, headers=more)


_WORDS = {
    "json_invalid": "is not JSON",
    "missing": "is missing",
    "model_attributes_type": "must be a JSON object, with Content-Type: application/json",
    "model_type": "must be a JSON object",
    "extra_forbidden": "is not known",
}


def _in_words(error: RequestValidationError) -> str:
    """Return the first problem: which part of the call, what is wrong, what was given."""
    first = error.errors()[0]
    # Neither where in the call it stands nor which of our classes was tried says anything to the caller.
    steps = [str(step) for step in first["loc"][1:] if not str(step)[:1].isupper()]
    if first["type"] == "json_invalid":
        steps = []
    given = first.get("input")
    # Nothing that may be long or secret is said back.
    is_shown = first["type"] not in _WORDS and isinstance(given, str | int | float | bool) and "password" not in steps
    shown = f" (got {str(given)[:60]!r})" if is_shown else ""
    return f"{'.'.join(steps) or 'the body'}: {_WORDS.get(first['type'], first['msg'])}{shown}"


def _add_schemas(app: FastAPI) -> None:
    made = app.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        document["components"]["schemas"].update(edge.schemas())
        return document

    app.openapi = openapi  # type: ignore[method-assign]
