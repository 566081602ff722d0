"""The page of a whole site: header, miners, batteries, services and what happened last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from hashbus.messages import AvailabilityState, ServiceStatus
from hashbus_supervisor import figures
from hashbus_supervisor.events import Tone
from hashbus_supervisor.tables import batteries_table, meters_table, miners_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rich.console import RenderableType

    from hashbus_supervisor.board import Board
    from hashbus_supervisor.events import Event

STYLE_OF_TONE = {Tone.NEUTRAL: "", Tone.GOOD: "green", Tone.WARNING: "yellow", Tone.BAD: "red"}
FEWEST_MINERS = 3
FEWEST_EVENTS = 5
LAST_EVENTS = 12
LINES_AROUND_MINERS = 3
"""Headings, the sum, and the gap below."""

MEASURE = Console()
"""Only measures text: how wide a sign is does not depend on the terminal."""


@dataclass(frozen=True, slots=True)
class ServiceView:
    """One process, as the page shows it: a word for its state, and what does not work."""

    name: str
    tone: Tone
    word: str = ""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Everything the page shows at one moment. `notice` is a sentence in place of readings; `foot` the last line."""

    title: str
    board: Board
    services: Sequence[ServiceView]
    events: Sequence[Event]
    now: datetime
    notice: str = ""
    foot: str = ""

    def draw(self, width: int, height: int | None) -> RenderableType:
        """Return the page for a terminal; without a height everything is on it."""
        above = [self._header(), Rule(style="dim"), *([Text(self.notice, style="yellow")] if self.notice else [])]
        below: list[RenderableType] = [*services_lines(self.services, width), Rule(style="dim")]
        foot = [Text(self.foot, style="dim", no_wrap=True, overflow="ellipsis")] if self.foot else []
        if height is None:
            return Group(
                *above, *self._tables(width, None), *below, *event_lines(self.events, width, LAST_EVENTS), *foot
            )
        left = height - len(above) - self._lines_of_small_tables() - len(below) - len(foot)
        most = max(FEWEST_MINERS, left - LINES_AROUND_MINERS - FEWEST_EVENTS)
        miners = len(self.board.miners())
        used = min(miners, most) + (miners > most) + LINES_AROUND_MINERS if miners else 0
        events = event_lines(self.events, width, max(0, left - used))
        gap = [Text()] * max(0, left - used - len(events))
        return Group(*above, *self._tables(width, most), *below, *events, *gap, *foot)

    def _tables(self, width: int, most_miners: int | None) -> list[RenderableType]:
        board, now = self.board, self.now
        tables: list[RenderableType] = []
        if board.miners():
            tables += [miners_table(board, now, width, most_miners), Text()]
        if board.batteries():
            tables += [batteries_table(board, now, width), Text()]
        if board.meters():
            tables += [meters_table(board, now), Text()]
        return tables

    def _lines_of_small_tables(self) -> int:
        rows = (len(self.board.batteries()), len(self.board.meters()))
        return sum(count + 2 for count in rows if count)

    def _header(self) -> RenderableType:
        line = Table.grid(expand=True, padding=(0, 0, 0, 1))
        line.add_column(no_wrap=True, overflow="ellipsis")
        line.add_column(justify="right", no_wrap=True)
        line.add_row(Text.assemble(("hashbus ", "bold"), self.title), f"{self.now.astimezone():%H:%M:%S}")
        return line


def services_lines(services: Sequence[ServiceView], width: int) -> list[Text]:
    """Return a mark for each process, and a line for each thing that does not work."""
    lines = [Text()]
    for service in services:
        mark = "✖" if service.tone is Tone.BAD else "◐" if service.tone is Tone.NEUTRAL else "●"
        words = " ".join([mark, service.name, *([service.word] if service.word else [])])
        # A name stays on one line with its mark.
        if lines[-1] and len(lines[-1]) + len(words) > width:
            lines.append(Text())
        lines[-1].append(words, style=STYLE_OF_TONE[service.tone] or "cyan").append("   ")
    for line in lines:
        line.rstrip()
    for service in services:
        for problem in service.problems:
            text = Text.assemble((f"{service.name} ", "bold"), (figures.clean(problem), STYLE_OF_TONE[service.tone]))
            lines += wrapped(text, width, indent="  ", most=3)
    return lines


def event_lines(events: Sequence[Event], width: int, most: int) -> list[Text]:
    """Return the last events, the newest at the bottom, in at most `most` lines."""
    lines: list[Text] = []
    for event in reversed(events):
        found = wrapped(event_line(event), width, indent=" " * len("00:00:00 "), most=4)
        if len(lines) + len(found) > most:
            break
        lines = [*found, *lines]
    return lines


def event_line(event: Event) -> Text:
    """Return one event: when, who, what."""
    line = Text(f"{event.at.astimezone():%H:%M:%S} ", style="dim")
    line.append(f"{event.who} ", style="bold not dim")
    return line.append(figures.clean(event.text), style=f"{STYLE_OF_TONE[event.tone]} not dim")


def wrapped(text: Text, width: int, *, indent: str, most: int) -> list[Text]:
    """Break a text into lines of `width`, those after the first indented; what is longer than `most` lines is cut."""
    first, *rest = text.wrap(MEASURE, width - len(indent))
    lines = [first, *(Text(indent) + line for line in rest)]
    if len(lines) > most:
        lines = lines[:most]
        lines[-1] = lines[-1] + Text(" …", style="dim")
    return lines


def services_on_bus(board: Board, now: datetime) -> list[ServiceView]:
    """Return the processes as they say of themselves on the bus."""
    return [_as_it_says(status, now) for status in board.all(ServiceStatus)]


def _as_it_says(status: ServiceStatus, now: datetime) -> ServiceView:
    if status.state is AvailabilityState.OFFLINE:
        return ServiceView(status.service, Tone.BAD, f"offline for {figures.age(status.age_s(now))}")
    if status.problems:
        return ServiceView(status.service, Tone.WARNING, "degraded", status.problems)
    return ServiceView(status.service, Tone.GOOD)
