"""Log in, see who is logged in, log out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response, Security
from pydantic import BaseModel, Field, SecretStr

from hashbus_collector.access import (
    SESSION_COOKIE,
    LoggedIn,
    Parts,
    address_of,
    check_origin,
    not_guessing,
    session_cookie,
)
from hashbus_collector.answers import Answer, SessionAnswer
from hashbus_collector.errors import Refusal
from hashbus_collector.people import Person
from hashbus_collector.routes import PREFIX, refusals

router = APIRouter(prefix=f"{PREFIX}/session", tags=["session"])


class Login(BaseModel):
    """Name and password."""

    username: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
    password: Annotated[SecretStr, Field(max_length=1000)]


@router.post("", response_model=SessionAnswer, responses=refusals(400, 401, 403, 429))
async def log_in(given: Login, request: Request, response: Response, parts: Parts) -> SessionAnswer:
    """Begin a session. The cookie is not readable by scripts and is sent to this site alone."""
    check_origin(request)
    address = address_of(request)
    # Counted before the password is looked at: looking is what costs.
    await not_guessing(parts, f"login:{address}")
    await not_guessing(parts, f"login:{given.username}")
    found = await parts.people.log_in(
        given.username, given.password.get_secret_value(), parts.clock.now(), address=address
    )
    if found is None:
        raise Refusal(401, "name or password is wrong")
    token, who = found
    await parts.cache.forget(f"login:{given.username}")
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=int(parts.settings.sessions.hours * 3600),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return _answer(who)


@router.get("", response_model=SessionAnswer, responses=refusals(401))
async def see(who: LoggedIn) -> SessionAnswer:
    """Say who is logged in."""
    return _answer(who)


@router.delete("", response_model=Answer, responses=refusals(401, 403))
async def log_out(
    request: Request,
    response: Response,
    parts: Parts,
    who: LoggedIn,
    token: Annotated[str | None, Security(session_cookie)],
) -> Answer:
    """End the session."""
    await parts.people.log_out(token or "", parts.clock.now(), who=who.name, address=address_of(request))
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="strict")
    return Answer()


def _answer(who: Person) -> SessionAnswer:
    return SessionAnswer(
        name=who.name, roles={site: role.word for site, role in who.roles.items()}, csrf_token=who.csrf
    )
