"""Coming in by a login elsewhere: OpenID Connect, GitHub, Home Assistant."""

from __future__ import annotations

import json
import secrets
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse

from hashbus import logs
from hashbus_web import metrics
from hashbus_web.parts import Parts
from hashbus_web.people.cookies import set_cookies
from hashbus_web.people.elsewhere.identity import Attempt, Identity, LoginFailed
from hashbus_web.people.secrets import is_same
from hashbus_web.people.users import NameTaken, User
from hashbus_web.problems import Problem, not_found
from hashbus_web.routes.dependencies import PROBLEMS, DeviceId, Here, address_of

router = APIRouter(prefix="/api/auth/openid", tags=["auth"], responses=PROBLEMS)

COOKIE = "hashbus_attempt"
PATH = "/api/auth/openid"
LASTS_S = 600
NAMES_TRIED = 20

log = logs.get("auth")


@router.get("/{provider}/start", response_class=RedirectResponse, status_code=302)
async def start(request: Request, here: Here, provider: DeviceId) -> RedirectResponse:
    """Send the browser to the provider."""
    if not here.people.users.has_admin:
        raise Problem(503, "setup_required", "this site has no administrator yet: run `hashbus web code`")
    asked = here.providers.get(provider)
    if asked is None:
        raise not_found("provider of logins", provider)
    await here.people.doorkeeper.let_try(address_of(request), f"at {provider} from {address_of(request)}")
    attempt = Attempt(
        state=secrets.token_urlsafe(24),
        nonce=secrets.token_urlsafe(24),
        verifier=secrets.token_urlsafe(48),
        redirect_uri=f"{_base(request, here)}{PATH}/{provider}/callback",
    )
    try:
        response = RedirectResponse(await asked.address(attempt), status_code=302)
    except LoginFailed as error:
        return _failed(str(error))
    # Lax, not strict: the way back from the provider begins on its site.
    response.set_cookie(
        COOKIE,
        json.dumps([provider, attempt.state, attempt.nonce, attempt.verifier], separators=(",", ":")),
        max_age=LASTS_S,
        path=PATH,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return response


@router.get("/{provider}/callback", response_class=RedirectResponse, status_code=302)
async def callback(
    request: Request,
    here: Here,
    provider: DeviceId,
    code: Annotated[str, Query(max_length=4000)] = "",
    state: Annotated[str, Query(max_length=200)] = "",
    error: Annotated[str, Query(max_length=200)] = "",
) -> RedirectResponse:
    """Take in who comes back from the provider."""
    try:
        if error or not code:
            raise LoginFailed(f"the provider says: {error or 'no code'}")
        attempt = _attempt(request, here, provider, state)
        identity = await here.providers[provider].identify(code, attempt)
        user = await _user(here, provider, identity)
    except LoginFailed as problem:
        metrics.LOGINS.labels("elsewhere_refused").inc()
        log.warning("a login elsewhere failed", provider=provider, problem=str(problem))
        await here.people.audit.note(
            "login_failed", who="?", via=provider, address=address_of(request), detail={"why": str(problem)}
        )
        return _failed(str(problem))
    metrics.LOGINS.labels("elsewhere").inc()
    await here.people.audit.note("login", who=user.name, via=provider, address=address_of(request))
    tokens = await here.people.sessions.open(
        user.id, agent=request.headers.get("user-agent", ""), address=address_of(request)
    )
    response = RedirectResponse("/", status_code=302)
    set_cookies(response, request, here.people.sessions, tokens)
    response.delete_cookie(COOKIE, path=PATH)
    return response


def _base(request: Request, here: Parts) -> str:
    return here.settings.web.public_url or f"{request.url.scheme}://{request.url.netloc}"


def _attempt(request: Request, here: Parts, provider: str, state: str) -> Attempt:
    """Return what this browser began; LoginFailed when it began nothing, or something else."""
    try:
        began, known, nonce, verifier = json.loads(request.cookies.get(COOKIE, ""))
        if began != provider or provider not in here.providers or not is_same(state, known):
            raise LoginFailed("this login was not begun here; try again")
    except (ValueError, TypeError, AttributeError):
        raise LoginFailed("this login was not begun here, or took too long; try again") from None
    redirect_uri = f"{_base(request, here)}{PATH}/{provider}/callback"
    return Attempt(state=state, nonce=nonce, verifier=verifier, redirect_uri=redirect_uri)


async def _user(here: Parts, provider: str, identity: Identity) -> User:
    """Return the person of an identity; a new one is taken in when the site file allows it."""
    users, settings = here.people.users, here.settings.web.openid[provider]
    subject = f"{provider}|{identity.subject}"
    known = users.known_as(subject)
    if known is not None:
        return known
    allowed = {one.casefold() for one in settings.allowed}
    if users.is_shut_out(subject) or not allowed & identity.known_as:
        raise LoginFailed(f"{identity.name} may not come in here; the owner can allow it in the site file")
    for number in range(1, NAMES_TRIED):
        name = identity.name[:56].replace("/", "-").replace("\\", "-") + (f" {number}" if number > 1 else "")
        try:
            return await users.add(name, settings.role, subject=subject)
        except NameTaken:
            continue
    raise LoginFailed("too many people have this name")


def _failed(why: str) -> RedirectResponse:
    return RedirectResponse(f"/?login_error={quote(why)}", status_code=302)
