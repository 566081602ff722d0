"""Coming in and going out: the first start, passwords, and the renewal of logins."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from hashbus import logs
from hashbus.messages import Moment
from hashbus_web import metrics
from hashbus_web.parts import Parts
from hashbus_web.people.callers import REFRESH_COOKIE, Caller
from hashbus_web.people.cookies import clear_cookies, set_cookies
from hashbus_web.people.passwords import LONGEST, problem_of
from hashbus_web.people.rights import Grant, Right, Role
from hashbus_web.people.secrets import is_same
from hashbus_web.people.sessions import Reuse, Tokens
from hashbus_web.people.users import Name, NameTaken, User
from hashbus_web.problems import Problem, not_found, wrong
from hashbus_web.routes.dependencies import PROBLEMS, Here, address_of, caller_of, check_is_page

router = APIRouter(prefix="/api", tags=["auth"], responses=PROBLEMS)

log = logs.get("auth")

Secret = Annotated[str, Field(min_length=1, max_length=LONGEST * 4)]
SignedIn = Annotated[Caller, Depends(caller_of)]


class Body(BaseModel):
    """What is sent; a field that is not known is a mistake."""

    model_config = ConfigDict(extra="forbid")


class Person(BaseModel):
    """Somebody as pages show them."""

    id: str
    name: str
    role: Role
    grants: tuple[Grant, ...]
    rights: tuple[Right, ...]
    is_disabled: bool = False
    comes_from: str | None = None
    created_at: Moment

    @classmethod
    def of(cls, user: User) -> Person:
        """Return a user without anything secret."""
        leave = user.leave
        shown = user.model_dump(include={"id", "name", "role", "is_disabled", "comes_from", "created_at"})
        return cls(**shown, grants=leave.grants, rights=tuple(right for right in Right if right in leave.rights))


class Entry(StrEnum):
    """Where somebody stands."""

    SETUP = "setup"
    SIGNED_OUT = "signed_out"
    SIGNED_IN = "signed_in"


class Provider(BaseModel):
    """A place elsewhere where people can prove who they are."""

    id: str
    title: str


class AuthState(BaseModel):
    """What the page begins with."""

    state: Entry
    site: str
    version: str
    user: Person | None = None
    providers: tuple[Provider, ...] = ()


class FirstAdmin(Body):
    """The one-time code, and who will manage this site."""

    code: Annotated[str, Field(min_length=1, max_length=40)]
    name: Name
    password: Secret


class Login(Body):
    """A name and a password; `cookie` for a page, without for a program."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    password: Secret
    cookie: bool = False


class Renewal(Body):
    """A refresh token; a page sends its cookie instead."""

    refresh_token: Annotated[str, Field(max_length=200)] | None = None


class NewPassword(Body):
    """The password of now and the one to come."""

    old: Annotated[str, Field(max_length=LONGEST * 4)]
    new: Secret


class Welcome(BaseModel):
    """A login. A page has its tokens in cookies and sees none here."""

    user: Person
    access_token: str | None = None
    token_type: str = "bearer"  # noqa: S105 (the word of RFC 6750)
    expires_in_s: int
    refresh_token: str | None = None


class ShownSession(BaseModel):
    """One of one's own logins."""

    id: str
    created_at: Moment
    used_at: Moment
    expires_at: Moment
    agent: str
    address: str
    is_this: bool


@router.get("/auth/state")
async def state(request: Request, here: Here) -> AuthState:
    """Where the caller stands: the first start, signed out, or in."""
    providers = tuple(
        Provider(id=name, title=one.title or name.replace("_", " ").title())
        for name, one in here.settings.web.openid.items()
    )
    told = AuthState(state=Entry.SETUP, site=here.bus.site, version=here.version, providers=providers)
    if not here.people.users.has_admin:
        return told
    caller = await here.people.callers.of(request.headers, request.cookies, address_of(request))
    if caller is None:
        return told.model_copy(update={"state": Entry.SIGNED_OUT})
    return told.model_copy(update={"state": Entry.SIGNED_IN, "user": Person.of(caller.user)})


@router.post("/setup", status_code=201)
async def set_up(request: Request, response: Response, here: Here, body: FirstAdmin) -> Welcome:
    """Make the first administrator, with the code that `hashbus web code` prints."""
    people, address = here.people, address_of(request)
    if people.users.has_admin:
        raise Problem(409, "conflict", "this site has an administrator; sign in")
    await people.doorkeeper.let_try_code(address)
    if not is_same(body.code.strip().upper().replace(" ", ""), here.set_up_code):
        raise Problem(403, "not_allowed", "that is not the code; `hashbus web code` prints it", field="code")
    check_password(body.password, body.name, "password")
    hashed = await people.passwords.hash(body.password)
    if people.users.has_admin:
        raise Problem(409, "conflict", "this site has an administrator; sign in")
    try:
        user = await people.users.add(body.name, Role.ADMIN, password_hash=hashed)
    except NameTaken as error:
        raise Problem(409, "conflict", str(error), field="name") from None
    here.end_set_up()
    log.info("the first administrator is there", user=user.name)
    await people.audit.note("set_up", who=user.name, via="page", address=address)
    return await welcome(request, response, here, user, has_cookie=True)


@router.post("/auth/login")
async def login(request: Request, response: Response, here: Here, body: Login) -> Welcome:
    """Come in with a password."""
    people, address = here.people, address_of(request)
    if not people.users.has_admin:
        raise Problem(503, "setup_required", "this site has no administrator yet: run `hashbus web code`")
    await people.doorkeeper.let_try(address, body.name)
    user, kept = people.users.named(body.name)
    if not await people.passwords.is_right(body.password, kept) or user is None:
        metrics.LOGINS.labels("wrong").inc()
        await people.doorkeeper.note_failure(address, body.name)
        log.warning("a login failed", address=address)
        await people.audit.note("login_failed", who=body.name[:64], via="api", address=address)
        raise Problem(401, "not_signed_in", "no such name and password")
    metrics.LOGINS.labels("right").inc()
    await people.audit.note("login", who=user.name, via="page" if body.cookie else "api", address=address)
    return await welcome(request, response, here, user, has_cookie=body.cookie)


async def welcome(request: Request, response: Response, here: Parts, user: User, *, has_cookie: bool) -> Welcome:
    """Begin a login and hand it out."""
    agent = request.headers.get("user-agent", "")
    tokens = await here.people.sessions.open(user.id, agent=agent, address=address_of(request))
    return _handed_out(request, response, here, user, tokens, has_cookie=has_cookie)


def _handed_out(
    request: Request, response: Response, here: Parts, user: User, tokens: Tokens, *, has_cookie: bool
) -> Welcome:
    response.headers["Cache-Control"] = "no-store"
    sessions = here.people.sessions
    told = Welcome(user=Person.of(user), expires_in_s=int(sessions.access_lasts.total_seconds()))
    if has_cookie:
        set_cookies(response, request, sessions, tokens)
        return told
    return told.model_copy(update={"access_token": tokens.access, "refresh_token": tokens.refresh})


@router.post("/auth/refresh")
async def refresh(request: Request, response: Response, here: Here, body: Renewal | None = None) -> Welcome:
    """Renew a login; each refresh token is good once."""
    given = body.refresh_token if body else None
    token = given or request.cookies.get(REFRESH_COOKIE)
    if token is None:
        raise Problem(401, "not_signed_in", "there is no login to renew")
    if given is None:
        check_is_page(request, here)
    tokens = await here.people.sessions.refresh(token)
    if isinstance(tokens, Reuse):
        if tokens is Reuse.STOLEN:
            metrics.LOGINS.labels("reuse").inc()
            log.warning("a refresh token was used twice: its login is ended", address=address_of(request))
            await here.people.audit.note("token_reuse", who="?", via="api", address=address_of(request))
        raise Problem(401, "not_signed_in", "this login is over; sign in again")
    user = here.people.users.get(tokens.session.user_id)
    if user is None:
        await here.people.sessions.close(tokens.session.id)
        raise Problem(401, "not_signed_in", "this login is over")
    return _handed_out(request, response, here, user, tokens, has_cookie=given is None)


@router.post("/auth/logout", status_code=204)
async def logout(response: Response, here: Here, caller: SignedIn) -> None:
    """Go out; the tokens count no more."""
    if caller.session_id is not None:
        await here.people.sessions.close(caller.session_id)
    clear_cookies(response)


@router.post("/auth/password", status_code=204)
async def change_password(here: Here, caller: SignedIn, body: NewPassword) -> None:
    """Take another password; every other login of this person ends."""
    people = here.people
    if caller.bot_id is not None:
        raise Problem(403, "not_allowed", "a bot cannot change its owner's password")
    await people.doorkeeper.let_try(caller.address, caller.who)
    _, kept = people.users.named(caller.who)
    if kept is not None and not await people.passwords.is_right(body.old, kept):
        await people.doorkeeper.note_failure(caller.address, caller.who)
        raise Problem(403, "not_allowed", "that is not the password of now", field="old")
    check_password(body.new, caller.who, "new")
    await people.users.set_password(caller.user.id, await people.passwords.hash(body.new))
    await people.sessions.close_all(caller.user.id, but=caller.session_id)
    await people.audit.note("password_changed", who=caller.who, via=caller.via, address=caller.address)


@router.get("/auth/sessions")
async def sessions(here: Here, caller: SignedIn) -> list[ShownSession]:
    """One's own logins."""
    return [
        ShownSession(
            id=one.id,
            created_at=one.created_at,
            used_at=one.rotated_at,
            expires_at=one.expires_at,
            agent=one.agent,
            address=one.address,
            is_this=one.id == caller.session_id,
        )
        for one in here.people.sessions.of_user(caller.user.id)
    ]


@router.delete("/auth/sessions/{session_id}", status_code=204)
async def end_session(here: Here, caller: SignedIn, session_id: str) -> None:
    """End one of one's own logins."""
    if session_id not in {one.id for one in here.people.sessions.of_user(caller.user.id)}:
        raise not_found("login", session_id)
    await here.people.sessions.close(session_id)


def check_password(password: str, name: str, field: str) -> None:
    """Refuse a password that is too easy to guess."""
    problem = problem_of(password, name)
    if problem is not None:
        raise wrong(field, f"the password {problem}")
