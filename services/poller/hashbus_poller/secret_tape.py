"""A tape on which the secrets of an answer do not show: the tokens of logins, the passwords of pools."""

from __future__ import annotations

import re
from dataclasses import replace

from hashbus_poller.drivers.contract import Tape, Wiring

_SECRET = re.compile(rb'("(?:token|pass|password|pw|key)"\s*:\s*)"(?:[^"\\]|\\.)*+"?')


def without_secrets(answer: bytes) -> bytes:
    """Return an answer with every token and password in it masked; it may be broken elsewhere."""
    return _SECRET.sub(rb'\1"***"', answer)


def guarded(wiring: Wiring) -> Wiring:
    """Return a wiring whose tape shows no secrets, for questions whose answers hold some."""
    return replace(wiring, tape=_SecretTape(wiring.tape))


class _SecretTape:
    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def keep(self, question: str, answer: bytes) -> None:
        """Remember one exchange."""
        self._tape.keep(question, without_secrets(answer))
