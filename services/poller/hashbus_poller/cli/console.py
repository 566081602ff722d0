"""What the commands have in common on a terminal: where they write, how they end, what they make of hostile text."""

from __future__ import annotations

import asyncio
import io
import signal
import sys
from collections.abc import Callable, Coroutine
from enum import IntEnum
from typing import Any

import uvloop
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hashbus import logs
from hashbus.config_errors import ConfigError

WIDTH_OF_FILES = 140
"""Columns where nobody looks: a table in a file or a pipe is cut nowhere."""

WIDE = 100
"""Columns from which there is room for more than the least."""

NONE = "-"


class Exit(IntEnum):
    """How a command ends."""

    OK = 0
    PROBLEM = 1
    USAGE = 2


class WrongUsage(Exception):
    """What was typed makes no sense; the message says what would."""


def out() -> Console:
    """Return standard output: what was asked for."""
    return _console(stderr=False)


def err() -> Console:
    """Return standard error: progress, remarks and complaints, which no program reads."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    is_terminal = (sys.stderr if stderr else sys.stdout).isatty()
    return Console(
        stderr=stderr, highlight=False, markup=False, emoji=False, width=None if is_terminal else WIDTH_OF_FILES
    )


def table(*headings: str, gap: int = 2) -> Table:
    """Return a table without lines; a heading that begins with `>` stands over figures."""
    made = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="dim", show_edge=False)
    for heading in headings:
        justify: Any = "right" if heading.startswith(">") else "left"
        made.add_column(heading.lstrip(">"), justify=justify, no_wrap=True, overflow="ellipsis")
    return made


def one_line(text: str, style: str = "") -> Text:
    """Return a cell that is cut where its column has no room for it, and never goes on in a second line."""
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def plain(text: str) -> str:
    """Return text from a device as a terminal may show it: what would move the cursor is shown, not done."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def prepare(level: str = "WARNING") -> None:
    """Let a command speak: what is logged goes to standard error, and no letter is too odd for the terminal."""
    logs.configure("cli", level, for_people=True)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def run(command: str, work: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Run a command to its end and return its exit code; what is wrong with its arguments is said in one line each.

    Ctrl-C cancels it; it may still show what it has by then.
    """
    prepare()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_until_interrupted(work))
    except WrongUsage as error:
        problems = [str(error)]
    except ConfigError as error:
        problems = error.problems
    except asyncio.CancelledError:
        return Exit.PROBLEM
    complain(command, problems)
    return Exit.USAGE


def complain(command: str, problems: list[str]) -> None:
    """Say on standard error what is wrong."""
    screen = err()
    for problem in problems:
        screen.print(f"hashbus {command}: {plain(problem)}", soft_wrap=not screen.is_terminal)


async def _until_interrupted(work: Callable[[], Coroutine[Any, Any, int]]) -> int:
    task = asyncio.ensure_future(work())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    return await task
