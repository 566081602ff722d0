"""What a provider of logins is asked and what it answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp
from authlib.oauth2.rfc7636 import create_s256_code_challenge

TIMEOUT = aiohttp.ClientTimeout(total=10)
LARGEST_ANSWER = 1024 * 1024


class LoginFailed(Exception):
    """A login elsewhere came to nothing; the text is for the person who tried."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is at a provider. `known_as` are the names under which the site file may allow them."""

    subject: str
    name: str
    known_as: frozenset[str]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a login: what must come back unchanged, and where to."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str


class Provider(Protocol):
    """One place that knows people."""

    async def address(self, attempt: Attempt) -> str:
        """Return where the browser is sent. LoginFailed when the provider cannot be asked."""
        ...

    async def identify(self, code: str, attempt: Attempt) -> Identity:
        """Return who came back with this code. LoginFailed when that cannot be found out."""
        ...


def challenge_of(verifier: str) -> str:
    """Return what proves later that who brings the code is who asked for it (RFC 7636)."""
    return str(create_s256_code_challenge(verifier))  # type: ignore[no-untyped-call]


async def asked(http: aiohttp.ClientSession, method: str, url: str, **how: Any) -> dict[str, Any]:
    """Ask a provider and return its JSON object. LoginFailed when it does not answer so."""
    try:
        async with http.request(method, url, timeout=TIMEOUT, allow_redirects=False, **how) as answer:
            body = await answer.content.read(LARGEST_ANSWER)
            if answer.status >= 300:
                raise LoginFailed(f"the provider answers {answer.status} at {url.partition('?')[0]}")
            said = json.loads(body)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise LoginFailed(f"the provider cannot be asked: {type(error).__name__}") from None
    if not isinstance(said, dict):
        raise LoginFailed("the provider's answer is no JSON object")
    return said


def text(said: dict[str, Any], name: str) -> str:
    """Return a text of an answer. LoginFailed when it is not there."""
    value = said.get(name)
    if not isinstance(value, str | int) or isinstance(value, bool) or not str(value):
        raise LoginFailed(f"the provider's answer has no {name}")
    return str(value)
