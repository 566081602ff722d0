"""What every request passes: its size, the headers of its answer, its id, and how long it took. Plain ASGI."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

from hashbus import logs
from hashbus_web import metrics

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from hashbus.clock import Clock

CSP = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)
"""Scripts and styles from files of our own only: nothing inline, nothing from elsewhere."""

SECURITY_HEADERS = (
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=()"),
)
STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")

log = logs.get("web")


class TooLarge(Exception):
    """A body outgrew the limit while it was read."""


class Guards:
    """Goes around the whole application."""

    def __init__(self, app: ASGIApp, clock: Clock, *, largest_body: int) -> None:
        """Let no request carry more than `largest_body` bytes."""
        self._app = app
        self._clock = clock
        self._largest = largest_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        call = _Call(scope, send, self._clock)
        if _announced(scope) > self._largest:
            await call.refuse(413, "too_large", f"a request carries at most {self._largest} bytes")
            return
        logs.bind(request=call.id)
        try:
            await self._app(scope, call.limited(receive, self._largest), call.send)
        except TooLarge:
            await call.refuse(413, "too_large", f"a request carries at most {self._largest} bytes")
        except Exception:
            log.exception("a request failed", path=scope["path"])
            await call.refuse(500, "failed", f"this should not have happened; the log tells more under {call.id}")


class _Call:
    """One request on its way."""

    def __init__(self, scope: Scope, send: Send, clock: Clock) -> None:
        self.id = secrets.token_hex(6)
        self._scope = scope
        self._send = send
        self._clock = clock
        self._begun_s = clock.monotonic()
        self._has_begun = False
        self._is_too_large = False

    def limited(self, receive: Receive, largest: int) -> Receive:
        """Count what is read of the body."""
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > largest:
                self._is_too_large = True
                raise TooLarge
            return message

        return counted

    async def send(self, message: Message) -> None:
        """Add the headers of every answer."""
        if self._is_too_large and not self._has_begun:
            # The framework takes the end of the reading for a body that cannot be parsed, and would say so.
            raise TooLarge
        if message["type"] == "http.response.start":
            self._has_begun = True
            message = {**message, "headers": [*message.get("headers", ()), *self._headers()]}
            route = getattr(self._scope.get("route"), "path", "other")
            took_s = self._clock.monotonic() - self._begun_s
            metrics.REQUESTS.labels(route, str(message["status"])).observe(took_s)
        await self._send(message)

    async def refuse(self, status: int, code: str, error: str) -> None:
        """Answer with a problem, unless the answer has begun already."""
        if self._has_begun:
            return
        body = json.dumps({"code": code, "error": error, "field": None, "hint": None}).encode()
        self._is_too_large = False
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        # Whoever is still sending a body that is too large is not read any further.
        headers.append((b"connection", b"close"))
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    def _headers(self) -> list[tuple[bytes, bytes]]:
        more = [*SECURITY_HEADERS, (b"x-request-id", self.id.encode())]
        return [*more, STRICT_TRANSPORT] if self._scope.get("scheme") == "https" else more


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
