"""What calls have in common: the parts of the service, who asks, and whether they may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from fastapi import Path as PathParameter
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from hashbus.messages import Message
from hashbus.topics import ID_PATTERN
from hashbus_web.acts.operation import Operation
from hashbus_web.acts.operations import TooMany
from hashbus_web.parts import Parts
from hashbus_web.people.audit import masked
from hashbus_web.people.callers import Caller
from hashbus_web.people.rights import Right
from hashbus_web.problems import Problem, ProblemReply, away, not_found

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
PAGE_HEADER = "x-hashbus"
"""A header of our own cannot be sent from another site's page without asking us first, and we never agree."""

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemReply} for status in (401, 403, 404, 409, 413, 422, 429, 503)
}

RESTART_S, LOOK_AGAIN_S = 3.0, 0.1

DeviceId = Annotated[str, PathParameter(pattern=ID_PATTERN, description="Id of the device")]


async def parts(request: Request) -> Parts:
    """Return what the service is made of."""
    found: Parts = request.app.state.parts
    return found


Here = Annotated[Parts, Depends(parts)]


BEARER = HTTPBearer(auto_error=False, description="A bot's token, or the access token of a login")
"""Stands in the description of the API; who asks is found out by `Callers`."""


async def caller_of(
    request: Request, here: Here, _told: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)] = None
) -> Caller:
    """Return who asks; Problem when nobody we know, or when the site has no administrator yet."""
    if not here.people.users.has_admin:
        raise Problem(503, "setup_required", "this site has no administrator yet: run `hashbus web code`")
    found = await here.people.callers.of(request.headers, request.cookies, address_of(request))
    if found is None:
        raise Problem(401, "not_signed_in", "sign in first", headers={"WWW-Authenticate": "Bearer"})
    if found.has_cookie and request.method not in SAFE_METHODS:
        check_is_page(request, here)
    return found


def check_is_page(request: Request, here: Parts) -> None:
    """Refuse what another site's page makes a browser send with our cookie."""
    origin, fetched = request.headers.get("origin"), request.headers.get("sec-fetch-site", "same-origin")
    ours = {f"{request.url.scheme}://{request.headers.get('host', '')}", here.settings.web.public_url}
    if request.headers.get(PAGE_HEADER) is None or (origin is not None and origin not in ours):
        raise Problem(403, "csrf", "this did not come from our own page", hint="send the header `X-Hashbus: page`")
    if fetched not in ("same-origin", "none"):
        raise Problem(403, "csrf", "this did not come from our own page")


def address_of(request: Request) -> str:
    """Return where a request came from; behind a trusted proxy the address that it names."""
    return request.client.host if request.client else "unknown"


class May:
    """Lets only those pass who have one of some rights: somewhere, or on the whole site."""

    def __init__(self, *rights: Right, on_site: bool = False) -> None:
        """Ask for one of `rights`; where it is only needed somewhere, the device is checked later."""
        self._rights = rights
        self._on_site = on_site

    async def __call__(self, caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
        """Return who asks, or refuse."""
        mine = [right for right in self._rights if caller.may(right)]
        if not mine:
            raise Problem(403, "not_allowed", f"{caller.who} may not do this ({self._rights[0].value})")
        if self._on_site and not any(caller.leaves.may_on_site(right) for right in mine):
            raise Problem(403, "not_allowed", f"{caller.who} may do this on some devices only, not on the whole site")
        return caller


Reader = Annotated[Caller, Depends(May(Right.READ))]
SiteReader = Annotated[Caller, Depends(May(Right.READ, on_site=True))]
Driver = Annotated[Caller, Depends(May(Right.POWER))]
Orderer = Annotated[Caller, Depends(May(Right.ORDER))]
Actor = Annotated[Caller, Depends(May(Right.POWER, Right.ORDER))]
Admin = Annotated[Caller, Depends(May(Right.ADMIN, on_site=True))]


def check_sees(here: Parts, caller: Caller, miner: str) -> None:
    """Refuse a miner that is not there; for who may not see it, it is not there."""
    if miner not in set(here.site.view.miners()) or not sees(here, caller, miner):
        raise not_found("miner", miner)


def sees(here: Parts, caller: Caller, miner: str) -> bool:
    """Say whether somebody may look at a miner."""
    return caller.leaves.sight.sees("miner", miner, here.site.view.group_of(miner))


def check_may_act(here: Parts, caller: Caller, right: Right, miner: str) -> None:
    """Refuse an act on a miner that is not one's own to act on."""
    check_sees(here, caller, miner)
    if not may_act(here, caller, right, miner):
        raise Problem(403, "not_allowed", f"{caller.who} may look at {miner}, not act on it ({right.value})")


def may_act(here: Parts, caller: Caller, right: Right, miner: str) -> bool:
    """Say whether somebody may act on a miner."""
    return caller.leaves.may_on(right, "miner", miner, here.site.view.group_of(miner))


async def named_miner(request: Request, here: Here, caller: Reader, miner: DeviceId) -> None:
    """Take the miner from the path."""
    check_sees(here, caller, miner)
    request.state.miner = miner


async def only_miner(
    request: Request,
    here: Here,
    caller: Reader,
    miner: Annotated[str | None, Query(pattern=ID_PATTERN, description="Where the site has several")] = None,
) -> None:
    """Take the site's only miner, or the one that the query names."""
    if miner is None:
        known = [one for one in here.site.view.miners() if sees(here, caller, one)]
        if len(known) != 1:
            said = f"the site has {len(known)} miners" if known else "no miner has been heard yet"
            hint = f"/api/miner/{known[0]}/... or ?miner={known[0]}" if known else None
            raise Problem(422, "wrong", f"{said}: say which one", field="miner", hint=hint)
        miner = known[0]
    check_sees(here, caller, miner)
    request.state.miner = miner


async def target(request: Request) -> str:
    """Return the miner that the path or the query named; empty in a request that is refused for another reason."""
    return getattr(request.state, "miner", "")


Target = Annotated[str, Depends(target)]


async def check_can_ask(here: Parts) -> None:
    """Refuse while nobody can be told: a wish that is said hours later would come as a surprise.

    A broker that is just restarted is waited for.
    """
    waits = int(RESTART_S / LOOK_AGAIN_S)
    for _ in range(waits):
        if here.bus.is_connected:
            return
        await here.clock.sleep(LOOK_AGAIN_S)
    raise away("broker", "the broker is away: nobody can be told now")


async def asked(
    here: Parts, caller: Caller, message: Message, *, act: str, target: str, detail: Mapping[str, Any]
) -> Operation:
    """Say a message in somebody's name, write down who it was, and return the operation to follow it by."""
    await check_can_ask(here)
    shown = masked(detail)
    try:
        operation = here.site.operations.ask(message, act=act, target=target, asked=shown, by=caller)
    except TooMany as error:
        raise Problem(429, "slow_down", str(error), headers={"Retry-After": "60"}) from None
    await here.people.audit.note(
        act, who=caller.who, via=caller.via, address=caller.address, target=target, detail=shown
    )
    return operation
