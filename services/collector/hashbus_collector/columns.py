"""The columns of a reading: of the live row, of the history, and of the table through which both are filled."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

if TYPE_CHECKING:
    from datetime import datetime

    from hashbus_collector.records import MinerRecord, Taken

IDENTITY = {
    "ip_address": "text",
    "model": "text",
    "firmware_version": "text",
    "capabilities": "text[]",
}
"""Who a miner is: kept in its live row, where an upload that does not say it leaves what is there."""

MEASURED = {
    "online": "boolean",
    "error_message": "text",
    "overall_health": "text",
    "hashrate_ghs": "double precision",
    "hashrate_5s_ghs": "double precision",
    "hashrate_expected_ghs": "double precision",
    "temperature_avg": "double precision",
    "temperature_min": "double precision",
    "temperature_max": "double precision",
    "temperature_chips": "real[]",
    "fan_speeds": "real[]",
    "frequency_avg": "double precision",
    "accepted_shares": "bigint",
    "rejected_shares": "bigint",
    "hardware_errors": "bigint",
    "uptime_seconds": "double precision",
    "power_consumption": "double precision",
    "efficiency": "double precision",
    "pool_url": "text",
    "worker_name": "text",
    "pool_latency_ms": "double precision",
    "latency_ms": "double precision",
    "boards": "jsonb",
    "boards_total": "integer",
    "boards_healthy": "integer",
}
"""What a miner said: kept in the history too. In a live row all of it is of one moment; what is silent is null."""

KEYS = {"miner": "bigint", "recorded_at": "timestamptz", "received_at": "timestamptz"}
COPIED = (*KEYS, "is_newest", *MEASURED, *IDENTITY)


def _declared(columns: dict[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in columns.items())


KEY_COLUMNS = ", ".join(f"{name} {kind} NOT NULL" for name, kind in KEYS.items())
HISTORY_COLUMNS = f"{KEY_COLUMNS}, {_declared(MEASURED)}"
LIVE_COLUMNS = f"{HISTORY_COLUMNS}, {_declared(IDENTITY)}"

INCOMING = (
    f"CREATE TEMPORARY TABLE incoming ({KEY_COLUMNS}, is_newest boolean NOT NULL, {_declared(MEASURED | IDENTITY)}) "
    "ON COMMIT DELETE ROWS"
)
"""`is_newest` marks the latest reading of each miner in an upload: the one that its live row takes."""

_ALL_HISTORY = ", ".join([*KEYS, *MEASURED])
INTO_HISTORY = f"INSERT INTO history ({_ALL_HISTORY}) SELECT {_ALL_HISTORY} FROM incoming ON CONFLICT DO NOTHING"  # noqa: S608
"""A reading that is there already, of the same miner and moment, stays as it is: a batch sent twice is kept once."""

_ALL_LIVE = ", ".join([*KEYS, *MEASURED, *IDENTITY])
_TAKEN_OVER = ", ".join(f"{name} = excluded.{name}" for name in [*list(KEYS)[1:], *MEASURED])
_KEPT = ", ".join(f"{name} = coalesce(excluded.{name}, live.{name})" for name in IDENTITY)
INTO_LIVE = f"""
INSERT INTO live ({_ALL_LIVE}, site, state_since, last_online_at)
SELECT {_ALL_LIVE}, $1, recorded_at, CASE WHEN online THEN recorded_at END FROM incoming WHERE is_newest
ON CONFLICT (miner) DO UPDATE SET {_TAKEN_OVER}, {_KEPT},
    state_since = CASE WHEN live.online = excluded.online THEN live.state_since ELSE excluded.recorded_at END,
    last_online_at = coalesce(excluded.last_online_at, live.last_online_at)
WHERE excluded.recorded_at >= live.recorded_at OR live.recorded_at > excluded.received_at + interval '5 minutes'
"""  # noqa: S608 (names of our own columns)
"""An older reading never replaces a newer one, unless the newer one came from a clock that was ahead."""

_NAMES = list(MEASURED)
# In the order of the columns, around the lists: an empty one is kept as null, which is quicker to write.
_BEFORE = attrgetter(*_NAMES[: _NAMES.index("temperature_chips")])
_BETWEEN = attrgetter(*_NAMES[_NAMES.index("fan_speeds") + 1 : _NAMES.index("boards")])


def row_of(taken: Taken, miner: int, received_at: datetime, *, is_newest: bool) -> tuple[Any, ...]:
    """Return a reading in the order of `COPIED`."""
    record = taken.record
    return (
        miner,
        taken.at,
        received_at,
        is_newest,
        *_BEFORE(record),
        record.temperature_chips or None,
        record.fan_speeds or None,
        *_BETWEEN(record),
        _boards(record),
        record.boards_total,
        record.boards_healthy,
        record.ip_address,
        record.model,
        record.firmware_version,
        record.capabilities or None,
    )


def _boards(record: MinerRecord) -> str | None:
    return to_json(record.boards).decode() if record.boards else None
