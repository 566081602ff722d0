"""Repairs the malformed JSON that cgminer and its descendants really send (PROTOCOLS.md 3.4).

Known faults and nothing else: a comma missing between the elements of a list, a comma too many, bare `inf` and `nan`,
a document without its beginning, a document without its end. Text inside strings is never touched, and what is valid
stays what it is. One pass over the text: the time it takes grows with its length and with nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

DEEPEST = 64
"""Real replies nest six deep; brackets without end are an attack."""

LONGEST = 262_144
"""Characters. The longest real replies have some 30,000; repairing a megabyte would hold up everybody else."""

# Possessive quantifiers (`*+`): the pattern never goes back over what it has read, so no text can make it slow.
_TOKENS = re.compile(
    r"""
    "[^"\\]*+(?:\\.[^"\\]*+)*+"        # a whole string
    | [{}\[\]:,"]                      # structure; a quote that stands alone begins a string that never ends
    | [^\x00-\x20"{}\[\]:,]++          # a number, a literal or rubbish
    """,
    re.VERBOSE | re.DOTALL,
)
_NOT_NUMBERS = frozenset({"inf", "-inf", "+inf", "infinity", "-infinity", "nan", "-nan", "+nan"})
_CLOSER_OF = {"{": "}", "[": "]"}


class _Hopeless(Exception):
    """The text is broken in a way that no known firmware breaks it."""


@dataclass(slots=True)
class _Text:
    """The repaired text so far, and what is open in it; `closers` has the innermost bracket first."""

    pieces: list[str] = field(default_factory=list)
    closers: str = ""
    last: str = ""
    safe_pieces: int = 0
    safe_closers: str = ""

    def put(self, token: str) -> None:
        """Append a token as it is."""
        self.pieces.append(token)
        self.last = token

    def mark_safe(self) -> None:
        """Remember that everything up to here is complete: a cut document is cut here."""
        self.safe_pieces = len(self.pieces)
        self.safe_closers = self.closers

    def open(self, bracket: str) -> None:
        """Begin an object or a list, after the comma that may be missing before it."""
        if bracket == "{" and self.last == "}" and self.closers.startswith("]"):
            self.put(",")
        if len(self.closers) == DEEPEST:
            raise _Hopeless
        self.put(bracket)
        self.closers = _CLOSER_OF[bracket] + self.closers

    def close(self, bracket: str) -> None:
        """End an object or a list, without the comma that may be too many before its end."""
        if not self.closers.startswith(bracket):
            raise _Hopeless
        if self.last == ",":
            self.pieces.pop()
        self.put(bracket)
        self.closers = self.closers[1:]
        self.mark_safe()

    def comma(self) -> None:
        """Separate two elements, unless there is none before it."""
        if self.last in {"", "{", "[", ","}:
            return
        self.mark_safe()
        self.put(",")


def repair(text: str) -> tuple[str, bool]:
    """Return the text with its known faults repaired, and whether its end was missing and it had to be cut.

    What cannot be repaired comes back as it was: whoever parses it next says what is wrong with it. White space and
    control characters between the tokens are left out.
    """
    if len(text) > LONGEST:
        return text, False
    repaired = _Text()
    try:
        for match in _TOKENS.finditer(text):
            piece = match.group()
            if repaired.pieces and not repaired.closers:
                raise _Hopeless  # something follows the end of the document
            if piece == '"':
                break
            _take(repaired, piece)
    except _Hopeless:
        return text, False
    if not repaired.closers:
        return "".join(repaired.pieces), False
    if repaired.safe_pieces == 0:
        return text, False
    return "".join(repaired.pieces[: repaired.safe_pieces]) + repaired.safe_closers, True


def _take(repaired: _Text, token: str) -> None:
    """Append one token in the way that its place demands."""
    match token:
        case "{" | "[":
            repaired.open(token)
        case "}" | "]":
            repaired.close(token)
        case ",":
            repaired.comma()
        case _ if token.startswith('"'):
            if not repaired.pieces:
                repaired.open("{")  # the beginning was lost: `"id":1}` or `,"id":1}`
            repaired.put(token)
        case _:
            repaired.put("null" if token.lower() in _NOT_NUMBERS else token)
