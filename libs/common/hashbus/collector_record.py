"""One miner as the collector's contract names its fields (S1.27 to S1.34): the one form in which sites and cloud agree.

The bridge writes it, and so does a collector that reads miners itself. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hashbus.messages import Health

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from hashbus.messages import BoardTelemetry, MinerIdentity, MinerReading

GIGA_PER_TERA = 1000.0

COMMANDS_ONCE = "X-Commands-Once"
"""Header of a caller that carries each command out once, however often it is given: to it alone a command without an
answer is given again."""


def reading_record(
    miner: str,
    at: datetime,
    reading: MinerReading,
    identity: MinerIdentity | None,
    *,
    health: Health = Health.UNKNOWN,
    is_online: bool = True,
    address: str | None = None,
) -> dict[str, Any]:
    """Return the record of a reading. The miner is named by its id; an address is given only where that is wanted."""
    return {
        "miner_id": miner,
        "recorded_at": at.isoformat(),
        "ip_address": address,
        "online": is_online,
        "model": identity.model if identity else None,
        "firmware_version": identity.firmware_version if identity else None,
        "capabilities": [one.value for one in identity.capabilities] if identity else [],
        "error_message": reading.error_message,
        "overall_health": health.value,
        "hashrate_ghs": _giga(reading.hashrate_ths),
        "hashrate_5s_ghs": _giga(reading.hashrate_5s_ths),
        "hashrate_expected_ghs": _giga(reading.hashrate_expected_ths),
        "temperature_avg": reading.chip_avg_c,
        "temperature_min": reading.chip_min_c,
        "temperature_max": reading.chip_max_c,
        "temperature_chips": list(reading.chips_c),
        "fan_speeds": list(reading.fans_rpm),
        "frequency_avg": reading.frequency_mhz,
        "accepted_shares": reading.accepted_shares,
        "rejected_shares": reading.rejected_shares,
        "hardware_errors": reading.hardware_errors,
        "uptime_seconds": reading.uptime_s,
        "power_consumption": reading.power_w,
        "efficiency": reading.efficiency_j_per_th,
        "pool_url": reading.pool_url,
        "worker_name": reading.worker,
        "pool_latency_ms": reading.pool_latency_ms,
        "latency_ms": reading.latency_ms,
        "boards": _boards(reading.boards),
        "boards_total": reading.boards_total,
        "boards_healthy": reading.boards_healthy,
    }


def absence_record(miner: str, at: datetime, reason: str | None, identity: MinerIdentity | None) -> dict[str, Any]:
    """Return the record of a miner that is not reached: errors are uploaded too (S1.45)."""
    return {
        "miner_id": miner,
        "recorded_at": at.isoformat(),
        "online": False,
        "model": identity.model if identity else None,
        "error_message": reason,
        "overall_health": Health.UNKNOWN.value,
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
