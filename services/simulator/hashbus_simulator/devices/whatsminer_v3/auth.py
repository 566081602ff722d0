"""Who may write: tokens, salts and the two encrypted parameters (PROTOCOLS.md 1.3, 1.4)."""

import base64
import hashlib
import hmac
from collections.abc import Mapping

from Crypto.Cipher import AES

ACCOUNTS = ("super", "user1", "user2", "user3")
SALT_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SALT_LENGTH = 8
BLOCK = 16


class Vault:
    """Passwords, permissions and the salt of one miner.

    Every account's password is its own name until it is changed; such an account may not write. `super` may use
    every command, the others those that `set.user.permission` gave them. The salt changes at every reboot and
    every change of a password.
    """

    __slots__ = ("_api_switch", "_passwords", "_permissions", "_salt", "_seed", "_turns", "_window_s")

    def __init__(self, seed: int, password: str, *, api_switch: bool, window_s: int, salt: str | None) -> None:
        self._seed = seed
        self._passwords: dict[str, str] = {"super": password}
        self._permissions: dict[str, frozenset[str]] = {}
        self._api_switch = api_switch
        self._window_s = window_s
        self._turns = 0
        self._salt = salt or salt_for(seed, 0)

    @property
    def salt(self) -> str:
        """Eight characters that every signature contains."""
        return self._salt

    @property
    def api_switch(self) -> bool:
        """Whether the owner allows writing at all."""
        return self._api_switch

    @property
    def permissions(self) -> str:
        """As `miner.permission` shows them: 255 for everything, else the number of commands."""
        counts = {account: len(self._permissions.get(account, ())) for account in ACCOUNTS[1:]}
        return " ".join(["super=255", *(f"{account}={count}" for account, count in counts.items())])

    def turn_salt(self) -> None:
        """Forget the salt: every signature made with it is void."""
        self._turns += 1
        self._salt = salt_for(self._seed, self._turns)

    def permit(self, account: str, commands: frozenset[str]) -> bool:
        """Allow an account these commands; False for `super` and unknown accounts."""
        if account not in ACCOUNTS[1:]:
            return False
        self._permissions[account] = commands
        return True

    def change_password(self, account: str, old: str, new: str) -> bool:
        """Take a new password if the old one is right."""
        if account not in ACCOUNTS or self._password(account) != old or not new:
            return False
        self._passwords[account] = new
        self.turn_salt()
        return True

    def accepts(self, request: Mapping[str, object], now_unix_s: int) -> bytes | None:
        """The 32 bytes of the digest when the request is signed by somebody who may; else None."""
        account, cmd, ts = request.get("account"), request.get("cmd"), _integer(request.get("ts"))
        if not isinstance(account, str) or not isinstance(cmd, str) or ts is None:
            return None
        digest = hashlib.sha256(f"{cmd}{self._password(account)}{self._salt}{ts}".encode()).digest()
        token = base64.b64encode(digest)[:8]
        given = str(request.get("token", "")).encode()
        is_signed = hmac.compare_digest(token, given) and abs(now_unix_s - ts) <= self._window_s
        return digest if is_signed and self._may(account, cmd) else None

    def _may(self, account: str, cmd: str) -> bool:
        if account not in ACCOUNTS or not self._api_switch or self._password(account) == account:
            return False
        return account == "super" or cmd in self._permissions.get(account, frozenset())

    def _password(self, account: str) -> str:
        return self._passwords.get(account, account)


def salt_for(seed: int, turn: int) -> str:
    """The salt after so many turns: reproducible, and different for every miner."""
    digest = hashlib.sha256(f"{seed}/{turn}".encode()).digest()
    return "".join(SALT_ALPHABET[byte % len(SALT_ALPHABET)] for byte in digest[:SALT_LENGTH])


def decrypt_param(param: object, digest: bytes) -> str | None:
    """The text of an encrypted parameter: AES-256-ECB, PKCS#7 or zero padding; None when it is none."""
    if not isinstance(param, str):
        return None
    try:
        # The protocol has no other mode; each block is enciphered alone under a key of one command and second.
        plain = AES.new(digest, AES.MODE_ECB).decrypt(base64.b64decode(param, validate=True))
        return _without_padding(plain).decode()
    except ValueError:
        return None


def _without_padding(plain: bytes) -> bytes:
    count = plain[-1] if plain else 0
    if 1 <= count <= BLOCK and plain.endswith(bytes([count]) * count):
        return plain[:-count]
    return plain.rstrip(b"\0")


def _integer(value: object) -> int | None:
    """Numbers may come as strings."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.isdecimal() else None
