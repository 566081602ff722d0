"""What one line of the list of miners shows, and what its page shows: made of the newest messages. Pure."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from hashbus.messages import (
    AvailabilityState,
    Capability,
    Decision,
    Health,
    Level,
    MinerAvailability,
    MinerEconomics,
    MinerInfo,
    MinerState,
    MinerTelemetry,
    Moment,
    PowerLevel,
    PowerRequest,
    PowerSetpoint,
    SetpointResult,
    SetpointStatus,
)
from hashbus_web.view.site_view import SiteView


class Row(BaseModel):
    """A part of a reply; what is not known is null."""

    model_config = ConfigDict(frozen=True)


class InfoRow(Row):
    """Who a miner is and what can be done with it. It changes seldom."""

    make: str | None = None
    model: str | None = None
    firmware: str | None = None
    firmware_version: str | None = None
    driver: str | None = None
    level: Level | None = None
    group: str | None = None
    host: str | None = None
    capabilities: tuple[Capability, ...] = ()
    min_power_w: float | None = None
    max_power_w: float | None = None
    rated_power_w: float | None = None
    power_step_w: float | None = None
    power_levels: tuple[PowerLevel, ...] = ()
    rated_hashrate_ths: float | None = None
    restarts_mining: bool | None = None
    ramp_s: float | None = None
    is_liquid_cooled: bool | None = None


class MinerRow(Row):
    """How a miner is now."""

    at: Moment | None = None
    online: bool | None = None
    since: Moment | None = None
    reason: str | None = None
    state: MinerState | None = None
    health: Health | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    hashrate_ths: float | None = None
    hashrate_expected_ths: float | None = None
    efficiency_j_per_th: float | None = None
    chip_max_c: float | None = None
    board_max_c: float | None = None
    liquid_c: float | None = None
    ambient_c: float | None = None
    fan_rpm: float | None = None
    fan_pct: float | None = None
    boards_ok: int | None = None
    boards_total: int | None = None
    pool_url: str | None = None
    worker: str | None = None
    accepted: int | None = None
    rejected: int | None = None
    uptime_s: float | None = None
    errors: int = 0
    error: str | None = None
    setpoint_w: float | None = None
    setpoint_status: SetpointStatus | None = None
    why: str | None = None
    waits: str | None = None


class MinerDetail(Row):
    """Everything that is known of one miner."""

    info: MinerInfo | None = None
    telemetry: MinerTelemetry | None = None
    availability: MinerAvailability | None = None
    setpoint: PowerSetpoint | None = None
    result: SetpointResult | None = None
    decision: Decision | None = None
    economics: MinerEconomics | None = None
    requests: tuple[PowerRequest, ...] = ()


def info_row(view: SiteView, miner: str) -> InfoRow:
    """Return who a miner is."""
    info = view.one(MinerInfo, miner)
    if info is None:
        return InfoRow()
    names = InfoRow.model_fields.keys() - {"restarts_mining", "ramp_s"}
    return InfoRow(
        **{name: getattr(info, name) for name in names},
        restarts_mining=info.power_change.restarts_mining,
        ramp_s=info.power_change.ramp_s,
    )


_SAME = (
    *("at", "state", "health", "power_w", "power_limit_w", "hashrate_ths", "hashrate_expected_ths"),
    *("efficiency_j_per_th", "chip_max_c", "board_max_c", "liquid_c", "ambient_c", "fan_pct", "boards_total"),
    *("pool_url", "worker", "uptime_s"),
)
"""Fields of a reading that stand in the row as they are."""


def miner_row(view: SiteView, miner: str) -> MinerRow:
    """Return how a miner is now."""
    reading, reached = view.one(MinerTelemetry, miner), view.one(MinerAvailability, miner)
    setpoint, decision = view.one(PowerSetpoint, miner), view.one(Decision, miner)
    result = view.one(SetpointResult, miner)
    values = {} if reading is None else {name: getattr(reading, name) for name in _SAME}
    if reading is not None:
        values |= {
            "fan_rpm": max(reading.fans_rpm, default=None),
            "boards_ok": reading.boards_healthy,
            "accepted": reading.accepted_shares,
            "rejected": reading.rejected_shares,
            "errors": len(reading.errors),
            "error": reading.error_message or (reading.errors[0].text or reading.errors[0].code)
            if reading.errors
            else reading.error_message,
        }
    # Every value comes out of a checked message: checking it once more would cost as much as decoding it did.
    return MinerRow.model_construct(
        **values,
        online=None if reached is None else reached.state is AvailabilityState.ONLINE,
        since=reached.since if reached else None,
        reason=reached.reason if reached else None,
        setpoint_w=setpoint.power_w if setpoint else None,
        setpoint_status=result.status if result else None,
        why=decision.reason if decision else None,
        waits=decision.held_back_by if decision else None,
    )


def miner_detail(view: SiteView, miner: str, now: datetime) -> MinerDetail:
    """Return everything that is known of one miner."""
    return MinerDetail.model_construct(
        info=view.one(MinerInfo, miner),
        telemetry=view.one(MinerTelemetry, miner),
        availability=view.one(MinerAvailability, miner),
        setpoint=view.one(PowerSetpoint, miner),
        result=view.one(SetpointResult, miner),
        decision=view.one(Decision, miner),
        economics=view.one(MinerEconomics, miner),
        requests=tuple(view.requests_for(miner, now)),
    )
