"""What goes wrong with a source: it is away, it rests, or it answers something else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime


class SourceError(Exception):
    """A source gives nothing that can be used; the text says why, for people, without any secret."""


class SourceAway(SourceError):
    """It does not answer in time, or not at all."""


class SourceRests(SourceError):
    """It asked not to be asked for a while: a rate limit, a ban, a blocked region."""

    def __init__(self, message: str, rest_s: float) -> None:
        """`rest_s` is how long to leave it alone."""
        super().__init__(message)
        self.rest_s = rest_s


class SourceGarbled(SourceError):
    """It answers something else than its documentation says."""


ODD = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError)
"""What reading raises when somebody's answer is of a shape that nobody thought of."""


@contextmanager
def answers_of_others() -> Iterator[None]:
    """Let no answer, however odd, be more than a source that is garbled."""
    try:
        yield
    except ODD as error:
        raise SourceGarbled(f"the answer is not what its documentation says ({type(error).__name__})") from None


def moment_of_ms(milliseconds: float) -> datetime:
    """Return a moment given in milliseconds since 1970; SourceGarbled when it is no date."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise SourceGarbled(f"{milliseconds:g} ms is not a moment") from None
