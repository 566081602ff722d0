"""Who may write: salts, tokens, the lock-out, and the cipher of writes and their replies (PROTOCOLS.md 2.4)."""

import base64
import binascii
import hashlib
import hmac

from Crypto.Cipher import AES
from Crypto.Cipher._mode_ecb import EcbMode
from passlib.hash import md5_crypt  # type: ignore[import-untyped]

from hashbus_simulator.devices.whatsminer_v3.auth import salt_for
from hashbus_simulator.whatsminer_v2_settings import WhatsminerV2Block

FACTORY_PASSWORD = "admin"  # noqa: S105 - with it nobody may write
LONGEST_PASSWORD = 8
BLOCK = 16


class TooManyTokens(Exception):
    """No token now, and none for a while."""


class NotBase64(Exception):
    """A write that is no base64 at all."""


class TokenDesk:
    """The tokens of one miner, and the key that its password makes."""

    __slots__ = ("_alive", "_block", "_issued", "_key", "_locked_until_s", "_seed", "password", "salt")

    def __init__(self, block: WhatsminerV2Block, seed: int) -> None:
        self._block = block
        self._seed = seed
        self._issued = 0
        self._alive: dict[str, float] = {}
        self._locked_until_s = float("-inf")
        self.salt = block.salt or salt_for(seed, 0)
        self.set_password(block.password.get_secret_value())

    @property
    def allows_writing(self) -> bool:
        """Whether the owner has turned on the API and changed the factory's password."""
        return self._block.api_switch and self.password != FACTORY_PASSWORD and len(self.password) <= LONGEST_PASSWORD

    def set_password(self, password: str) -> None:
        """Take another password: every token is void."""
        self.password = password
        self._key: str | None = None
        self._alive.clear()

    def issue(self, now_s: float, unix_s: int) -> dict[str, str]:
        """What a client makes its token of. Raises TooManyTokens, and begins the lock-out anew."""
        self._alive = {sign: ends_s for sign, ends_s in self._alive.items() if ends_s > now_s}
        if now_s < self._locked_until_s or len(self._alive) >= self._block.most_tokens:
            self._locked_until_s = now_s + self._block.lock_s
            raise TooManyTokens
        self._issued += 1
        time, newsalt = str(unix_s)[-4:], self._block.newsalt or salt_for(self._seed, self._issued)
        self._alive[_crypted(self.key() + time, newsalt)] = now_s + self._block.token_s
        return {"time": time, "salt": self.salt, "newsalt": newsalt}

    def alive(self, now_s: float) -> int:
        """How many tokens there are."""
        return sum(ends_s > now_s for ends_s in self._alive.values())

    def accepts(self, token: object, now_s: float) -> bool:
        """Whether a token is one of ours and not too old."""
        given = str(token).encode()
        return any(hmac.compare_digest(sign.encode(), given) and ends_s > now_s for sign, ends_s in self._alive.items())

    def key(self) -> str:
        """The fourth field of md5-crypt of the password; made when it is first needed, because that takes a while."""
        if self._key is None:
            self._key = _crypted(self.password, self.salt)
        return self._key

    def decrypt(self, data: object) -> bytes:
        """The text of a write, whatever comes out of it with a wrong password. Raises NotBase64."""
        try:
            cipher = base64.b64decode(str(data), validate=True)
        except binascii.Error as error:
            raise NotBase64 from error
        return b"" if len(cipher) % BLOCK else _aes(self.key()).decrypt(cipher).rstrip(b"\0")


def encrypted(text: bytes, key: str) -> str:
    """A reply as it goes over the wire."""
    return base64.b64encode(_aes(key).encrypt(text + b"\0" * (-len(text) % BLOCK))).decode()


def _aes(key: str) -> EcbMode:
    # The protocol has no other mode.
    return AES.new(hashlib.sha256(key.encode()).digest(), AES.MODE_ECB)


def _crypted(word: str, salt: str) -> str:
    return str(md5_crypt.using(salt=salt).hash(word)).split("$")[3]
