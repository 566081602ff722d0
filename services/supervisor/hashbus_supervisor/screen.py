"""Where a person looks: a page that lives in the terminal, or one line an event where there is none."""

from __future__ import annotations

import asyncio
import io
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live

from hashbus_supervisor.page import event_line
from hashbus_supervisor.spoken import spoken

if TYPE_CHECKING:
    from collections.abc import Callable

    from hashbus_supervisor.events import Event
    from hashbus_supervisor.page import Page

REFRESH_S = 1.0
FIRST_SECONDS = 15
"""So long the page is drawn more often: things start, and each step should be seen."""

QUICK_REFRESH_S = 0.25


def console() -> Console:
    """Return standard output; on a terminal as wide as it is, else plain."""
    return Console(highlight=False, soft_wrap=True)


async def live(page: Callable[[], Page]) -> None:
    """Draw the page on a screen of its own until cancelled or until the terminal is gone.

    The terminal is as before afterwards.
    """
    terminal = Console(highlight=False)
    drawn = 0
    with Live(console=terminal, screen=True, auto_refresh=False) as screen:
        while sys.stdout.isatty():
            screen.update(page().draw(terminal.width, terminal.height), refresh=True)
            drawn += 1
            is_beginning = drawn < FIRST_SECONDS / QUICK_REFRESH_S
            await asyncio.sleep(QUICK_REFRESH_S if is_beginning else REFRESH_S)


def print_event(event: Event) -> None:
    """Print an event as one whole line."""
    line = event_line(event)
    line.no_wrap, line.overflow = False, "fold"
    console().print(line)


class LastLine(io.StringIO):
    """A stream for logs where the screen is taken: it keeps what was said last."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        super().__init__()
        self._line = ""

    def write(self, text: str) -> int:
        """Take a line."""
        if text.strip():
            self._line = text.strip().splitlines()[-1]
        return len(text)

    @property
    def text(self) -> str:
        """Return the last line as a sentence."""
        return spoken(self._line).text
