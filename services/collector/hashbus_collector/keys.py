"""The keys of sites: `hsc_` and 40 characters of chance. Only their SHA-256 is kept. Pure, but for the chance."""

from __future__ import annotations

import hashlib
import re
import secrets

PREFIX = "hsc_"
TOKEN_BYTES = 30
"""240 bits, which base64 writes as 40 characters: 44 with the prefix (S1.47)."""

_FORM = re.compile(r"hsc_[A-Za-z0-9_-]{40}")
SHOWN_CHARACTERS = 8


def make_key() -> str:
    """Return a new key."""
    return PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


def looks_like_a_key(text: str) -> bool:
    """Say whether a text has the form of a key; nothing else is ever looked up."""
    return _FORM.fullmatch(text) is not None


def digest(secret: str) -> bytes:
    """Return what is kept of a key or of a session: its SHA-256.

    A slow hash protects passwords, which people choose; 240 bits of chance need none.
    """
    return hashlib.sha256(secret.encode()).digest()


def shown(key: str) -> str:
    """Return the beginning of a key, by which a person knows it again."""
    return key[:SHOWN_CHARACTERS]
