"""What Braiins OS says, from its REST answers to a reading (PROTOCOLS.md 3.9); pure.

Hashrates come in GH/s, frequencies in Hz, the speed of fans as a ratio. What is not known is null or left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from hashbus.messages import BoardTelemetry, MinerError, MinerReading, MinerState, PoolTelemetry
from hashbus_poller.drivers.braiins.boards import boards_of, water_of
from hashbus_poller.drivers.braiins.pools import pools_of
from hashbus_poller.drivers.contract import Garbled
from hashbus_poller.nested import inner, objects
from hashbus_poller.readings import (
    count_or_none,
    efficiency_j_per_th,
    json_object,
    mean,
    number_or_none,
    sensor_c,
    understanding,
)

START_S = 300.0
"""For so long after the start of the mining process no hashes are no sign of anything."""

RAMP_SHARE = 0.8
CHIP = 1
"""`location` of a temperature sensor on a chip; 2 is on the circuit board."""


class Status(IntEnum):
    """`status` in `miner/details`; a number that is not here says nothing."""

    NOT_STARTED = 1
    NORMAL = 2
    PAUSED = 3
    SUSPENDED = 4
    RESTRICTED = 5


class TunerState(IntEnum):
    """`overall_tuner_state`; 26.01 and newer also tune without an end, and warm the boards up first."""

    DISABLED = 1
    STABLE = 2
    TUNING = 3
    ERROR = 4
    CONTINUOUS = 5
    PREHEAT = 6


@dataclass(frozen=True, slots=True)
class Process:
    """How the miner is, as far as `miner/details` tells."""

    status: int
    uptime_s: float | None
    mining_s: float | None

    @property
    def runs(self) -> bool:
        """Whether the mining process runs; where it does not, most questions are answered with an error."""
        return self.status != Status.NOT_STARTED


@dataclass(frozen=True, slots=True)
class Tuner:
    """What the tuner does, and the power it tunes to: None where it tunes to a hashrate, or to nothing."""

    state: int
    power_w: float | None


@dataclass(frozen=True, slots=True)
class Rest:
    """The answers that only a miner with a running mining process gives."""

    stats: bytes
    hashboards: bytes
    cooling: bytes
    tuner: bytes
    pools: bytes


def process(details: bytes) -> Process:
    """Return how the miner is; Garbled when the answer has no status."""
    said = json_object(details)
    with understanding(details):
        status = count_or_none(said, "status")
        if status is None:
            raise Garbled("status is missing")
        return Process(
            status=status,
            uptime_s=_first(said, "system_uptime_s", "system_uptime"),
            mining_s=number_or_none(said, "bosminer_uptime_s") or None,
        )


def tuner(answer: bytes) -> Tuner:
    """Return what the tuner does."""
    said = json_object(answer)
    with understanding(answer):
        target = inner(said, "mode_state", "powertargetmodestate", "current_target")
        return Tuner(count_or_none(said, "overall_tuner_state") or 0, number_or_none(target, "watt"))


def idle_reading(now: Process) -> MinerReading:
    """Return the reading of a miner whose mining process does not run: stopped by somebody, or not up yet."""
    is_starting = now.uptime_s is not None and now.uptime_s < START_S
    return MinerReading(state=MinerState.TUNING if is_starting else MinerState.SLEEPING, uptime_s=now.uptime_s)


def reading(now: Process, rest: Rest) -> MinerReading:
    """Return the reading; Garbled names the key that is wrong."""
    tuned = tuner(rest.tuner)
    stats = json_object(rest.stats)
    with understanding(rest.stats):
        figures = _figures(stats)
    boards_said = json_object(rest.hashboards)
    with understanding(rest.hashboards):
        is_mining = now.status != Status.PAUSED and bool(figures["hashrate_5s_ths"])
        boards = boards_of(boards_said, is_mining=is_mining)
        inlet_c, outlet_c = water_of(boards_said)
    cooling_said = json_object(rest.cooling)
    with understanding(rest.cooling):
        cooling = _cooling(cooling_said)
    with understanding(rest.pools):
        pools = pools_of(rest.pools)
    with understanding(rest.stats):
        water = {"inlet_c": inlet_c, "outlet_c": outlet_c}
        return _reading(now, tuned, _Parts(figures, boards, cooling | water, pools))


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the answers say, each by itself, under the names of the reading's fields."""

    figures: dict[str, Any]
    boards: tuple[BoardTelemetry, ...]
    cooling: dict[str, Any]
    pools: tuple[PoolTelemetry, ...]


def _reading(now: Process, tuned: Tuner, parts: _Parts) -> MinerReading:
    boards, figures = parts.boards, parts.figures
    active = next((pool for pool in parts.pools if pool.is_active), None)
    state = _state(now, tuned, figures)
    hottest = (parts.cooling["chip_max_c"], *(board.chip_max_c for board in boards))
    errors = _own_errors(now, tuned)
    healthy = [board.is_healthy for board in boards if board.is_healthy is not None]
    return MinerReading(
        **(figures | parts.cooling | {"chip_max_c": _highest(hottest)}),
        state=state,
        power_limit_w=tuned.power_w,
        efficiency_j_per_th=efficiency_j_per_th(figures["power_w"], figures["hashrate_ths"])
        if state is MinerState.MINING
        else None,
        board_max_c=_highest(board.board_c for board in boards),
        frequency_mhz=_round(mean([board.frequency_mhz for board in boards if board.frequency_mhz is not None])),
        uptime_s=now.uptime_s,
        mining_s=now.mining_s,
        pool_url=active.url if active else None,
        worker=active.worker if active else None,
        pools=parts.pools,
        boards=boards,
        boards_total=len(boards) or None,
        boards_healthy=sum(healthy) if healthy else None,
        errors=errors,
        error_message="; ".join(error.text or error.code for error in errors) or None,
    )


def _state(now: Process, tuned: Tuner, figures: Mapping[str, Any]) -> MinerState:
    if now.status == Status.PAUSED:
        return MinerState.SLEEPING
    now_ths, expected_ths = figures["hashrate_5s_ths"], figures["hashrate_expected_ths"]
    is_new = now.mining_s is not None and now.mining_s < START_S
    if not now_ths:
        if tuned.state == TunerState.ERROR:
            return MinerState.FAULT
        is_busy = tuned.state in (TunerState.TUNING, TunerState.PREHEAT)
        return MinerState.TUNING if is_new or is_busy else MinerState.IDLE
    if tuned.state in (TunerState.TUNING, TunerState.PREHEAT):
        return MinerState.TUNING
    return MinerState.TUNING if is_new and now_ths < RAMP_SHARE * (expected_ths or 0.0) else MinerState.MINING


def _own_errors(now: Process, tuned: Tuner) -> tuple[MinerError, ...]:
    """Return what status and tuner complain of; the vendor does not say more about the two than their names."""
    errors = []
    if tuned.state == TunerState.ERROR:
        errors.append(MinerError(code="tuner_error", text="the tuner has failed; restart mining, or look at its log"))
    if now.status == Status.SUSPENDED:
        errors.append(MinerError(code="suspended", text="Braiins OS has suspended mining; its own page says why"))
    if now.status == Status.RESTRICTED:
        errors.append(MinerError(code="restricted", text="Braiins OS restricts mining; its own page says why"))
    return tuple(errors)


def _figures(said: Mapping[str, Any]) -> dict[str, Any]:
    rates = inner(said, "miner_stats", "real_hashrate")
    latest_ths, minute_ths = _ths(rates, "last_5s"), _ths(rates, "last_1m")
    shares = inner(said, "pool_stats")
    return {
        # The first minute has no mean of a minute yet.
        "hashrate_ths": latest_ths if minute_ths is None else minute_ths,
        "hashrate_5s_ths": latest_ths,
        "hashrate_expected_ths": _ths(inner(said, "miner_stats"), "nominal_hashrate") or None,
        "power_w": number_or_none(inner(said, "power_stats", "approximated_consumption"), "watt"),
        "accepted_shares": count_or_none(shares, "accepted_shares"),
        "rejected_shares": count_or_none(shares, "rejected_shares"),
        "stale_shares": count_or_none(shares, "stale_shares"),
    }


def _cooling(said: Mapping[str, Any]) -> dict[str, Any]:
    fans = objects(said, "fans")
    ratios = [ratio for fan in fans if (ratio := number_or_none(fan, "target_speed_ratio")) is not None]
    rpms = [rpm for fan in fans if (rpm := number_or_none(fan, "rpm")) is not None]
    hottest = inner(said, "highest_temperature")
    is_chip = count_or_none(hottest, "location") == CHIP
    hottest_c = sensor_c(number_or_none(inner(hottest, "temperature"), "degree_c"))
    ratio = mean(ratios)
    return {
        "fans_rpm": tuple(rpms),
        "fan_pct": None if ratio is None else round(ratio * 100, 1),
        "chip_max_c": hottest_c if is_chip else None,
    }


def _ths(said: Mapping[str, Any], key: str) -> float | None:
    ghs = number_or_none(inner(said, key), "gigahash_per_second")
    return None if ghs is None else round(ghs / 1000, 6)


def _first(said: Mapping[str, Any], *keys: str) -> float | None:
    return next((value for key in keys if (value := number_or_none(said, key)) is not None), None)


def _highest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
