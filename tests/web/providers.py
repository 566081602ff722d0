"""Providers of logins that answer as theirs document: OpenID Connect, GitHub, Home Assistant. Each person is `who`."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "hashbus", "the client's secret"


@dataclass
class Fake:
    """One server that is all three; what a test changes here it lies about from then on."""

    port: int = 0
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k1"}))
    signing_key: RSAKey | None = None
    who: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    revoked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def app(self) -> web.Application:
        """Everything it answers."""
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._described)
        app.router.add_get("/keys", self._keys)
        for path in ("/authorize", "/login/oauth/authorize", "/auth/authorize"):
            app.router.add_get(path, self._authorize)
        app.router.add_post("/token", self._token)
        app.router.add_post("/login/oauth/access_token", self._github_token)
        app.router.add_get("/api/v3/user", self._github_user)
        app.router.add_post("/auth/token", self._home_token)
        app.router.add_post("/auth/revoke", self._revoke)
        app.router.add_get("/api/websocket", self._websocket)
        return app

    async def _described(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
            }
        )

    async def _keys(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [self.key.as_dict(private=False)]})

    async def _authorize(self, request: web.Request) -> web.Response:
        """The person agrees at once."""
        code = secrets.token_hex(8)
        self.codes[code] = dict(request.query)
        back = f"{request.query['redirect_uri']}?code={code}&state={request.query['state']}"
        raise web.HTTPFound(back)

    async def _asked(self, request: web.Request) -> dict[str, str]:
        form = {name: str(value) for name, value in (await request.post()).items()}
        began = self.codes.pop(form.get("code", ""), None)
        if began is None:
            raise web.HTTPBadRequest(text='{"error": "invalid_grant"}')
        if "code_challenge" in began:
            proof = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            if base64.urlsafe_b64encode(proof).rstrip(b"=").decode() != began["code_challenge"]:
                raise web.HTTPBadRequest(text='{"error": "invalid_grant"}')
        return {**began, **form}

    def _check_secret(self, form: dict[str, str]) -> None:
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            raise web.HTTPUnauthorized(text='{"error": "invalid_client"}')

    async def _token(self, request: web.Request) -> web.Response:
        form = await self._asked(request)
        self._check_secret(form)
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": form["nonce"], **self.who}
        claims |= self.claims
        token = jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.signing_key or self.key)
        return web.json_response({"access_token": "a", "token_type": "Bearer", "id_token": token})

    async def _github_token(self, request: web.Request) -> web.Response:
        self._check_secret(await self._asked(request))
        return web.json_response({"access_token": "gho_1", "token_type": "bearer", "scope": ""})

    async def _github_user(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Bearer gho_1":
            raise web.HTTPUnauthorized
        return web.json_response(self.who)

    async def _home_token(self, request: web.Request) -> web.Response:
        form = await self._asked(request)
        if form["client_id"] != form["redirect_uri"].partition("/api/")[0] + "/":
            raise web.HTTPBadRequest
        told = {"access_token": "ha", "expires_in": 1800, "refresh_token": "hr", "token_type": "Bearer"}
        return web.json_response(told)

    async def _revoke(self, request: web.Request) -> web.Response:
        self.revoked.append(str((await request.post())["token"]))
        return web.Response()

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        line = web.WebSocketResponse()
        await line.prepare(request)
        await line.send_json({"type": "auth_required", "ha_version": "2026.3.1"})
        async for message in line:
            if message.type is not WSMsgType.TEXT:
                break
            said = json.loads(message.data)
            if said["type"] == "auth":
                await line.send_json({"type": "auth_ok" if said["access_token"] == "ha" else "auth_invalid"})
            else:
                await line.send_json({"id": said["id"], "type": "result", "success": True, "result": self.who})
        return line


@asynccontextmanager
async def served(fake: Fake) -> AsyncIterator[Fake]:
    """Let it answer."""
    runner = web.AppRunner(fake.app())
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", fake.port).start()
        yield fake
    finally:
        await runner.cleanup()
