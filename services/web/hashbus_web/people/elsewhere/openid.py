"""OpenID Connect with a code and PKCE: Google, Keycloak, Authentik, Entra and the like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from hashbus.clock import Clock
from hashbus_web.people.elsewhere.identity import Attempt, Identity, LoginFailed, asked, challenge_of, text
from hashbus_web.settings import ProviderSettings

ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "PS256", "EdDSA"]
"""Signatures with a public key only: with a shared one, whoever may check could also forge."""

SCOPE = "openid email profile"
CLOCKS_APART_S = 60
METADATA_KEPT_S = 3600.0


class OpenIdConnect:
    """One issuer."""

    def __init__(self, settings: ProviderSettings, http: aiohttp.ClientSession, clock: Clock) -> None:
        """Ask nothing yet."""
        self._settings = settings
        self._http = http
        self._clock = clock
        self._metadata: dict[str, Any] | None = None
        self._read_s = 0.0

    async def address(self, attempt: Attempt) -> str:
        """Return the issuer's page."""
        metadata = await self._described()
        address: str = prepare_grant_uri(
            text(metadata, "authorization_endpoint"),
            self._settings.client_id,
            "code",
            redirect_uri=attempt.redirect_uri,
            scope=SCOPE,
            state=attempt.state,
            nonce=attempt.nonce,
            code_challenge=challenge_of(attempt.verifier),
            code_challenge_method="S256",
        )
        return address

    async def identify(self, code: str, attempt: Attempt) -> Identity:
        """Exchange the code, check the token's signature and everything it claims."""
        metadata = await self._described()
        secret = self._settings.client_secret
        said = await asked(
            self._http,
            "POST",
            text(metadata, "token_endpoint"),
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": attempt.redirect_uri,
                "code_verifier": attempt.verifier,
                "client_id": self._settings.client_id,
                "client_secret": secret.get_secret_value() if secret else "",
            },
            headers={"Accept": "application/json"},
        )
        keys = await asked(self._http, "GET", text(metadata, "jwks_uri"))
        claims = self._checked(text(said, "id_token"), keys, attempt.nonce)
        return _identity(claims)

    async def _described(self) -> dict[str, Any]:
        now_s = self._clock.monotonic()
        if self._metadata is None or now_s - self._read_s > METADATA_KEPT_S:
            issuer = self._settings.issuer or ""
            found = await asked(self._http, "GET", f"{issuer}/.well-known/openid-configuration")
            if text(found, "issuer").rstrip("/") != issuer:
                raise LoginFailed(f"the provider calls itself {found['issuer']}, the site file says {issuer}")
            self._metadata, self._read_s = found, now_s
        return self._metadata

    def _checked(self, token: str, keys: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        issuer = self._settings.issuer or ""
        try:
            decoded = jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS)  # type: ignore[arg-type]
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                options={
                    "iss": {"essential": True, "values": [issuer, f"{issuer}/"]},
                    "aud": {"essential": True, "value": self._settings.client_id},
                },
                params={"nonce": nonce, "client_id": self._settings.client_id},
            )
            claims.validate(now=int(self._clock.now().timestamp()), leeway=CLOCKS_APART_S)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise LoginFailed(f"the provider's token does not hold: {type(error).__name__}") from None
        return dict(claims)


def _identity(claims: dict[str, Any]) -> Identity:
    """Return who it is. An address that nobody has verified is only a claim, so it counts for nothing."""
    names = {text(claims, "sub")}
    email = claims.get("email")
    if isinstance(email, str) and claims.get("email_verified") is True:
        names.add(email.casefold())
    shown = next((str(claims[name]) for name in ("name", "preferred_username", "email") if claims.get(name)), "")
    return Identity(text(claims, "sub"), shown or text(claims, "sub"), frozenset(names))
