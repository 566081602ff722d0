"""The broker's accounts: one a service, each with a random password that only a file knows."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

from hashbus_supervisor.private_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

# What mosquitto_passwd writes: PBKDF2 over SHA-512. Its few rounds are enough here, because a password of 256 random
# bits cannot be guessed, and each login costs the broker that many.
SCHEME = "$7$"
ROUNDS = 101
SALT_BYTES = 12


def make_secret(file: Path) -> bool:
    """Write a random password into `file`, readable by its owner only; False when one is there already."""
    if file.is_file() and file.stat().st_size:
        file.chmod(0o600)
        return False
    return write_whole(file, secrets.token_urlsafe(32) + "\n")


def passwords(folder: Path, accounts: Iterable[str]) -> dict[str, str]:
    """Return the password of each account from its file in `folder`."""
    return {account: (folder / account).read_text(encoding="utf-8").strip() for account in accounts}


def password_file(before: str, wanted: Mapping[str, str]) -> str:
    """Return mosquitto's password_file for these accounts.

    Lines of `before` that still hold are kept as they are, and so are those of accounts that a person added.
    """
    lines = {line.split(":", 1)[0]: line for line in before.splitlines() if ":" in line}
    for account, password in wanted.items():
        if not verifies(lines.get(account, ""), password):
            lines[account] = hashed(account, password, secrets.token_bytes(SALT_BYTES))
    return "".join(f"{line}\n" for line in lines.values())


def hashed(account: str, password: str, salt: bytes, rounds: int = ROUNDS) -> str:
    """Return one line of a password_file, as `mosquitto_passwd` of mosquitto 2 writes it."""
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    return f"{account}:{SCHEME}{rounds}${_base64(salt)}${_base64(key)}"


def verifies(line: str, password: str) -> bool:
    """Say whether a line of a password_file was made from this password."""
    account, _, rest = line.partition(":")
    parts = rest.removeprefix(SCHEME).split("$")
    if not rest.startswith(SCHEME) or len(parts) != 3 or not parts[0].isdigit():
        return False
    try:
        salt = base64.b64decode(parts[1], validate=True)
    except ValueError:
        return False
    return hmac.compare_digest(line.encode(), hashed(account, password, salt, int(parts[0])).encode())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
