"""People, bots and the record of acts: for administrators, and everybody's own tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from hashbus.messages import Word
from hashbus_web.people.audit import Act
from hashbus_web.people.bots import Bot
from hashbus_web.people.rights import EVERYTHING, Grant, Right, Role
from hashbus_web.people.users import LastAdmin, Name, NameTaken
from hashbus_web.problems import Problem, not_found
from hashbus_web.routes.auth import Body, Person, Secret, SignedIn, check_password
from hashbus_web.routes.dependencies import PROBLEMS, Admin, Here

router = APIRouter(prefix="/api", tags=["users"], responses=PROBLEMS)

Grants = Annotated[tuple[Grant, ...], Field(max_length=1_000)]


class NewUser(Body):
    """Somebody who shall come in."""

    name: Name
    password: Secret
    role: Role = Role.GUEST
    grants: Grants | None = None


class ChangedUser(Body):
    """What shall be otherwise; what is not given stays."""

    role: Role | None = None
    grants: Grants | None = None
    is_disabled: bool | None = None
    password: Secret | None = None


class NewBot(Body):
    """A token for a program: what it may do, where, and how long."""

    title: Annotated[Word, Field(min_length=1, max_length=64)]
    rights: Annotated[tuple[Right, ...], Field(min_length=1, max_length=9)] = (Right.READ,)
    grants: Grants = (Grant(on=EVERYTHING, may_write=False),)
    days: Annotated[float, Field(gt=0, le=3660)] = 365


class MadeBot(Bot):
    """A new token; it is shown this once."""

    token: str


@router.get("/users")
async def users(here: Here, _admin: Admin) -> list[Person]:
    """Everybody who may come in."""
    return [Person.of(user) for user in here.people.users.all()]


@router.post("/users", status_code=201)
async def add_user(here: Here, admin: Admin, body: NewUser) -> Person:
    """Take somebody in."""
    check_password(body.password, body.name, "password")
    hashed = await here.people.passwords.hash(body.password)
    try:
        user = await here.people.users.add(body.name, body.role, password_hash=hashed, grants=body.grants)
    except NameTaken as error:
        raise Problem(409, "conflict", str(error), field="name") from None
    await here.people.audit.note(
        "user_added",
        who=admin.who,
        via=admin.via,
        address=admin.address,
        target=user.name,
        detail=body.model_dump(mode="json", exclude={"password"}),
    )
    return Person.of(user)


@router.patch("/users/{user_id}")
async def change_user(here: Here, admin: Admin, user_id: str, body: ChangedUser) -> Person:
    """Change what somebody may do; a changed role or password ends their logins."""
    people = here.people
    known = next((user for user in people.users.all() if user.id == user_id), None)
    if known is None:
        raise not_found("user", user_id)
    if body.password is not None:
        check_password(body.password, known.name, "password")
    try:
        user = await people.users.change(user_id, role=body.role, grants=body.grants, is_disabled=body.is_disabled)
    except LastAdmin as error:
        raise Problem(409, "conflict", str(error)) from None
    if body.password is not None:
        await people.users.set_password(user_id, await people.passwords.hash(body.password))
    if body.password is not None or body.is_disabled:
        await people.sessions.close_all(user_id, but=admin.session_id)
    await people.audit.note(
        "user_changed",
        who=admin.who,
        via=admin.via,
        address=admin.address,
        target=user.name,
        detail=body.model_dump(mode="json", exclude_none=True),
    )
    return Person.of(user)


@router.delete("/users/{user_id}", status_code=204)
async def remove_user(here: Here, admin: Admin, user_id: str) -> None:
    """Send somebody away for good, with all their logins and tokens."""
    people = here.people
    try:
        user = await people.users.remove(user_id)
    except KeyError:
        raise not_found("user", user_id) from None
    except LastAdmin as error:
        raise Problem(409, "conflict", str(error)) from None
    await people.sessions.close_all(user_id)
    people.bots.forget_user(user_id)
    await people.audit.note("user_removed", who=admin.who, via=admin.via, address=admin.address, target=user.name)


@router.get("/tokens")
async def tokens(here: Here, caller: SignedIn) -> list[Bot]:
    """One's own tokens for bots; an administrator sees everybody's."""
    is_admin = caller.leaves.may_on_site(Right.ADMIN)
    return here.people.bots.of_user(None if is_admin else caller.user.id)


@router.post("/tokens", status_code=201)
async def make_token(here: Here, caller: SignedIn, body: NewBot) -> MadeBot:
    """Make a token for a bot; it never may more than its owner, and never manages people."""
    if caller.bot_id is not None:
        raise Problem(403, "not_allowed", "a bot cannot make tokens")
    beyond = [right.value for right in body.rights if right is Right.ADMIN or not caller.may(right)]
    if beyond:
        raise Problem(403, "not_allowed", f"this cannot be handed on: {', '.join(beyond)}", field="rights")
    bot, token = await here.people.bots.make(
        caller.user.id, body.title, body.rights, body.grants, timedelta(days=body.days)
    )
    await here.people.audit.note(
        "bot_made",
        who=caller.who,
        via=caller.via,
        address=caller.address,
        target=body.title,
        detail=body.model_dump(mode="json"),
    )
    return MadeBot(**dict(bot), token=token)


@router.delete("/tokens/{token_id}", status_code=204)
async def revoke_token(here: Here, caller: SignedIn, token_id: str) -> None:
    """End a token at once."""
    mine = here.people.bots.of_user(None if caller.leaves.may_on_site(Right.ADMIN) else caller.user.id)
    bot = next((one for one in mine if one.id == token_id), None)
    if bot is None:
        raise not_found("token", token_id)
    await here.people.bots.revoke(token_id)
    await here.people.audit.note(
        "bot_revoked", who=caller.who, via=caller.via, address=caller.address, target=bot.title
    )


class AuditPage(BaseModel):
    """Acts, the newest first."""

    acts: list[Act]


@router.get("/audit")
async def audit(
    here: Here,
    _admin: Admin,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
) -> AuditPage:
    """Who did what."""
    return AuditPage(acts=await here.people.audit.newest(limit, before))
