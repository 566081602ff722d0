"""Live values as server-sent events (S4.25): a snapshot, then what changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.types import Receive, Scope, Send

from hashbus_web.live.feed import Look
from hashbus_web.live.stream import EventStream
from hashbus_web.parts import Parts
from hashbus_web.people.callers import Caller
from hashbus_web.problems import Problem, wrong
from hashbus_web.routes.dependencies import PROBLEMS, Here, Reader, sees

router = APIRouter(prefix="/api", tags=["live"], responses=PROBLEMS)

MOST_DETAILS = 10


class Watching(Response):
    """A live page: it is counted while it is open, and what it looks at is kept ready."""

    media_type = "text/event-stream"

    def __init__(self, here: Parts, stream: EventStream, details: frozenset[str]) -> None:
        """Answer with `stream`."""
        super().__init__()
        self._here = here
        self._stream = stream
        self._details = details

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it run until it ends."""
        feed = self._here.site.feed
        feed.clients += 1
        self._here.site.watch(self._details)
        try:
            await self._stream(scope, receive, send)
        finally:
            feed.clients -= 1
            self._here.site.unwatch(self._details)


@router.get("/events", response_class=Response, responses={200: {"content": {"text/event-stream": {}}}})
async def events(
    request: Request,
    here: Here,
    caller: Reader,
    detail: Annotated[str, Query(max_length=700, description="Miners of which everything is sent")] = "",
    last_event_id: Annotated[str, Query(max_length=60, description="Where the header cannot be sent")] = "",
) -> Response:
    """Everything that the caller may see, now and from now on."""
    if here.site.feed.clients >= here.settings.web.live_clients:
        raise Problem(
            503, "away", f"{here.settings.web.live_clients} live pages are open", headers={"Retry-After": "10"}
        )
    wanted = [name for name in detail.split(",") if name]
    if len(wanted) > MOST_DETAILS:
        raise wrong("detail", f"{len(wanted)} miners are too many", f"at most {MOST_DETAILS}")
    details = frozenset(name for name in wanted if sees(here, caller, name))
    known = request.headers.get("last-event-id") or last_event_id
    stream = EventStream(
        here.site.feed,
        Look(caller.leaves.sight, details),
        here.site.feed.since(known),
        pulse=here.site.pulse,
        why_ended=_end_of(here, caller),
        is_zipped="gzip" in request.headers.get("accept-encoding", ""),
    )
    return Watching(here, stream, details)


def _end_of(here: Parts, caller: Caller) -> Callable[[], str | None]:
    def why() -> str | None:
        if here.site.feed.is_over:
            return "the service stops"
        return None if here.people.callers.is_live(caller) else "the login is over"

    return why
