"""What AxeOS says: from `/api/system/info` to a reading, in three generations of keys; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hashbus.messages import BoardTelemetry, MinerError, MinerReading, MinerState, PoolTelemetry
from hashbus_poller.drivers.bitaxe.faults import errors_of
from hashbus_poller.drivers.bitaxe.steps import Curve
from hashbus_poller.drivers.contract import Garbled
from hashbus_poller.readings import (
    count_or_none,
    efficiency_j_per_th,
    json_object,
    mean,
    number,
    number_or_none,
    sensor_c,
    shown,
    text_or_none,
    understanding,
)

Info = dict[str, Any]
"""The reply to `GET /api/system/info`, as the firmware wrote it."""

START_S = 60.0
"""After a boot the chips are brought up step by step; the hashrate is no measure of anything yet."""

LONGEST_WORD = 200


@dataclass(frozen=True, slots=True)
class Standing:
    """What a board is set to now, as far as an order must know it."""

    frequency_mhz: float
    core_mv: float
    is_paused: bool
    is_latched: bool
    """Overheating has stopped it, and it waits for somebody to clear that."""
    pool_slot: int | None
    pool: tuple[str | None, int | None, str | None]
    """Host, port and worker of the first pool."""


def info(answer: bytes) -> Info:
    """Return what the device says of itself; Garbled when that is not AxeOS."""
    said = json_object(answer)
    for key in ("ASICModel", "hashRate", "frequency"):
        if key not in said:
            raise Garbled(f"{key} is missing", answer)
    return said


def standing(said: Info, answer: bytes) -> Standing:
    """Return what the board is set to."""
    with understanding(answer):
        slot = count_or_none(said, "primaryPoolIndex") or 0
        return Standing(
            frequency_mhz=number(said, "frequency"),
            core_mv=number_or_none(said, "coreVoltage") or 0.0,
            is_paused=is_set(said, "miningPaused"),
            is_latched=is_set(said, "overheat_mode"),
            pool_slot=slot if "pools" in said else None,
            pool=(
                text_or_none(said, "stratumURL"),
                count_or_none(said, "stratumPort"),
                text_or_none(said, "stratumUser"),
            ),
        )


def reading(said: Info, answer: bytes, *, chips: int | None = None, curve: Curve | None = None) -> MinerReading:
    """Turn the reply into a reading: GH/s become TH/s, mV become V, -1 and 0 degrees become None.

    `chips` and `curve` are what was learnt when the board was identified: without them the expected hashrate of some
    versions and the power limit stay None.
    """
    with understanding(answer):
        return _reading(said, chips, curve)


def is_set(said: Info, key: str) -> bool:
    """Say whether a flag is set: 1 in old firmware, true in new."""
    value = said.get(key)
    return value if isinstance(value, bool) else bool(number_or_none(said, key))


def _reading(said: Info, chips: int | None, curve: Curve | None) -> MinerReading:
    now_ths, uptime_s = _ths(said, "hashRate"), number_or_none(said, "uptimeSeconds")
    # The mean of a minute is steadier, but empty at first (2.12 and newer have it).
    hashrate_ths = _ths(said, "hashRate_1m") or now_ths
    power_w, frequency_mhz = number_or_none(said, "power"), number(said, "frequency")
    errors = errors_of(said, is_too_hot=is_set(said, "overheat_mode"))
    state = _state(said, errors, now_ths, uptime_s)
    chips_c = tuple(c for c in (_sensor(said, "temp"), _sensor(said, "temp2")) if c is not None)
    board = _board(said, chips, state, now_ths, chips_c)
    pools = _pools(said)
    active = next((pool for pool in pools if pool.is_active), None)
    return MinerReading(
        state=state,
        hashrate_ths=hashrate_ths,
        hashrate_5s_ths=now_ths,
        hashrate_expected_ths=board.expected_ths,
        power_w=power_w,
        power_limit_w=curve.level_w(frequency_mhz) if curve else None,
        efficiency_j_per_th=efficiency_j_per_th(power_w, hashrate_ths) if state is MinerState.MINING else None,
        chip_min_c=min(chips_c, default=None),
        chip_avg_c=board.chip_avg_c,
        chip_max_c=board.chip_max_c,
        chips_c=chips_c,
        regulator_c=_sensor(said, "vrTemp"),
        fans_rpm=_fans_rpm(said),
        fan_pct=number_or_none(said, "fanspeed"),
        frequency_mhz=frequency_mhz,
        input_v=_volts(said, "voltage"),
        accepted_shares=count_or_none(said, "sharesAccepted"),
        rejected_shares=count_or_none(said, "sharesRejected"),
        stale_shares=_stale_shares(said),
        hardware_errors=board.hardware_errors,
        uptime_s=uptime_s,
        # Mining starts with the firmware and stops only for a pause or a fault.
        mining_s=uptime_s if state in (MinerState.MINING, MinerState.TUNING) else None,
        pool_url=active.url if active else None,
        worker=active.worker if active else None,
        pool_latency_ms=active.latency_ms if active else None,
        pools=pools,
        boards=(board,),
        boards_total=1,
        boards_healthy=int(bool(board.is_healthy)),
        errors=errors,
        error_message="; ".join(error.text or error.code for error in errors)[:1000] or None,
    )


def _state(said: Info, errors: tuple[MinerError, ...], now_ths: float | None, uptime_s: float | None) -> MinerState:
    if errors:
        return MinerState.FAULT
    if is_set(said, "miningPaused"):
        return MinerState.SLEEPING
    if uptime_s is not None and uptime_s < START_S:
        return MinerState.TUNING
    return MinerState.MINING if now_ths else MinerState.IDLE


def _board(
    said: Info, chips: int | None, state: MinerState, now_ths: float | None, chips_c: tuple[float, ...]
) -> BoardTelemetry:
    chips, frequency_mhz = count_or_none(said, "asicCount") or chips, number(said, "frequency")
    chips_ok, hardware_errors = _monitored(said)
    lacks_chips = state is MinerState.MINING and chips is not None and chips_ok is not None and chips_ok < chips
    return BoardTelemetry(
        slot=0,
        hashrate_ths=now_ths,
        expected_ths=_expected_ths(said, chips, frequency_mhz),
        chip_min_c=min(chips_c, default=None),
        chip_avg_c=mean(list(chips_c)),
        chip_max_c=max(chips_c, default=None),
        frequency_mhz=frequency_mhz,
        voltage_v=_volts(said, "coreVoltageActual"),
        chips_ok=chips_ok,
        chips_total=chips,
        hardware_errors=hardware_errors,
        is_healthy=state is not MinerState.FAULT and not lacks_chips,
    )


def _expected_ths(said: Info, chips: int | None, frequency_mhz: float) -> float | None:
    """Return what the firmware expects, or its own formula where it keeps that to itself (PROTOCOLS.md 4.2)."""
    if (expected_ths := _ths(said, "expectedHashrate")) is not None:
        return expected_ths
    cores = number_or_none(said, "smallCoreCount")
    if cores is None or chips is None:
        return None
    return round(frequency_mhz * cores * chips / 1e6, 4)


def _monitored(said: Info) -> tuple[int | None, int | None]:
    """Return how many chips hash, and their wrong results (2.11 and newer); relatives of AxeOS shape this otherwise."""
    monitor = said.get("hashrateMonitor")
    asics = monitor.get("asics") if isinstance(monitor, dict) else None
    if not isinstance(asics, list) or not all(isinstance(asic, dict) for asic in asics):
        return None, None
    working = sum(1 for asic in asics if (number_or_none(asic, "total") or 0) > 0)
    return working, sum(count_or_none(asic, "errorCount") or 0 for asic in asics)


def _pools(said: Info) -> tuple[PoolTelemetry, ...]:
    """Return both pools. Shares are counted over both, so they stand in the reading and not here."""
    is_fallback = is_set(said, "isUsingFallbackStratum")
    # Before the first share was answered, and where it cannot tell, the firmware says 0 or -1.
    ping_ms = number_or_none(said, "responseTime") or 0.0
    pools = []
    for prefix, is_active in (("stratum", not is_fallback), ("fallbackStratum", is_fallback)):
        host, port = text_or_none(said, f"{prefix}URL"), count_or_none(said, f"{prefix}Port")
        if host is None:
            continue
        worker = text_or_none(said, f"{prefix}User")
        pools.append(
            PoolTelemetry(
                url=(f"{host}:{port}" if port else host)[:LONGEST_WORD],
                worker=worker[:LONGEST_WORD] if worker else None,
                is_active=is_active,
                latency_ms=ping_ms if is_active and ping_ms > 0 else None,
            )
        )
    return tuple(pools)


def _stale_shares(said: Info) -> int | None:
    """Return how many of the rejected shares came too late; None where the firmware gives no reasons (before 2.6)."""
    reasons = said.get("sharesRejectedReasons")
    if reasons is None:
        return None
    if not isinstance(reasons, list) or not all(isinstance(reason, dict) for reason in reasons):
        raise Garbled(f"sharesRejectedReasons is {shown(reasons)}, which is not a list of reasons")
    late = [reason for reason in reasons if "stale" in str(reason.get("message")).lower()]
    return sum(count_or_none(reason, "count") or 0 for reason in late)


def _fans_rpm(said: Info) -> tuple[float, ...]:
    """Return the fans that are there: a second one that stands at 0 is not fitted."""
    first, second = number_or_none(said, "fanrpm"), number_or_none(said, "fan2rpm")
    return tuple(rpm for rpm in (first, second or None) if rpm is not None)


def _sensor(said: Info, key: str) -> float | None:
    return sensor_c(number_or_none(said, key))


def _volts(said: Info, key: str) -> float | None:
    millivolts = number_or_none(said, key)
    return None if millivolts is None else round(millivolts / 1000, 4)


def _ths(said: Info, key: str) -> float | None:
    ghs = number_or_none(said, key)
    return None if ghs is None else round(ghs / 1000, 6)
