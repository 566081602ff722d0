"""Home Assistant's way: a code for a token, and a question over its websocket for who it is.

Source: developers.home-assistant.io, "Authentication API" and "WebSocket API". The client's id is the address of this
page; nothing needs to be registered there.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import aiohttp
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri

from hashbus_web.people.elsewhere.identity import TIMEOUT, Attempt, Identity, LoginFailed, asked, text
from hashbus_web.settings import ProviderSettings

LONGEST_MESSAGE = 1024 * 1024


class HomeAssistant:
    """One Home Assistant."""

    def __init__(self, settings: ProviderSettings, http: aiohttp.ClientSession) -> None:
        """Ask nothing yet."""
        self._server = settings.issuer or ""
        self._http = http

    async def address(self, attempt: Attempt) -> str:
        """Return Home Assistant's page."""
        address: str = prepare_grant_uri(
            f"{self._server}/auth/authorize",
            _client_id(attempt),
            "code",
            redirect_uri=attempt.redirect_uri,
            state=attempt.state,
        )
        return address

    async def identify(self, code: str, attempt: Attempt) -> Identity:
        """Exchange the code, ask who it is, and give the token back: it is not needed any more."""
        form = {"grant_type": "authorization_code", "code": code, "client_id": _client_id(attempt)}
        said = await asked(self._http, "POST", f"{self._server}/auth/token", data=form)
        user = await self._current_user(text(said, "access_token"))
        await self._give_back(said)
        name = text(user, "name")
        return Identity(text(user, "id"), name, frozenset({name.casefold(), text(user, "id")}))

    async def _current_user(self, token: str) -> dict[str, Any]:
        try:
            async with self._http.ws_connect(
                f"{self._server}/api/websocket",
                timeout=aiohttp.ClientWSTimeout(ws_close=5),
                max_msg_size=LONGEST_MESSAGE,
            ) as line:
                await line.receive_json(timeout=TIMEOUT.total)
                await line.send_json({"type": "auth", "access_token": token})
                welcome = await line.receive_json(timeout=TIMEOUT.total)
                if welcome.get("type") != "auth_ok":
                    raise LoginFailed("Home Assistant does not take the token that it gave")
                await line.send_json({"id": 1, "type": "auth/current_user"})
                said = await line.receive_json(timeout=TIMEOUT.total)
        except (aiohttp.ClientError, TimeoutError, ValueError, TypeError) as error:
            raise LoginFailed(f"Home Assistant cannot be asked: {type(error).__name__}") from None
        user = said.get("result") if isinstance(said, dict) else None
        if not isinstance(user, dict):
            raise LoginFailed("Home Assistant does not say who it is")
        return user

    async def _give_back(self, said: dict[str, Any]) -> None:
        token = said.get("refresh_token")
        if not isinstance(token, str):
            return
        try:
            async with self._http.post(f"{self._server}/auth/revoke", data={"token": token}, timeout=TIMEOUT):
                return
        except (aiohttp.ClientError, TimeoutError):
            return  # it ends by itself; the login has succeeded all the same


def _client_id(attempt: Attempt) -> str:
    where = urlsplit(attempt.redirect_uri)
    return f"{where.scheme}://{where.netloc}/"
