"""What a caller is told when the answer is no."""

from __future__ import annotations


class Refusal(Exception):
    """The answer is no: a status and one sentence for the caller, who may show it to a person."""

    def __init__(self, status: int, error: str, *, retry_s: float | None = None) -> None:
        """`retry_s` says when asking again makes sense."""
        super().__init__(error)
        self.status = status
        self.error = error
        self.retry_s = retry_s
