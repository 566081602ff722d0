"""Taking out of recorded answers what belongs to one owner: passwords, workers, wallets, serials and addresses.

It works on bytes, so that an answer that is no proper JSON stays as improper as it was, and keeps every length. The
same value gets the same stand-in in every answer, so that what a driver makes of them still fits.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import partial

from hashbus_poller.standins import WALLET, Secret, StandIns, hex_digits

SHORTEST_ANYWHERE = 6
"""Characters; what is shorter is masked where its key names it, and not wherever those letters come together."""

SHORTEST_INSIDE_WORDS = 8
"""Characters from which a value is masked inside a longer word too."""

KEYS = tuple(
    (secret, re.compile(pattern, re.IGNORECASE))
    for secret, pattern in (
        (Secret.PASSWORD, r"pass(word|wd|phrase)?\d*$|^pwd$|token$|salt$|secret$|cookie$|^j?session(_?id)?$|api_?key$"),
        # Not `pToUser`: that is power into the house.
        (Secret.WORKER, r"(?<!to)user(name)?\d*$|worker$|account(_?name)?$"),
        (Secret.SERIAL, r"(^|[^a-z])sn\d*$|pcbsn|customersn|serial|serinum|(user|plant|customer|station)_?id$|^uid$"),
        (Secret.MAC, r"mac(_?addr(ess)?)?$"),
        (Secret.IP, r"^ip(v4)?(_?addr(ess)?)?$|ip_?address$|gateway|dns"),
        (Secret.NAME, r"host_?name$|ssid\d*$|e?mail$|phone|^tel|(plant|real|company|customer|owner)_?name$|^ipv6"),
        (Secret.NAME, r"^address$|street|^city$|post_?code|^(lat|lon|lng)(itude|gitude)?$"),
    )
)
"""Which keys of an answer hold what, as PROTOCOLS.md sections 1 to 5 name them."""

_PAIR = re.compile(rb'("(?:[^"\\]|\\.){1,64}"\s*:\s*)("(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?)')
"""A key and a plain value, in JSON that may be broken elsewhere."""

_PLANT = re.compile(rb'("plantId"\s*:\s*\d+\s*,\s*"name"\s*:\s*")((?:[^"\\]|\\.)*)')
"""The EG4 portal calls what its owner named simply `name`."""

_IPV4 = re.compile(rb"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\.?\w)")
_FORMS = (
    (Secret.MAC, re.compile(rb"(?<![\w:-])[0-9A-Fa-f]{2}([:-])[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2}){4}(?![\w:-])")),
    (Secret.WALLET, re.compile(rb"(?<!\w)(?:%b)(?!\w)" % WALLET.encode())),
    (Secret.NAME, re.compile(rb"[\w.+-]+@(?:[\w-]+\.)+[A-Za-z]{2,}")),
)
"""What is recognised without a key: MACs, Bitcoin addresses, mail addresses."""

_LOGIN = re.compile(rb'://([^/@:\s"]+)(?::([^/@\s"]+))?@')
_PRIVATE = re.compile(r"10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.")
_NOBODYS = re.compile(r"0\.0\.0\.0|127\.|255\.")
_SAYS_NOTHING = re.compile(r"[\W_0]*|.|n/?a|null|none|unknown|dhcp|static|auto|true|false", re.IGNORECASE)


class Masker:
    """Learns what is secret in all answers of a device, then takes it out of each."""

    def __init__(self) -> None:
        """Begin with nothing learned."""
        self._stand_ins = StandIns()
        self._anywhere: dict[str, Secret] = {}
        self._masked_values: set[tuple[Secret, bytes]] = set()
        self.places: Counter[Secret] = Counter()
        """How often something was masked."""

    @property
    def values(self) -> Counter[Secret]:
        """Return how many different things were masked."""
        return Counter(secret for secret, _ in self._masked_values)

    def know(self, secret: Secret, value: str | None) -> None:
        """Note what is secret for certain, also when it is short or stands where no key tells."""
        if value and not _SAYS_NOTHING.fullmatch(value):
            self._stand_ins.avoid(value)
            self._anywhere.setdefault(value, secret)

    def learn(self, answer: bytes) -> None:
        """Look for secrets in an answer: by the names of keys, and by their form."""
        for match in _PAIR.finditer(answer):
            secret, value = _secret_at(match[1]), _text(match[2]).strip('"')
            if secret is not None and secret not in (Secret.IP, Secret.NAME) and match[2][:1] == b'"':
                self._stand_ins.avoid(value)
                if len(value) >= SHORTEST_ANYWHERE:
                    self.know(secret, value)
        for user, password in _LOGIN.findall(answer):
            self.know(Secret.WORKER, _text(user))
            self.know(Secret.PASSWORD, _text(password))
        for secret, form in _FORMS:
            for match in form.finditer(answer):
                self.know(secret, _text(match[0]))
        for match in _IPV4.finditer(answer):
            if _PRIVATE.match(_text(match[0])):
                self.know(Secret.IP, _text(match[0]))

    def masked(self, answer: bytes) -> bytes:
        """Return an answer with a stand-in for everything that was learned, as long as it was before."""
        # First what only its key tells; then what is known by itself, wherever it stands.
        answer = _PAIR.sub(self._pair, answer)
        answer = _PLANT.sub(lambda match: match[1] + self._masked(Secret.NAME, match[2]), answer)
        longest_first = sorted(self._anywhere, key=len, reverse=True)
        if not longest_first:
            return answer
        pattern = "|".join(_pattern_of(value, self._anywhere[value]) for value in longest_first)
        return re.sub(_bytes(pattern), self._found, answer)

    def _pair(self, match: re.Match[bytes]) -> bytes:
        secret, literal = _secret_at(match[1]), match[2]
        if secret is None or _text(literal).strip('"') in self._anywhere:
            return match[0]
        if literal[:1] == b'"':
            if secret is Secret.IP:
                return match[1] + _IPV4.sub(self._address, literal)
            return match[1] + b'"' + self._masked(secret, literal[1:-1]) + b'"'
        # Of numbers only ids and degrees on the map are somebody's; an `address` may be that of a chip.
        if secret is Secret.SERIAL or (secret is Secret.NAME and b"." in literal):
            return match[1] + re.sub(rb"^(-?)0(?=\d)", rb"\g<1>1", self._masked(secret, literal))
        return match[0]

    def _address(self, match: re.Match[bytes]) -> bytes:
        return match[0] if _NOBODYS.match(_text(match[0])) else self._masked(Secret.IP, match[0])

    def _found(self, match: re.Match[bytes]) -> bytes:
        secret = self._anywhere.get(_text(match[0]), Secret.MAC)
        return self._masked(secret, match[0])

    def _masked(self, secret: Secret, value: bytes) -> bytes:
        if _SAYS_NOTHING.fullmatch(_text(value)):
            return value
        self.places[secret] += 1
        self._masked_values.add((secret, value.lower()))
        return _bytes(self._stand_ins.of(secret, _text(value)))


def _secret_at(key: bytes) -> Secret | None:
    name = _text(key).rstrip(" \t\r\n:").strip('"')
    return next((secret for secret, pattern in KEYS if pattern.search(name)), None)


def _pattern_of(value: str, secret: Secret) -> str:
    """Return what finds a value: a MAC in every spelling, a short value only as a word of its own."""
    digits = hex_digits(value)
    if secret is Secret.MAC and len(digits) == 12:
        pairs = "[:-]?".join(digits[place : place + 2] for place in range(0, 12, 2))
        return f"(?i:{pairs})"
    found = re.escape(value)
    is_word = len(value) < SHORTEST_INSIDE_WORDS or secret is Secret.IP
    return rf"(?<![\w.]){found}(?!\.?\w)" if is_word else found


_text = partial(bytes.decode, encoding="utf-8", errors="surrogateescape")
_bytes = partial(str.encode, encoding="utf-8", errors="surrogateescape")
