"""Mistakes in settings: one line each, said so that the person who made them can mend them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ConfigError(Exception):
    """The settings are not right; `problems` has one line for each mistake, without secrets."""

    def __init__(self, problems: list[str]) -> None:
        """Keep the lines."""
        super().__init__("\n".join(problems))
        self.problems = problems


def similar(word: str, known: Iterable[str]) -> str:
    """Return the known word that was probably meant, as the end of a sentence, or all of them when they are few."""
    known = list(known)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    by_unit = [one for one in known if one.startswith(f"{word}_")]
    if close or by_unit:
        return f"; did you mean `{(by_unit or close)[0]}`?"
    return f"; known here: {', '.join(known)}" if known else ""
