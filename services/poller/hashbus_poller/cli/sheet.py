"""One device on one page: who it is, what can be done with it, what it says now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hashbus.messages import (
    BatteryReading,
    BoardTelemetry,
    Capability,
    Health,
    MinerIdentity,
    MinerReading,
    MinerState,
    PoolTelemetry,
)
from hashbus_poller.cli.console import WIDE, one_line, plain, table
from hashbus_poller.cli.facts import duration, facts, figure, label, written
from hashbus_poller.drivers.contract import DriverSpec
from hashbus_poller.examination import Examination
from hashbus_poller.sightings import secret_options

FACT_WIDTH = 39
"""Columns that a name and its value need at least; as many of them stand side by side as there is room for."""

LABEL_WIDTH = 18
MOST_SIDE_BY_SIDE = 3
CAPABILITY_WIDTH = 16

STYLE_OF_STATE = {
    MinerState.MINING: "green",
    MinerState.TUNING: "cyan",
    MinerState.IDLE: "yellow",
    MinerState.SLEEPING: "blue",
    MinerState.FAULT: "red",
}
STYLE_OF_HEALTH = {Health.NORMAL: "green", Health.WARNING: "yellow", Health.CRITICAL: "bold red"}

HEADLINE = (("hashrate_ths", ""), ("power_w", ""), ("efficiency_j_per_th", ""), ("chip_max_c", "chips up to "))
ELSEWHERE = frozenset(
    {"make", "model", "capabilities", "state", "is_partial", "error_message", "latency_ms", "pool_url", "worker"}
)
"""Fields that have a place of their own on the sheet."""

BOARD_COLUMNS = (
    ("hashrate_ths", ">TH/s", 0),
    ("expected_ths", ">expected", WIDE),
    ("board_c", ">board °C", 0),
    ("chip_min_c", ">chip min", 0),
    ("chip_avg_c", ">avg", 0),
    ("chip_max_c", ">max °C", 0),
    ("inlet_c", ">in °C", WIDE),
    ("outlet_c", ">out °C", WIDE),
    ("frequency_mhz", ">MHz", 0),
    ("voltage_v", ">V", 0),
    ("chips_ok", ">chips", 0),
    ("hardware_errors", ">HW errors", WIDE),
    ("serial", "serial", WIDE),
)
"""Field, heading, and from which width of the terminal it is shown."""

POOL_COLUMNS = (
    ("url", "pool"),
    ("worker", "worker"),
    ("status", "status"),
    ("accepted_shares", ">accepted"),
    ("rejected_shares", ">rejected"),
    ("stale_shares", ">stale"),
)


def sheet(spec: DriverSpec, where: str, seen: Examination, width: int) -> RenderableType:
    """Return the whole sheet for a terminal of that many columns."""
    parts: list[RenderableType] = [_headline(spec, where, seen)]
    if seen.identity:
        known = [*facts(seen.identity, ELSEWHERE), *_power_facts(seen.identity)]
        parts += _section("Identity", _side_by_side(known, width))
        parts += _section("Capabilities", _capabilities(seen.identity.capabilities, width))
    if seen.reading:
        parts += _section("Reading", _side_by_side(list(facts(seen.reading, ELSEWHERE)), width))
    if isinstance(seen.reading, MinerReading) and seen.reading.boards:
        parts += _section("Boards", _boards(seen.reading.boards, width))
    if isinstance(seen.reading, MinerReading) and seen.reading.pools:
        parts += _section("Pools", _pools(seen.reading.pools))
    notes = [Text(f"! {plain(note)}", style="yellow") for note in remarks(spec, seen)]
    if notes:
        parts += _section("Worth knowing", Group(*notes))
    return Group(*parts, Text(), took(seen))


def remarks(spec: DriverSpec, seen: Examination) -> Iterator[str]:
    """Say what a person should know of a device that answered, and does not see at once."""
    reading, identity = seen.reading, seen.identity
    if identity is not None and not identity.capabilities:
        hint = "; --password-file may change that" if secret_options(spec.options) else ""
        yield f"it can be read, but nothing can be set{hint}"
    if isinstance(reading, MinerReading):
        if reading.is_partial:
            yield "its answer was cut short; what is missing above was not in it"
        if reading.power_w is None:
            yield "this firmware does not tell how much power it draws"
        if reading.boards_healthy is not None and reading.boards_healthy < (reading.boards_total or 0):
            yield f"only {reading.boards_healthy} of {reading.boards_total} boards work"
    if isinstance(reading, MinerReading | BatteryReading):
        for error in reading.errors:
            yield f"it reports {error.code}: {error.text or 'no text'}"


def took(seen: Examination) -> Text:
    """Return how long each step took, and which one failed."""
    line = Text("Took  ", style="dim")
    for number, step in enumerate(seen.steps):
        line.append(f"{' · ' if number else ''}{step.name} {step.took_ms:,.0f} ms", style="red" if step.error else "")
    return line


def _headline(spec: DriverSpec, where: str, seen: Examination) -> Text:
    identity, reading = seen.identity, seen.reading
    named = " ".join(word for word in (identity.make, identity.model) if word) if identity else ""
    line = Text.assemble(("● ", _style(seen)), (plain(named) or spec.title, "bold"))
    line.append(f"  {where}  driver {spec.name}, {spec.level.value}", style="dim")
    if isinstance(reading, MinerReading):
        line.append("\n  ").append(reading.state.value, style=_style(seen))
        line.append(", ").append(seen.health.value, style=STYLE_OF_HEALTH.get(seen.health, ""))
        for field, words in HEADLINE:
            if getattr(reading, field) is not None:
                line.append(f" · {words}{written(field, getattr(reading, field))}")
    return line


def _style(seen: Examination) -> str:
    if isinstance(seen.reading, MinerReading):
        return STYLE_OF_STATE.get(seen.reading.state, "white")
    return "green" if seen.reading else "yellow"


def _section(title: str, body: RenderableType) -> list[RenderableType]:
    return [Text(f"\n{title}", style="bold cyan"), Padding(body, (0, 0, 0, 2), expand=False)]


def _side_by_side(known: Sequence[tuple[str, str]], width: int) -> RenderableType:
    """Return names and values, downwards and then to the right as in a newspaper; below them the values too long."""
    columns = max(1, min(MOST_SIDE_BY_SIDE, (width - 2) // FACT_WIDTH))
    value_width = (width - 2) // columns - LABEL_WIDTH - 4
    short = [fact for fact in known if len(fact[1]) <= value_width]
    rows = -(-len(short) // columns)
    beside = _grid([short[row::rows] for row in range(rows)], columns, value_width)
    below = _grid([[fact] for fact in known if fact not in short], 1, None)
    return Group(beside, below)


def _grid(rows: Iterable[Sequence[tuple[str, str]]], columns: int, value_width: int | None) -> Table:
    made = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(columns):
        made.add_column(style="dim", width=LABEL_WIDTH, no_wrap=True, overflow="ellipsis")
        made.add_column(width=value_width, overflow="fold")
    for row in rows:
        made.add_row(*(cell for fact in row for cell in fact))
    return made


def _power_facts(identity: MinerIdentity) -> Iterator[tuple[str, str]]:
    """Return what a change of power costs, and the steps that it can take."""
    if Capability.POWER_LIMIT in identity.capabilities:
        change = identity.power_change
        words = ["restarts mining"] if change.restarts_mining else []
        words += [f"ramp of {duration(change.ramp_s)}"] if change.ramp_s else []
        yield "Change of power", ", ".join([*words, f"every {duration(change.min_interval_s)} at most"])
    if identity.power_levels:
        yield "Power levels", ", ".join(f"{plain(one.name)}: {one.power_w:g} W" for one in identity.power_levels)


def _capabilities(offered: Iterable[Capability], width: int) -> Table:
    cells = [
        Text(
            f"{'✓' if capability in offered else '✗'} {label(capability)}", "green" if capability in offered else "dim"
        )
        for capability in Capability
    ]
    columns = max(1, min(len(cells), (width - 2) // CAPABILITY_WIDTH))
    made = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(columns):
        made.add_column(min_width=CAPABILITY_WIDTH - 2, no_wrap=True)
    for begin in range(0, len(cells), columns):
        made.add_row(*cells[begin : begin + columns])
    return made


def _boards(boards: Sequence[BoardTelemetry], width: int) -> Table:
    shown = [
        (field, heading)
        for field, heading, from_width in BOARD_COLUMNS
        if width >= from_width and any(getattr(board, field) is not None for board in boards)
    ]
    made = table("", "slot", *(heading for _, heading in shown))
    for board in boards:
        mark = {True: ("●", "green"), False: ("✖", "red"), None: ("·", "dim")}[board.is_healthy]
        cells = [_chips(board) if field == "chips_ok" else figure(field, getattr(board, field)) for field, _ in shown]
        made.add_row(Text(*mark), str(board.slot), *cells)
    return made


def _chips(board: BoardTelemetry) -> str:
    return "/".join(str(count) for count in (board.chips_ok, board.chips_total) if count is not None)


def _pools(pools: Sequence[PoolTelemetry]) -> Table:
    shown = [
        (field, heading) for field, heading in POOL_COLUMNS if any(getattr(pool, field) is not None for pool in pools)
    ]
    made = table("", *(heading for _, heading in shown))
    for column in made.columns[1:3]:
        column.no_wrap = False
    for pool in pools:
        mark = Text("●", style="green") if pool.is_active else Text("○", style="dim")
        made.add_row(mark, *(one_line(figure(field, getattr(pool, field))) for field, _ in shown))
    return made
