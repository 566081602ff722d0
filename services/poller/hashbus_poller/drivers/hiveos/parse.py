"""What Hive OS tells of a worker: from its JSON to a reading; pure. Hashrates come in kH/s, times in Unix seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from hashbus.messages import BoardTelemetry, MinerError, MinerReading, MinerState
from hashbus_poller.drivers.contract import Unreachable
from hashbus_poller.nested import inner, objects
from hashbus_poller.readings import (
    count_or_none,
    efficiency_j_per_th,
    json_object,
    mean,
    number_or_none,
    sensor_c,
    text_or_none,
    understanding,
)

Told = Mapping[str, Any]

TERA_OF_KILO = 1e-9
BITCOIN = frozenset({"sha256", "sha256d"})
"""As Hive OS calls the algorithm; the hashrate of another is not added to it."""

WORKS, TROUBLED = 1, 2
"""What a chip is: 0 does not work, 1 is well, 2 hashes too little."""

RAMP_S = 600.0
LONGEST_TEXT = 1000


def reading(answer: bytes) -> MinerReading:
    """Return what Hive OS last heard of the worker; Unreachable while it hears nothing."""
    worker = json_object(answer)
    with understanding(answer):
        stats = inner(worker, "stats")
        if stats.get("online") is not True:
            raise Unreachable(f"Hive OS has not heard of the worker since {_moment(stats)}")
        hashing = [one for one in objects(inner(worker, "miners_summary"), "hashrates") if _is_bitcoin(one)]
        boards = _boards(worker)
        power_w, hashrate_ths = number_or_none(stats, "power_draw"), _hashrate_ths(hashing)
        errors = _errors(stats)
        chips_c = [board.chip_max_c for board in boards if board.chip_max_c is not None]
        mining_s = _between_s(stats, "miner_start_time") if hashing else None
        return MinerReading(
            state=_state(hashing, hashrate_ths, mining_s),
            hashrate_ths=hashrate_ths,
            power_w=power_w,
            efficiency_j_per_th=efficiency_j_per_th(power_w, hashrate_ths),
            chip_max_c=max(chips_c, default=None),
            board_max_c=max((board.board_c for board in boards if board.board_c is not None), default=None),
            fans_rpm=_fans_rpm(worker),
            frequency_mhz=mean([board.frequency_mhz for board in boards if board.frequency_mhz is not None]),
            accepted_shares=_shares(hashing, "accepted"),
            rejected_shares=_shares(hashing, "rejected"),
            hardware_errors=_total(board.hardware_errors for board in boards),
            uptime_s=_between_s(stats, "boot_time"),
            mining_s=mining_s,
            boards=boards,
            boards_total=len(boards) or None,
            boards_healthy=sum(board.is_healthy is True for board in boards) if boards else None,
            errors=errors,
            error_message="; ".join(error.text or error.code for error in errors)[:LONGEST_TEXT] or None,
        )


def _state(hashing: Sequence[Told], hashrate_ths: float | None, mining_s: float | None) -> MinerState:
    """Return what it does: a worker on which no miner runs is asleep, as a stopped one is shown."""
    if not hashing:
        return MinerState.SLEEPING
    if hashrate_ths:
        return MinerState.MINING
    return MinerState.TUNING if mining_s is not None and mining_s < RAMP_S else MinerState.IDLE


def _is_bitcoin(summary: Told) -> bool:
    return (text_or_none(summary, "algo") or "").lower() in BITCOIN


def _hashrate_ths(hashing: Iterable[Told]) -> float | None:
    rates = [rate for one in hashing if (rate := number_or_none(one, "hash")) is not None]
    return round(sum(rates) * TERA_OF_KILO, 4) if rates else None


def _shares(hashing: Iterable[Told], kind: str) -> int | None:
    return _total(count_or_none(inner(one, "shares"), kind) for one in hashing)


def _boards(worker: Told) -> tuple[BoardTelemetry, ...]:
    rates = [
        rate
        for one in objects(inner(worker, "miners_stats"), "hashrates")
        if _is_bitcoin(one)
        for rate in one.get("hashes") or ()
    ]
    told = objects(inner(worker, "asic_stats"), "boards")
    # One figure for each board, or nobody knows whose they are.
    hashes = [{"hash": rate} for rate in rates] if len(rates) == len(told) else [{}] * len(told)
    return tuple(_board(slot, board, rate) for slot, (board, rate) in enumerate(zip(told, hashes, strict=True)))


def _board(slot: int, board: Told, rate: Told) -> BoardTelemetry:
    chips = [chip for chip in board.get("status") or () if isinstance(chip, int)]
    voltage_mv, hash_khs = number_or_none(board, "chain_voltage"), number_or_none(rate, "hash")
    return BoardTelemetry(
        slot=slot,
        hashrate_ths=None if hash_khs is None else round(hash_khs * TERA_OF_KILO, 4),
        board_c=sensor_c(number_or_none(board, "board_temp")),
        chip_max_c=sensor_c(number_or_none(board, "temp")),
        frequency_mhz=number_or_none(board, "freq"),
        voltage_v=None if not voltage_mv else voltage_mv / 1000,
        chips_ok=sum(chip == WORKS for chip in chips) if chips else None,
        chips_total=count_or_none(board, "acn") or len(chips) or None,
        hardware_errors=count_or_none(board, "hw_errors"),
        is_healthy=all(chip in (WORKS, TROUBLED) for chip in chips) if chips else None,
    )


def _fans_rpm(worker: Told) -> tuple[float, ...]:
    fans = (number_or_none(fan, "fan_rpm") for fan in objects(inner(worker, "asic_stats"), "fans"))
    return tuple(rpm for rpm in fans if rpm is not None)


def _errors(stats: Told) -> tuple[MinerError, ...]:
    """Return the problems that Hive OS sees, by its own names, which speak for themselves."""
    problems = stats.get("problems") or ()
    codes = [problem for problem in problems if isinstance(problem, str) and problem.strip()]
    return tuple(
        MinerError(
            code=code[:200], text=f"Hive OS sees {code.replace('_', ' ')}; its page of the worker says more"[:1000]
        )
        for code in codes
    )


def _between_s(stats: Told, since: str) -> float | None:
    """Return the seconds from a moment to the worker's last word."""
    start, told = number_or_none(stats, since), number_or_none(stats, "stats_time")
    return None if not start or told is None else max(0.0, told - start)


def _moment(stats: Told) -> str:
    told = number_or_none(stats, "stats_time")
    # 2**40 s is beyond what a date can say.
    return (
        "it knows it" if not told or told >= 2**40 else datetime.fromtimestamp(told, UTC).strftime("%Y-%m-%d %H:%M UTC")
    )


def _total(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
