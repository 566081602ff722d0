"""One miner as the collector's contract names its fields (S1.27 to S1.34). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hashbus.messages import (
    AvailabilityState,
    BoardTelemetry,
    MinerAvailability,
    MinerInfo,
    MinerTelemetry,
)

GIGA_PER_TERA = 1000.0


def record(
    telemetry: MinerTelemetry, info: MinerInfo | None, availability: MinerAvailability | None, *, with_address: bool
) -> dict[str, Any]:
    """Return the record of a reading. The miner is named by its id; its address stays at home unless `with_address`."""
    return {
        "miner_id": telemetry.miner,
        "recorded_at": telemetry.at.isoformat(),
        "ip_address": info.host if info and with_address else None,
        "online": availability is None or availability.state is AvailabilityState.ONLINE,
        "model": info.model if info else None,
        "firmware_version": info.firmware_version if info else None,
        "error_message": telemetry.error_message,
        "overall_health": telemetry.health.value,
        "hashrate_ghs": _giga(telemetry.hashrate_ths),
        "hashrate_5s_ghs": _giga(telemetry.hashrate_5s_ths),
        "hashrate_expected_ghs": _giga(telemetry.hashrate_expected_ths),
        "temperature_avg": telemetry.chip_avg_c,
        "temperature_min": telemetry.chip_min_c,
        "temperature_max": telemetry.chip_max_c,
        "temperature_chips": list(telemetry.chips_c),
        "fan_speeds": list(telemetry.fans_rpm),
        "frequency_avg": telemetry.frequency_mhz,
        "accepted_shares": telemetry.accepted_shares,
        "rejected_shares": telemetry.rejected_shares,
        "hardware_errors": telemetry.hardware_errors,
        "uptime_seconds": telemetry.uptime_s,
        "power_consumption": telemetry.power_w,
        "efficiency": telemetry.efficiency_j_per_th,
        "pool_url": telemetry.pool_url,
        "worker_name": telemetry.worker,
        "pool_latency_ms": telemetry.pool_latency_ms,
        "latency_ms": telemetry.latency_ms,
        "boards": _boards(telemetry.boards),
        "boards_total": telemetry.boards_total,
        "boards_healthy": telemetry.boards_healthy,
    }


def absence(availability: MinerAvailability, info: MinerInfo | None) -> dict[str, Any]:
    """Return the record of a miner that is not reached: errors are uploaded too (S1.45)."""
    return {
        "miner_id": availability.miner,
        "recorded_at": availability.at.isoformat(),
        "online": False,
        "model": info.model if info else None,
        "error_message": availability.reason,
        "overall_health": "unknown",
    }


def _giga(tera: float | None) -> float | None:
    return None if tera is None else round(tera * GIGA_PER_TERA, 3)


def _boards(boards: Iterable[BoardTelemetry]) -> list[dict[str, Any]]:
    return [
        {
            "id": board.slot,
            "hashrate": _giga(board.hashrate_ths),
            "temp": board.chip_max_c if board.chip_max_c is not None else board.board_c,
            "chips_ok": board.chips_ok,
            "chips_total": board.chips_total,
        }
        for board in boards
    ]
