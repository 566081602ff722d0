"""Secrets that are made here: tokens, their fingerprints, the key that signs, the code of the first start."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

KEY_BYTES = 32
CODE_ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""Without letters and digits that look alike."""


def new_id(prefix: str) -> str:
    """Return an id that nobody guesses or has: `u_...`."""
    return f"{prefix}_{secrets.token_hex(8)}"


def new_token(prefix: str) -> str:
    """Return a secret of 256 bits."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def fingerprint(token: str) -> str:
    """Return what is kept of a token: with 256 random bits a plain SHA-256 cannot be turned back."""
    return hashlib.sha256(token.encode()).hexdigest()


def signing_key(path: Path) -> bytes:
    """Return the key of this site's access tokens; made when there is none, readable by nobody else."""
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = b""
    if len(key) == KEY_BYTES:
        return key
    key = secrets.token_bytes(KEY_BYTES)
    _write_private(path, key)
    return key


def set_up_code(path: Path) -> str:
    """Return the one-time code of the first start, `ABCD-EFGH-JKMN`; made when there is none."""
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        groups = ("".join(secrets.choice(CODE_ALPHABET) for _ in range(4)) for _ in range(3))
        code = "-".join(groups)
        _write_private(path, f"{code}\n".encode())
        return code


def is_same(given: str, right: str) -> bool:
    """Compare in constant time."""
    return secrets.compare_digest(given.encode(), right.encode())


def _write_private(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_suffix(".new")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    part.replace(path)
