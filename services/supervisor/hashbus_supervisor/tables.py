"""The tables a person looks at: miners, batteries and meters, as wide as the terminal is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rich.table import Table
from rich.text import Text

from hashbus.messages import Health, MinerState
from hashbus_supervisor import figures
from hashbus_supervisor.board import DeviceView, MinerView
from hashbus_supervisor.figures import NONE

if TYPE_CHECKING:
    from datetime import datetime

    from hashbus.messages import BatteryTelemetry, MeterTelemetry, MinerTelemetry
    from hashbus_supervisor.board import Board, Sum, Totals

NARROW = 72
WIDE = 100
WIDER = 140

MARK_OF_STATE = {
    MinerState.MINING: ("●", "green"),
    MinerState.TUNING: ("◐", "cyan"),
    MinerState.IDLE: ("○", "yellow"),
    MinerState.SLEEPING: ("○", "blue"),
    MinerState.FAULT: ("✖", "red"),
    MinerState.UNKNOWN: ("·", "white"),
}
STYLE_OF_HEALTH = {Health.WARNING: "yellow", Health.CRITICAL: "bold red"}
OFFLINE = ("✖", "red")
STALE = "dim"


@dataclass(frozen=True)
class Column:
    """One column of the miners: its heading, what stands in it, and from which width of the terminal it is shown."""

    heading: str
    cell: Callable[[MinerView, datetime], str]
    from_width: int = 0
    align: Literal["left", "right"] = "right"
    longest: int | None = None


def _of(attribute: str, write: Callable[[float | None], str]) -> Callable[[MinerView, datetime], str]:
    return lambda miner, _: write(getattr(miner.reading, attribute, None))


def _number(decimals: int) -> Callable[[float | None], str]:
    return lambda value: NONE if value is None else f"{value:.{decimals}f}"


def _terahashes(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def _doing(miner: MinerView, _now: datetime) -> str:
    return "offline" if miner.is_offline else str(miner.reading.state) if miner.reading else ""


def _pool(miner: MinerView, _now: datetime) -> str:
    url = miner.reading.pool_url if miner.reading else None
    return (url or NONE).removeprefix("stratum+tcp://")


COLUMNS = (
    Column("model", lambda miner, _: miner.title or NONE, align="left", longest=26),
    Column("state", _doing, WIDE, align="left"),
    Column("TH/s", _of("hashrate_ths", _terahashes)),
    Column("W", _of("power_w", _number(0))),
    Column("limit", lambda miner, now: _number(0)(miner.limit_w(now)), NARROW),
    Column("J/TH", _of("efficiency_j_per_th", _number(1)), WIDE),
    Column("chip", _of("chip_max_c", figures.celsius)),
    Column("liquid", _of("liquid_c", figures.celsius), NARROW),
    Column("fan", _of("fan_pct", lambda value: NONE if value is None else f"{value:.0f} %"), WIDER),
    Column("up", _of("mining_s", lambda value: NONE if value is None else figures.age(value)), WIDER),
    Column("rejected", _of("rejected_shares", _number(0)), WIDER),
    Column("pool", _pool, WIDER, align="left", longest=34),
)


def miners_table(board: Board, now: datetime, width: int, most: int | None) -> Table:
    """Return the table of miners with their sum; at most `most` of them, those in trouble first."""
    table = _table(gap=2 if width >= WIDE else 1)
    columns = [column for column in COLUMNS if width >= column.from_width]
    table.add_column("", width=1)
    table.add_column("miner", no_wrap=True, overflow="ellipsis", max_width=20)
    for column in columns:
        table.add_column(
            column.heading, justify=column.align, no_wrap=True, overflow="ellipsis", max_width=column.longest
        )
    table.add_column("age", justify="right", no_wrap=True)
    miners = board.miners()
    shown = miners if most is None or len(miners) <= most else sorted(miners, key=lambda one: _trouble(one, now))[:most]
    for miner in shown:
        _add_miner(table, miner, columns, now)
    if len(shown) < len(miners):
        table.add_row("", Text(f"and {len(miners) - len(shown)} more", style="dim italic"))
    if len(miners) > 1:
        _add_sum(table, board.totals(now), columns)
    return table


def _add_miner(table: Table, miner: MinerView, columns: list[Column], now: datetime) -> None:
    is_current = miner.is_current(now)
    cells = []
    for column in columns:
        text = Text(figures.clean(column.cell(miner, now)))
        if column.align == "left":
            text.style = "" if is_current else STALE
        else:
            text = value_cell(text.plain, is_current)
        if column.heading == "chip" and is_current and miner.reading:
            text.style = STYLE_OF_HEALTH.get(miner.reading.health, "")
        cells.append(text)
    table.add_row(_mark(miner, now), Text(miner.id, style="bold"), *cells, age_cell(miner, now))


def _mark(miner: MinerView, now: datetime) -> Text:
    if miner.is_offline:
        return Text(*OFFLINE)
    if miner.reading is None:
        return Text("·", style="dim")
    mark, style = MARK_OF_STATE[miner.reading.state]
    if not miner.is_current(now):
        return Text(mark, style=STALE)
    return Text(mark, style=STYLE_OF_HEALTH.get(miner.reading.health, style))


def _trouble(miner: MinerView, now: datetime) -> tuple[bool, bool, bool, float]:
    """Order miners so that those a person must look at come first, then the hottest."""
    reading = miner.reading
    is_ill = reading is not None and reading.health in STYLE_OF_HEALTH
    hottest_c = reading.chip_max_c or 0.0 if reading else 0.0
    return (not miner.is_offline, not is_ill, miner.is_current(now), -hottest_c)


def _add_sum(table: Table, totals: Totals, columns: list[Column]) -> None:
    sums = {
        "model": f"{totals.current} of {totals.known} miners",
        "TH/s": _sum_cell(totals.hashrate_ths, _terahashes),
        "W": _sum_cell(totals.power_w, _number(0)),
        "J/TH": _number(1)(totals.efficiency_j_per_th),
    }
    table.add_section()
    style = "bold" if totals.current == totals.known else "bold yellow"
    cells = [Text(sums.get(column.heading, ""), style=style) for column in columns]
    table.add_row("", Text("site", style="bold"), *cells, "")


def _sum_cell(total: Sum | None, write: Callable[[float | None], str]) -> str:
    """Write a sum; one that lacks the part of a miner is marked: it is at least that."""
    return NONE if total is None else f"{'' if total.is_whole else '≥'}{write(total.value)}"


def batteries_table(board: Board, now: datetime, width: int) -> Table:
    """Return the table of batteries: charge as a bar, then where the power comes from and goes to."""
    table = _table()
    flows = FLOWS if width >= NARROW else FLOWS[:-1]
    for heading in ("", "battery", "charge"):
        table.add_column(heading, no_wrap=True)
    for heading in ("", *(heading for heading, _ in flows), "age"):
        table.add_column(heading, justify="right", no_wrap=True)
    for battery in board.batteries():
        is_current, reading = battery.is_current(now), battery.reading
        soc_pct = reading.soc_pct if reading else None
        table.add_row(
            _device_mark(battery, now),
            Text(battery.id, style="bold"),
            bar(soc_pct, is_current=is_current, cells=20 if width >= NARROW else 8),
            value_cell(NONE if soc_pct is None else f"{soc_pct:.0f} %", is_current),
            *(value_cell(write(reading), is_current) for _, write in flows),
            age_cell(battery, now),
        )
    return table


def _flow(attribute: str, write: Callable[[float | None], str]) -> Callable[[BatteryTelemetry | None], str]:
    return lambda reading: write(getattr(reading, attribute, None))


def _signed(power_w: float | None) -> str:
    """Write a flow: ▲ fills the battery or is bought, ▼ empties it or is sold."""
    if power_w is None:
        return NONE
    arrow = "▲ " if power_w > 0 else "▼ " if power_w < 0 else ""
    return f"{arrow}{figures.watts(abs(power_w))}"


FLOWS = (
    ("PV", _flow("pv_w", figures.watts)),
    ("load", _flow("load_w", figures.watts)),
    ("battery", _flow("battery_w", _signed)),
    ("grid", _flow("grid_w", _signed)),
)
"""Where the power of a house comes from and goes to; the last one is left out where there is no room."""


def bar(share_pct: float | None, *, is_current: bool, cells: int) -> Text:
    """Return a share as a bar: green when plenty, red when little, grey when it is old."""
    share_pct = share_pct or 0.0
    full = round(share_pct / 100 * cells)
    colour = "green" if share_pct >= 60 else "yellow" if share_pct > 30 else "red"
    return Text.assemble(("█" * full, colour if is_current else STALE), ("░" * (cells - full), "dim"))


def meters_table(board: Board, now: datetime) -> Table:
    """Return the table of meters."""
    table = _table()
    for heading in ("", "meter"):
        table.add_column(heading, no_wrap=True)
    for heading in ("grid", "age"):
        table.add_column(heading, justify="right", no_wrap=True)
    for meter in board.meters():
        is_current = meter.is_current(now)
        mark = _device_mark(meter, now)
        flow = _signed(meter.reading.power_w) if meter.reading else NONE
        table.add_row(mark, Text(meter.id, style="bold"), value_cell(flow, is_current), age_cell(meter, now))
    return table


def _device_mark(device: DeviceView[BatteryTelemetry] | DeviceView[MeterTelemetry], now: datetime) -> Text:
    return Text(*OFFLINE) if device.is_offline else Text("●", style="green" if device.is_current(now) else STALE)


def value_cell(text: str, is_current: bool) -> Text:
    """Return a figure; one that is not current stands in brackets, also where there are no colours."""
    if is_current or text in ("", NONE):
        return Text(text, style="" if is_current else STALE)
    return Text(f"({text})", style=STALE)


def age_cell(
    device: DeviceView[MinerTelemetry] | DeviceView[BatteryTelemetry] | DeviceView[MeterTelemetry], now: datetime
) -> Text:
    """Return how old a reading is."""
    if device.reading is None:
        return Text("never" if device.is_offline else "…", style="red" if device.is_offline else STALE)
    is_current = device.is_current(now)
    return Text(figures.age(device.reading.age_s(now)), style="" if is_current else "red")


def _table(gap: int = 1) -> Table:
    return Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="dim", show_edge=False)
