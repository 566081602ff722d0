"""Who may: the key of a site, the session of a person, and how often anybody may ask."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Annotated, cast
from urllib.parse import urlsplit

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, APIKeyHeader

from hashbus_collector.collector import Collector
from hashbus_collector.errors import Refusal
from hashbus_collector.keys import digest
from hashbus_collector.people import Person, Role
from hashbus_collector.sites import SiteKey

if TYPE_CHECKING:
    from hashbus_collector.caches import Cache

WINDOW_S = 60
SESSION_COOKIE = "hashbus_session"
INVALID_KEY = "Invalid API key"
"""The words of S1.8: the same for a key that is missing, malformed, unknown or revoked."""

_SAFE = ("GET", "HEAD", "OPTIONS")

key_header = APIKeyHeader(
    name="X-Collector-Key", scheme_name="site key", description="`hsc_...`, of one site", auto_error=False
)
session_cookie = APIKeyCookie(
    name=SESSION_COOKIE, scheme_name="session", description="From POST /api/collector/session", auto_error=False
)


def collector_of(request: Request) -> Collector:
    """Return the collector behind the application."""
    return cast("Collector", request.app.state.collector)


Parts = Annotated[Collector, Depends(collector_of)]


def address_of(request: Request) -> str | None:
    """Return the caller's address; behind a trusted proxy the one that the proxy names."""
    return request.client.host if request.client else None


async def site_key(request: Request, parts: Parts, key: Annotated[str | None, Security(key_header)]) -> SiteKey:
    """Return whose key the call carries.

    Refusal 401 when it is not accepted, 403 when the call says that it speaks for another site, 429 when the key
    or, with wrong keys, the address calls too often.
    """
    accepted = await parts.sites.accept(key, parts.clock.now()) if key else None
    if accepted is None:
        parts.metrics.key_failures.inc()
        await _not_too_often(parts.cache, f"failures:{address_of(request)}", parts.settings.limits.failures_per_minute)
        raise Refusal(401, INVALID_KEY)
    name = f"rate_limit:collector:{digest(key or '').hex()}"
    try:
        await _not_too_often(parts.cache, name, parts.settings.limits.calls_per_minute)
    except Refusal:
        parts.metrics.rate_limited.inc()
        raise
    called = request.headers.get("X-Site-ID")
    if called and not accepted.speaks_for(called):
        raise Refusal(
            403,
            f"this key is of site {accepted.site!r}, and the call says {called[:64]!r}; if the site calls itself so: "
            f"hashbus cloud sites add {accepted.site} --local-name NAME",
        )
    return accepted


async def person(request: Request, parts: Parts, token: Annotated[str | None, Security(session_cookie)]) -> Person:
    """Return who is logged in.

    Refusal 401 when nobody is, 403 when the call changes something and does not come from our own page: then it lacks
    the token that only this page can read.
    """
    found = await parts.people.of_session(token, parts.clock.now()) if token else None
    if found is None:
        raise Refusal(401, "log in first: POST /api/collector/session")
    if request.method not in _SAFE:
        _check_origin(request)
        given = request.headers.get("X-CSRF-Token", "")
        if not hmac.compare_digest(given.encode(), found.csrf.encode()):
            raise Refusal(403, "the header X-CSRF-Token does not fit the session")
    return found


def _check_origin(request: Request) -> None:
    origin = request.headers.get("Origin")
    if origin and urlsplit(origin).netloc != request.headers.get("Host"):
        raise Refusal(403, "this call comes from another page")


def check_origin(request: Request) -> None:
    """Raise Refusal 403 when a browser says that the call comes from another page."""
    _check_origin(request)


async def not_guessing(parts: Collector, name: str) -> None:
    """Raise Refusal 429 when `name` failed too often within the last minute."""
    await _not_too_often(parts.cache, name, parts.settings.limits.failures_per_minute)


async def _not_too_often(cache: Cache, name: str, most: int) -> None:
    if await cache.count(name, WINDOW_S) > most:
        raise Refusal(429, f"more than {most} calls a minute; come again later", retry_s=WINDOW_S)


CalledBySite = Annotated[SiteKey, Depends(site_key)]
LoggedIn = Annotated[Person, Depends(person)]


def allow(who: Person, site: str, role: Role) -> None:
    """Raise Refusal 403 when a person may not do that at a site, 404 when the person may not know of the site."""
    if not who.may(site, Role.GUEST):
        raise Refusal(404, f"no site {site[:64]!r}")
    if not who.may(site, role):
        raise Refusal(403, f"{role.name.lower()}s of site {site!r} may do that; you are a guest there")
