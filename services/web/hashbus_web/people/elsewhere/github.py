"""GitHub's own way: OAuth 2 and a question for who it is. Source: docs.github.com, "Authorizing OAuth apps"."""

from __future__ import annotations

import aiohttp
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri

from hashbus_web.people.elsewhere.identity import Attempt, Identity, asked, challenge_of, text
from hashbus_web.settings import ProviderSettings

PUBLIC = "https://github.com"
PUBLIC_API = "https://api.github.com"


class GitHub:
    """github.com, or an enterprise server at `issuer`."""

    def __init__(self, settings: ProviderSettings, http: aiohttp.ClientSession) -> None:
        """Ask nothing yet."""
        self._settings = settings
        self._http = http
        self._server = settings.issuer or PUBLIC
        self._api = f"{settings.issuer}/api/v3" if settings.issuer else PUBLIC_API

    async def address(self, attempt: Attempt) -> str:
        """Return GitHub's page; no scope is asked for, so the token reads what is public anyway."""
        address: str = prepare_grant_uri(
            f"{self._server}/login/oauth/authorize",
            self._settings.client_id,
            "code",
            redirect_uri=attempt.redirect_uri,
            state=attempt.state,
            code_challenge=challenge_of(attempt.verifier),
            code_challenge_method="S256",
        )
        return address

    async def identify(self, code: str, attempt: Attempt) -> Identity:
        """Exchange the code and ask who it is. The number stays when a person takes another login name."""
        secret = self._settings.client_secret
        said = await asked(
            self._http,
            "POST",
            f"{self._server}/login/oauth/access_token",
            data={
                "client_id": self._settings.client_id,
                "client_secret": secret.get_secret_value() if secret else "",
                "code": code,
                "redirect_uri": attempt.redirect_uri,
                "code_verifier": attempt.verifier,
            },
            headers={"Accept": "application/json"},
        )
        headers = {
            "Authorization": f"Bearer {text(said, 'access_token')}",
            "Accept": "application/vnd.github+json",
        }
        user = await asked(self._http, "GET", f"{self._api}/user", headers=headers)
        login = text(user, "login")
        return Identity(text(user, "id"), login, frozenset({login.casefold()}))
