"""What is said to a WhatsMiner: pure functions from an intention to the frame on the wire (PROTOCOLS.md 1.2 to 1.8)."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from Crypto.Cipher import AES
from Crypto.Util.Padding import pad

from hashbus_poller.drivers.whatsminer.frames import framed

Param = str | int | Mapping[str, str] | Sequence[Mapping[str, str | int]]

LIGHTS: tuple[Mapping[str, str | int], ...] = (
    {"color": "red", "period": 500, "duration": 250, "start": 0},
    {"color": "green", "period": 500, "duration": 250, "start": 250},
)
"""Red and green by turns, four times a second: nothing that the firmware does by itself. Times in ms."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request: the command, how it is called on the tape, and the frame, which may hold a token."""

    cmd: str
    name: str
    frame: bytes = field(repr=False)
    is_write: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """A write before it is signed.

    The parameter of an `is_secret` one travels encrypted and is shown nowhere; one that `hangs_up` may get no answer.
    """

    cmd: str
    param: Param | None = field(default=None, repr=False)
    is_secret: bool = False
    hangs_up: bool = False

    @property
    def has_object(self) -> bool:
        """Whether the parameter is an object or a list, which some firmware wants as a JSON string."""
        return not self.is_secret and isinstance(self.param, Mapping | Sequence) and not isinstance(self.param, str)


REBOOT = Order("set.system.reboot", hangs_up=True)


@dataclass(frozen=True, slots=True)
class Account:
    """Who signs: one of the firmware's four accounts, and its password."""

    name: str
    password: str = field(repr=False)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def read(cmd: str, param: str | None = None) -> Question:
    """Ask for something; reading needs no account."""
    asked = {"cmd": cmd} if param is None else {"cmd": cmd, "param": param}
    return Question(cmd, cmd if param is None else f"{cmd} {param}", framed(_json(asked)))


DEVICE_INFO = read("get.device.info")
"""Everything at once: model, supply, errors, switches and the salt, in one frame."""

SALT = read("get.device.info", "salt")
SUMMARY = read("get.miner.status", "summary")
MINER_STATUS = read("get.miner.status", "summary+pools+edevs")
MINER_SETTING = read("get.miner.setting")

POWER_PERCENT = "set.miner.power_percent"


def power_limit(power_w: int) -> Order:
    """Limit the power to whole watts; mining restarts."""
    return Order("set.miner.power_limit", power_w)


def power_percent(power_pct: int) -> Order:
    """Run at a percentage of the limit within about a second, without a restart."""
    return Order(POWER_PERCENT, {"percent": str(power_pct), "mode": "fast"})


def service(word: str) -> Order:
    """Start, stop or restart mining."""
    return Order("set.miner.service", word)


def pools(url: str, worker: str, password: str) -> Order:
    """Mine for one pool, which takes the place of all that were there: their passwords cannot be read."""
    return Order("set.miner.pools", [{"pool": url, "worker": worker, "passwd": password}], is_secret=True)


def led(on: bool) -> Order:
    """Blink, or leave the lights to the firmware."""
    return Order("set.system.led", LIGHTS if on else "auto")


def signed(order: Order, account: Account, salt: str, ts: int, *, objects_as_text: bool = False) -> Question:
    """Sign an order with the salt and the time in Unix seconds (PROTOCOLS.md 1.4).

    `objects_as_text` writes an object parameter as a JSON string, as the vendor's Python sample does.
    """
    digest = digest_of(order.cmd, account.password, salt, ts)
    said: dict[str, object] = {"cmd": order.cmd, "ts": ts, "token": token_of(digest), "account": account.name}
    name = order.cmd
    if order.is_secret:
        said["param"] = encrypted(_json(order.param), digest)
    elif order.param is not None:
        said["param"] = _json(order.param).decode() if objects_as_text and order.has_object else order.param
        name = f"{order.cmd} {_json(order.param).decode()}"
    return Question(order.cmd, name, framed(_json(said)), is_write=True)


def digest_of(cmd: str, password: str, salt: str, ts: int) -> bytes:
    """Return the 32 bytes that sign a command: SHA-256 of command, password, salt and time, joined."""
    return hashlib.sha256(f"{cmd}{password}{salt}{ts}".encode()).digest()


def token_of(digest: bytes) -> str:
    """Return the first eight characters of the digest in base64."""
    return base64.b64encode(digest)[:8].decode()


def encrypted(plain: bytes, digest: bytes) -> str:
    """Return a parameter enciphered with the digest as the key: AES-256-ECB, PKCS#7, base64."""
    # ECB is the vendor's choice; the key is another one for every command and second.
    return base64.b64encode(AES.new(digest, AES.MODE_ECB).encrypt(pad(plain, AES.block_size))).decode()
