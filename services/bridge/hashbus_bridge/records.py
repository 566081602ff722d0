"""What the site says of a miner, as a record for the collector. Pure."""

from __future__ import annotations

from typing import Any

from hashbus.collector_record import absence_record, reading_record
from hashbus.messages import AvailabilityState, MinerAvailability, MinerInfo, MinerTelemetry


def record(
    telemetry: MinerTelemetry, info: MinerInfo | None, availability: MinerAvailability | None, *, with_address: bool
) -> dict[str, Any]:
    """Return the record of a reading. The miner is named by its id; its address stays at home unless `with_address`."""
    return reading_record(
        telemetry.miner,
        telemetry.at,
        telemetry,
        info,
        health=telemetry.health,
        is_online=availability is None or availability.state is AvailabilityState.ONLINE,
        address=info.host if info and with_address else None,
    )


def absence(availability: MinerAvailability, info: MinerInfo | None) -> dict[str, Any]:
    """Return the record of a miner that is not reached."""
    return absence_record(availability.miner, availability.at, availability.reason, info)
