"""What stands in front of every route: a bound on bodies, and headers that make browsers careful."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)
_STRICT = (b"strict-transport-security", b"max-age=31536000")
_ANSWER_ONLY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


class BoundedBodies:
    """Refuses bodies that are too long, whatever length they announce."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        """`most` bytes are read of a body."""
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a call on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        read = 0

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            # An upload counts for itself, and says how long it may be; this is the bound of all others.
            if read > self._most + 1 and not scope["path"].endswith("/upload"):
                raise HTTPException(413, f"the body is longer than {self._most} bytes")
            return message

        await self._app(scope, bounded, send)


class SafeHeaders:
    """Adds the headers that keep a browser from guessing, framing and telling others."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand in front of `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a call on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], *_HEADERS]
                if scope.get("scheme") == "https":
                    headers.append(_STRICT)
                if not any(name == b"content-security-policy" for name, _ in headers):
                    headers.append(_ANSWER_ONLY)
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, sent)
