"""A small OpenADR 3.1 server: the token service and the list of events, as its OpenAPI document gives them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web


class FakeVtn:
    """Gives tokens for one client and pages of events; `down` lets every call fail with that status."""

    def __init__(self, client_id: str = "site-1", secret: str = "s3cret") -> None:  # noqa: S107
        self.client = (client_id, secret)
        self.events: list[dict[str, Any]] = []
        self.tokens: set[str] = set()
        self.given = 0
        self.asked: list[dict[str, str]] = []
        self.down: int | None = None
        self.url = ""

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if self.down:
            return web.Response(status=self.down)
        if (
            form.get("grant_type") != "client_credentials"
            or (form.get("client_id"), form.get("client_secret")) != self.client
        ):
            return web.json_response({"error": "invalid_client"}, status=401)
        self.given += 1
        token = f"token-{self.given}"
        self.tokens.add(token)
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": 3600})

    async def list_events(self, request: web.Request) -> web.Response:
        if self.down:
            return web.Response(status=self.down, text="<html>gateway</html>")
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            problem = {"type": "about:blank", "title": "Forbidden", "status": 403, "detail": "unknown token"}
            return web.json_response(problem, status=403)
        query = dict(request.query)
        self.asked.append(query)
        wanted = [one for one in self.events if query.get("programID") in (None, one["programID"])]
        skip, limit = int(query.get("skip", 0)), int(query.get("limit", 50))
        return web.json_response(wanted[skip : skip + limit])

    def restarts(self) -> None:
        """It forgets the tokens it gave."""
        self.tokens.clear()


@asynccontextmanager
async def serving(vtn: FakeVtn) -> AsyncIterator[FakeVtn]:
    """Let it answer on a port of its own."""
    app = web.Application()
    app.router.add_post("/openadr3/3.1.0/auth/token", vtn.token)
    app.router.add_get("/openadr3/3.1.0/events", vtn.list_events)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    vtn.url = f"http://127.0.0.1:{runner.addresses[0][1]}/openadr3/3.1.0"
    try:
        yield vtn
    finally:
        await runner.cleanup()


def event(number: int = 1, **more: Any) -> dict[str, Any]:
    """An event as a server gives it: one hour from noon at SIMPLE level 3."""
    return {
        "id": f"event-{number}",
        "createdDateTime": "2026-03-01T11:00:00Z",
        "modificationDateTime": "2026-03-01T11:00:00Z",
        "objectType": "EVENT",
        "programID": "program-1",
        "eventName": f"shed {number}",
        "priority": 0,
        "targets": [],
        "intervalPeriod": {"start": "2026-03-01T12:00:00Z", "duration": "PT1H", "randomizeStart": "PT0S"},
        "intervals": [{"id": 0, "payloads": [{"type": "SIMPLE", "values": [3]}]}],
        **more,
    }
