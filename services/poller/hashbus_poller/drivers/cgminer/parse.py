"""What the replies of the cgminer API say about a miner: `summary`, `devs` and `pools` into one reading.

Pure. Hashrates come in MH/s, GH/s or KH/s, told apart by the name of the field. A WhatsMiner that is read through this
port says more than others (btminer.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from hashbus.messages import BoardTelemetry, MinerError, MinerReading, MinerState, PoolTelemetry
from hashbus_poller.drivers.cgminer import btminer
from hashbus_poller.drivers.cgminer.answer import Answer, Section
from hashbus_poller.readings import understanding

PER_TERAHASH: Mapping[str, float] = MappingProxyType({"GHS": 1e3, "MHS": 1e6, "KHS": 1e9, "THS": 1.0})
"""How many of the unit are one TH/s; the fields are called `GHS av`, `MHS 5s` and so on."""

NOTHING_THERE = (8, 10)
"""Codes of "no pools" and "no devs": an answer, not an error."""

NOT_FOR_US = (14, 45)
"""Codes of a report that this firmware does not have or does not show us: what it would say stays unknown."""

_MISSPELLED = {"Deed": "Dead"}  # PROTOCOLS.md 3.4
_BROKEN = frozenset({"Dead", "Sick", "NoStart"})


def parse_reading(summary: Answer, devs: Answer | None, pools: Answer | None) -> MinerReading:
    """Return one reading; Garbled when the summary has no hashrate or a field is of the wrong kind.

    `devs` and `pools` are None where a cut reply lost them.
    """
    top = summary.require_success().section("SUMMARY")
    rows = board_rows(devs)
    with understanding(summary.raw):
        reading = _reading(top, rows, parse_pools(pools))
        if any(answer is None or answer.is_partial for answer in (summary, devs, pools)):
            reading = reading.model_copy(update={"is_partial": True})
        return btminer.with_extras(reading, top) if btminer.is_summary(top) else reading


def parse_joined(answer: Answer) -> MinerReading:
    """Return one reading from the reply to all three questions at once."""
    summary = answer.part("summary")
    if summary is None:
        answer.reject('has no reply to "summary" in it')
    return parse_reading(summary, answer.part("devs"), answer.part("pools"))


def board_rows(devs: Answer | None) -> list[Section]:
    """Return the rows of `devs` as they came; none where the miner has none or does not show them."""
    if devs is None or devs.failed_with(*NOTHING_THERE, *NOT_FOR_US):
        return []
    return devs.require_success().sections("DEVS")


def board_number(row: Section) -> tuple[str, int]:
    """Return by what name and number the miner addresses a board: ("ASC", 0) or ("PGA", 0)."""
    kind = "PGA" if row.has("PGA") else "ASC"
    number = row.count(kind)
    if number is None:
        row.reject(kind, "the number of the board")
    return kind, number


def parse_pools(pools: Answer | None) -> tuple[PoolTelemetry, ...]:
    """Return the configured pools in the miner's order; empty slots are left out."""
    if pools is None or pools.failed_with(*NOTHING_THERE, *NOT_FOR_US):
        return ()
    rows = [row for row in pools.require_success().sections("POOLS") if row.text("URL")]
    active = _active(rows)
    with understanding(pools.raw):
        return tuple(_pool(row, is_active=row is active) for row in rows)


def down_reading(text: str) -> MinerReading:
    """Return the reading of a miner whose control board answers that the mining process does not run."""
    error = MinerError(code="miner_down", text=text)
    return MinerReading(state=MinerState.FAULT, errors=(error,), error_message=f"the mining process is down: {text}")


def hashrate_ths(section: Section, span: str) -> float | None:
    """Return the hashrate of a span (`av`, `5s`) in TH/s, whichever unit the firmware has chosen; None without any."""
    for unit, per_terahash in PER_TERAHASH.items():
        key = f"{unit} {span}"
        if section.has(key):
            return section.rate_ths(key, per_terahash)
    return None


def _reading(top: Section, rows: list[Section], pools: tuple[PoolTelemetry, ...]) -> MinerReading:
    boards = tuple(_board(row, place) for place, row in enumerate(rows))
    active = next((pool for pool in pools if pool.is_active), None)
    average_ths, latest_ths = hashrate_ths(top, "av"), hashrate_ths(top, "5s")
    if average_ths is None and latest_ths is None:
        top.reject("MHS av", "a hashrate as MHS, GHS or KHS")
    return MinerReading(
        state=_state(average_ths if latest_ths is None else latest_ths, rows),
        hashrate_ths=average_ths,
        hashrate_5s_ths=latest_ths,
        board_max_c=max((board.board_c for board in boards if board.board_c is not None), default=None),
        accepted_shares=top.count("Accepted"),
        rejected_shares=top.count("Rejected"),
        stale_shares=top.count("Stale"),
        hardware_errors=top.count("Hardware Errors"),
        mining_s=top.number("Elapsed"),
        pool_url=active.url if active else None,
        worker=active.worker if active else None,
        pools=pools,
        boards=boards,
        boards_total=len(boards) or None,
        boards_healthy=healthy_boards(boards),
    )


def healthy_boards(boards: Sequence[BoardTelemetry]) -> int | None:
    """Return how many boards are healthy; None where the miner says that of none, as it does asleep."""
    known = [board.is_healthy for board in boards if board.is_healthy is not None]
    return sum(known) if known else None


def _board(row: Section, place: int) -> BoardTelemetry:
    if btminer.is_board(row):
        return btminer.parse_board(row, place)
    number = row.count("ASC" if row.has("ASC") else "PGA")
    is_on, status = row.flag("Enabled"), row.text("Status")
    rate_ths = hashrate_ths(row, "5s")
    return BoardTelemetry(
        slot=place if number is None else number,
        hashrate_ths=hashrate_ths(row, "av") if rate_ths is None else rate_ths,
        board_c=row.celsius("Temperature" if row.has("Temperature") else "Tenperature"),
        hardware_errors=row.count("Hardware Errors"),
        is_healthy=None if status is None or is_on is False else status == "Alive",
    )


def _pool(row: Section, *, is_active: bool) -> PoolTelemetry:
    status = row.text("Status")
    return PoolTelemetry(
        url=row.text("URL") or "",
        worker=row.text("User"),
        status=_MISSPELLED.get(status, status) if status else None,
        is_active=is_active,
        accepted_shares=row.count("Accepted"),
        rejected_shares=row.count("Rejected"),
        stale_shares=row.count("Stale"),
    )


def _active(rows: list[Section]) -> Section | None:
    """Return the pool that is mined for: alive, its stratum in use where the firmware says so, first by priority."""
    alive = [row for row in rows if row.text("Status") == "Alive"]
    in_use = [row for row in alive if row.flag("Stratum Active")]
    return min(in_use or alive, key=_priority, default=None)


def _priority(row: Section) -> float:
    priority = row.number("Priority")
    return float("inf") if priority is None else priority


def _state(rate_ths: float | None, rows: list[Section]) -> MinerState:
    if rows and all(row.flag("Enabled") is False for row in rows):
        return MinerState.SLEEPING
    if rate_ths:
        return MinerState.MINING
    if rows and all(row.text("Status") in _BROKEN for row in rows):
        return MinerState.FAULT
    return MinerState.IDLE
