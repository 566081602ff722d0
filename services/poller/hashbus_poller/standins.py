"""What stands in a recording for what belongs to somebody: as long, of the same form, and obviously made up.

Stand-ins are counted, not computed from what they hide, so that nobody can find the original by trying.
"""

from __future__ import annotations

import re
import string
from enum import StrEnum

LETTERS = "xabcdefghijklmnopqrstuvwyz"
"""In the order in which they are counted; the first is what fills a stand-in."""

MOST_TRIES = 2_000
"""Stand-ins tried for one value. Only of very short values are there fewer, and those may share one."""

WALLET = r"bc1[02-9ac-hj-np-z]{11,87}|[13][1-9A-HJ-NP-Za-km-z]{25,34}"
"""Bitcoin addresses: bech32 and base58, without checking their sums."""

_WALLET_START = re.compile(r"bc1.|.")
_WORD = re.compile(r"\\u[0-9a-fA-F]{4}|\\.|[A-Za-z0-9]+")
"""Words, and the escapes of JSON, which stay what they are."""


class Secret(StrEnum):
    """What is masked."""

    PASSWORD = "passwords and tokens"  # noqa: S105 (a title)
    WORKER = "pool workers and accounts"
    WALLET = "wallet addresses"
    SERIAL = "serial numbers and ids"
    MAC = "MAC addresses"
    IP = "IP addresses"
    NAME = "names and places"


class StandIns:
    """The stand-ins of one recording: the same value has the same one wherever it stands."""

    def __init__(self) -> None:
        """Begin to count."""
        self._made: dict[tuple[Secret, str], str] = {}
        self._taken: set[str] = set()

    def avoid(self, value: str) -> None:
        """Never use a value that belongs to somebody as a stand-in."""
        self._taken.add(value)

    def of(self, secret: Secret, value: str) -> str:
        """Return the stand-in of a value."""
        if secret is Secret.MAC and len(hex_digits(value)) == 12:
            return self._mac(value)
        if secret in (Secret.IP, Secret.WALLET):
            return self._counted(secret, value)
        # Word by word: `farm.w1` and `farm.w2` stay two workers of one account.
        return _WORD.sub(lambda word: self._word(secret, word[0]), value)

    def _word(self, secret: Secret, word: str) -> str:
        if word[0] == "\\":
            return word
        return self._counted(Secret.WALLET if re.fullmatch(WALLET, word) else secret, word)

    def _counted(self, secret: Secret, value: str) -> str:
        made = self._made.get((secret, value))
        if made is None:
            candidates = (_candidate(secret, value, number) for number in range(1, MOST_TRIES))
            made = next((one for one in candidates if one not in self._taken), _candidate(secret, value, 1))
            self._remember(secret, value, made)
        return made

    def _mac(self, value: str) -> str:
        """Return a locally administered address in the same spelling: capitals, colons, dashes or nothing between."""
        digits = hex_digits(value)
        if (Secret.MAC, digits) not in self._made:
            macs = sum(secret is Secret.MAC for secret, _ in self._made)
            self._remember(Secret.MAC, digits, f"02{macs + 1:010x}")
        made = iter(self._made[Secret.MAC, digits])
        spelled = "".join(next(made) if letter in string.hexdigits else letter for letter in value)
        return spelled.upper() if value == value.upper() else spelled

    def _remember(self, secret: Secret, value: str, made: str) -> None:
        self._made[secret, value] = made
        self._taken.add(made)


def hex_digits(mac: str) -> str:
    """Return the digits of a MAC without what stands between them; too few when it is none."""
    return re.sub(r"[:-]", "", mac).lower() if re.fullmatch(r"[0-9A-Fa-f:-]+", mac) else ""


def _candidate(secret: Secret, value: str, number: int) -> str:
    if secret is Secret.IP and re.fullmatch(r"[\d.]{7,15}", value):
        return _ip(len(value), number)
    if secret is Secret.WALLET:
        start = _WALLET_START.match(value)
        end = start.end() if start else 0
        return value[:end] + _shaped(value[end:], number)
    return _shaped(value, number)


def _shaped(value: str, number: int) -> str:
    """Count in the letters and digits of a value, from its end: the third of the form of `SN0815AB` is `XX0000XC`."""
    letters = list(value)
    for place in range(len(letters) - 1, -1, -1):
        alphabet = _alphabet(letters[place])
        if alphabet:
            number, digit = divmod(number, len(alphabet))
            letters[place] = alphabet[digit]
    # A number must not begin with a zero: where it stands without quotes, it would be no JSON.
    if value.isdecimal() and len(value) > 1 and letters[0] == "0":
        letters[0] = "1"
    return "".join(letters)


def _alphabet(letter: str) -> str:
    if letter in string.digits:
        return string.digits
    if letter in string.ascii_lowercase:
        return LETTERS
    return LETTERS.upper() if letter in string.ascii_uppercase else ""


def _ip(length: int, number: int) -> str:
    """Return an IPv4 address of that many characters (7 to 15) that is nobody's on the internet."""
    if length == 15:
        return f"192.168.{100 + number // 100 % 100}.{100 + number % 100}"
    head = "0" if length == 7 else "10"
    missing, octets = length - len(head) - 3, []
    for left in (2, 1, 0):
        digits = min(3, missing - left)
        missing -= digits
        first, how_many = {1: (0, 10), 2: (10, 90), 3: (100, 100)}[digits]
        number, step = divmod(number, how_many)
        octets.append(str(first + step))
    return ".".join([head, *reversed(octets)])
