"""The cookies of the page: never readable by scripts, never sent from another site."""

from __future__ import annotations

from fastapi import Request, Response

from hashbus_web.people.callers import ACCESS_COOKIE, REFRESH_COOKIE
from hashbus_web.people.sessions import Sessions, Tokens

API_PATH = "/api"
AUTH_PATH = "/api/auth"


def set_cookies(response: Response, request: Request, sessions: Sessions, tokens: Tokens) -> None:
    """Hand out a login; over https the cookies never travel without it."""
    is_secure = request.url.scheme == "https"
    for name, value, path, lasts in (
        (ACCESS_COOKIE, tokens.access, API_PATH, sessions.access_lasts),
        (REFRESH_COOKIE, tokens.refresh, AUTH_PATH, sessions.lasts),
    ):
        if value is not None:
            response.set_cookie(
                name,
                value,
                max_age=int(lasts.total_seconds()),
                path=path,
                secure=is_secure,
                httponly=True,
                samesite="strict",
            )


def clear_cookies(response: Response) -> None:
    """Take them back."""
    response.delete_cookie(ACCESS_COOKIE, path=API_PATH, httponly=True, samesite="strict")
    response.delete_cookie(REFRESH_COOKIE, path=AUTH_PATH, httponly=True, samesite="strict")
