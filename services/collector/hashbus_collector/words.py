"""What an offline miner's error says went wrong, in the few kinds of S1.61. Pure."""

from __future__ import annotations

_KINDS = (
    ("refused", ("nothing listens", "refused", "reset")),
    ("timeout", ("within", "timed out", "timeout", "no answer", "silent")),
    ("denied", ("password", "permission", "denied", "certificate", "unauthor")),
    ("garbled", ("json", "understood", "garbled", "parse", "longer than")),
    ("unreachable", ("unreachable", "cannot connect", "no route", "network", "broke", "name or service")),
)


def kind_of_error(message: str | None) -> str:
    """Return the kind of a failed reading; `other` when the message does not tell."""
    text = (message or "").lower()
    return next((kind for kind, words in _KINDS if any(word in text for word in words)), "other")
