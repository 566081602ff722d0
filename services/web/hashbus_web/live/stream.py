"""One open live page: what it gets, how long, and how it is let go."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from hashbus import logs
from hashbus_web import metrics
from hashbus_web.live.feed import GZIP_HEAD, Feed, Look, event, squeezed

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

PULSE_S = 10.0
"""Silence longer than twice this means that the connection is dead."""

SLOWEST_S = 20.0
"""A reader that takes nothing for so long is cut; its browser comes back and gets what it missed."""

ABORT = "hashbus.abort"
"""Where the server leaves the function that cuts a connection at once."""

log = logs.get("live")


class EventStream:
    """An ASGI response that never ends by itself."""

    def __init__(
        self,
        feed: Feed,
        look: Look,
        since: int,
        *,
        pulse: Callable[[], bytes],
        why_ended: Callable[[], str | None],
        is_zipped: bool,
    ) -> None:
        """Begin after change `since`; `pulse` gives the heartbeat, `why_ended` the reason to stop."""
        self._feed = feed
        self._look = look
        self._since = since
        self._pulse = pulse
        self._why_ended = why_ended
        self._is_zipped = is_zipped

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until somebody has enough."""
        metrics.LIVE_CLIENTS.inc()
        gone = asyncio.ensure_future(_disconnected(receive))
        talking = asyncio.ensure_future(self._talk(scope, send))
        try:
            await asyncio.wait({gone, talking}, return_when=asyncio.FIRST_COMPLETED)
            if talking.done():
                talking.result()
        finally:
            metrics.LIVE_CLIENTS.dec()
            for task in (gone, talking):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _talk(self, scope: Scope, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self._headers()})
            if self._is_zipped:
                await self._send(send, GZIP_HEAD)
            while (why := self._why_ended()) is None:
                await self._send_news(send)
                await self._feed.changed(PULSE_S)
            await self._send(send, self._packed(event("ended", json.dumps({"why": why}).encode())))
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            metrics.LIVE_CUT.inc()
            log.info("a live page that takes nothing is cut")
            cut = scope.get("extensions", {}).get(ABORT, {}).get("cut")
            if cut is not None:
                cut()

    async def _send_news(self, send: Send) -> None:
        if self._feed.number > self._since or self._since == 0:
            frame = self._feed.frame(self._look, self._since, is_zipped=self._is_zipped)
            self._since = frame.number
            await self._send(send, frame.wire)
            metrics.LIVE_FRAMES.inc()
        else:
            await self._send(send, self._packed(event("pulse", self._pulse())))

    async def _send(self, send: Send, body: bytes) -> None:
        async with asyncio.timeout(SLOWEST_S):
            await send({"type": "http.response.body", "body": body, "more_body": True})

    def _packed(self, body: bytes) -> bytes:
        return squeezed(body) if self._is_zipped else body

    def _headers(self) -> list[tuple[bytes, bytes]]:
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            # nginx would hold events back until its buffer is full.
            (b"x-accel-buffering", b"no"),
            (b"vary", b"accept-encoding"),
        ]
        return [*headers, (b"content-encoding", b"gzip")] if self._is_zipped else headers


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
