"""What is said to a WhatsMiner of API v2: pure functions from an intention to bytes (PROTOCOLS.md 2.1, 2.4, 2.5)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from Crypto.Cipher import AES
from Crypto.Cipher._mode_ecb import EcbMode
from passlib.hash import md5_crypt  # type: ignore[import-untyped]

from hashbus_poller.drivers.cgminer.commands import Question

Spelling = Literal["command", "cmd"]
"""Under which name the command stands in a request; old firmware serves the two from two processes."""

CLASSIC = frozenset({"devdetails", "edevs", "pools", "summary"})
"""Reports that cgminer has too; only these can be joined."""

READS = CLASSIC | {"get_error_code", "get_miner_info", "get_psu", "get_version", "status"}
TOKEN = "get_token"  # noqa: S105 - the name of a command


@dataclass(frozen=True, slots=True)
class Order:
    """A write before it is enciphered; the fields of an `is_secret` one are shown nowhere.

    One that `hangs_up` may get no answer.
    """

    cmd: str
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_secret: bool = False
    hangs_up: bool = False

    @property
    def name(self) -> str:
        """How it is called on the tape and in complaints."""
        shown = "" if self.is_secret else "".join(f" {key}={value}" for key, value in self.fields.items())
        return self.cmd + shown


POWER_ON = Order("power_on")
POWER_OFF = Order("power_off", {"respbefore": "true"})
"""`respbefore`: answer first, then go to sleep."""

POWER_OFF_PLAIN = Order("power_off")
RESTART = Order("restart_btminer")
REBOOT = Order("reboot", hangs_up=True)
LIGHTS = Order("set_led", {"color": "red", "period": "500", "duration": "250", "start": "0"})
"""Red, twice a second: nothing that the firmware does by itself. Times in ms."""

LIGHTS_AUTO = Order("set_led", {"param": "auto"})
POWER_PERCENT = "set_power_pct"

WRITES = frozenset(
    {"adjust_power_limit", "power_off", "power_on", "reboot", "restart_btminer", "set_led", POWER_PERCENT}
    | {"update_pools"}
)
ALLOWED = READS | WRITES | {TOKEN}
"""What this driver may send, and nothing else (S1.37)."""


def read(*words: str, spelling: Spelling | None = None) -> Question:
    """Ask for reports; several are joined, which works for the classic ones only."""
    name = "+".join(words)
    return Question(name, words, _json({spelling or usual_spelling(words): name}))


def usual_spelling(words: tuple[str, ...]) -> Spelling:
    """Return the spelling that the process in charge listens to (PROTOCOLS.md 2.1)."""
    return "command" if CLASSIC.issuperset(words) else "cmd"


def power_limit(power_w: int) -> Order:
    """Limit the power to whole watts; mining restarts."""
    return Order("adjust_power_limit", {"power_limit": str(power_w)})


def power_percent(power_pct: int) -> Order:
    """Run at a percentage of the limit within about a second, without a restart."""
    return Order(POWER_PERCENT, {"percent": str(power_pct)})


def pools(url: str, worker: str, password: str) -> Order:
    """Mine for one pool, which takes the place of all three: their passwords cannot be read."""
    fields = {"pool1": url, "worker1": worker, "passwd1": password}
    empty = {f"{key}{number}": "" for number in (2, 3) for key in ("pool", "worker", "passwd")}
    return Order("update_pools", fields | empty, is_secret=True)


@dataclass(frozen=True, slots=True)
class Token:
    """What signs and enciphers for half an hour: made of the password and of what `get_token` tells."""

    sign: str = field(repr=False)
    key: str = field(repr=False)


def token(password: str, *, time: str, salt: str, newsalt: str) -> Token:
    """Make a token (PROTOCOLS.md 2.4). `time` is taken by its last four digits; some firmware tells it in full."""
    key = _crypted(password, salt)
    return Token(sign=_crypted(key + time[-4:], newsalt), key=key)


def enciphered(order: Order, by: Token) -> Question:
    """Sign and encipher an order."""
    text = _json({"cmd": order.cmd, **order.fields, "token": by.sign})
    return Question(order.name, (order.cmd,), _json({"enc": 1, "data": encrypted(text, by)}))


def encrypted(text: bytes, by: Token) -> str:
    """Return a text enciphered: AES-256-ECB, filled up with NUL, base64."""
    filled = text + b"\0" * (-len(text) % AES.block_size)
    return base64.b64encode(_cipher(by).encrypt(filled)).decode()


def decrypted(data: str, by: Token) -> bytes | None:
    """Return the text of an enciphered reply; None when it is none."""
    try:
        cipher = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None
    return None if len(cipher) % AES.block_size else _cipher(by).decrypt(cipher).rstrip(b"\0")


def _cipher(by: Token) -> EcbMode:
    # ECB is the vendor's choice.
    return AES.new(hashlib.sha256(by.key.encode()).digest(), AES.MODE_ECB)


def _crypted(word: str, salt: str) -> str:
    """Return the fourth field of md5-crypt, which is all that this API uses of it."""
    return str(md5_crypt.using(salt=salt).hash(word)).split("$")[3]


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
