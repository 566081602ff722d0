"""Passwords: hashed with Argon2id, off the loop, a few at a time."""

from __future__ import annotations

import asyncio

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

SHORTEST = 10
LONGEST = 200
"""Characters; longer ones only cost time."""

AT_ONCE = 2
"""Each takes 64 MB and a core for a moment."""


class Passwords:
    """Hashes and checks."""

    def __init__(self) -> None:
        """Prepare; the parameters are those of RFC 9106's second recommendation, as argon2-cffi has them."""
        self._hasher = PasswordHash((Argon2Hasher(),))
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """Return what is kept of a password."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def is_right(self, password: str, kept: str | None) -> bool:
        """Say whether it is the one; for nobody (None) it takes as long, so that names cannot be found out."""
        if self._nobody is None:
            self._nobody = await self.hash("nobody has this password")
        async with self._slots:
            is_right = await asyncio.to_thread(self._hasher.verify, password, kept or self._nobody)
        return is_right and kept is not None


def problem_of(password: str, name: str) -> str | None:
    """Return why a password is not taken; None when it is."""
    if len(password) < SHORTEST:
        return f"has {len(password)} characters; at least {SHORTEST}, a few words in a row are easy to remember"
    if len(password) > LONGEST:
        return f"has {len(password)} characters; at most {LONGEST}"
    if len(set(password)) < 5:
        return "is made of fewer than five different characters"
    if name and name.casefold() in password.casefold() and len(password) < 2 * SHORTEST:
        return "contains the name"
    return None
