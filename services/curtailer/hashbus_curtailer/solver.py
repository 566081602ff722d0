"""Lets the solver work beside the step: asked with a value, it answers with a value when it is done."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self

from hashbus_curtailer.improve import improved
from hashbus_curtailer.question import Answer, Question


class Solver:
    """One thread that betters one selection at a time; CBC itself is a process."""

    def __init__(self) -> None:
        """Start without a question."""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="solver")
        self._asked: Question | None = None
        self._answer: Future[Answer] | None = None

    def __enter__(self) -> Self:
        """Nothing to open: the thread starts with the first question."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        """Forget what waits; what CBC works at ends within its time limit."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def ask(self, question: Question | None) -> None:
        """Work at this question; one that is asked already is not asked again."""
        if question is self._asked:
            return
        self._asked = question
        if self._answer:
            self._answer.cancel()
        self._answer = self._pool.submit(improved, question) if question else None

    def wait(self, timeout_s: float) -> None:
        """Wait until what was asked is answered, at most so long; for those who have no steps to do meanwhile."""
        if self._answer:
            wait([self._answer], timeout_s)

    def answer(self) -> Answer | None:
        """Return what was found, once; None while there is nothing."""
        if self._answer is None or not self._answer.done():
            return None
        done, self._answer = self._answer, None
        return done.result()
