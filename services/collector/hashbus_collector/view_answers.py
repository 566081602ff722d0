"""Sites, miners, alerts and figures as people see them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field

from hashbus_collector.answers import Answer
from hashbus_collector.command_rules import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hashbus_collector.alerts import Alert


class Moment(Answer):
    """An answer that may be some seconds old: ages in it are those at that moment."""

    at: datetime = Field(description="When this answer was made")


class SiteSummary(BaseModel):
    """A site in totals. Only what is fresh is added up; `stale` and the percentages say what is missing."""

    site_id: str
    title: str
    miners_total: int
    online: int
    offline: int
    stale: int
    warning: int
    critical: int
    hashrate_ghs: float | None
    hashrate_expected_ghs: float | None
    power_consumption: float | None = Field(description="W")
    power_complete_pct: float | None = Field(description="Share of the online miners that say their power")
    efficiency: float | None = Field(description="J/TH, over the miners that say their power")
    temperature_avg: float | None
    temperature_max: float | None
    updated_at: datetime | None = Field(description="When the site last uploaded something")
    newest_at: datetime | None = Field(description="When its newest reading was taken")
    age_s: float | None
    is_stale: bool


class Summary(Moment):
    """The totals of one site."""

    summary: SiteSummary


class SiteList(Moment):
    """The sites the asker may look at."""

    sites: list[SiteSummary]
    count: int


class LiveMiner(BaseModel):
    """The newest reading of one miner."""

    site_id: str
    miner_id: str
    state: Literal["online", "offline", "stale"]
    online: bool
    updated_at: datetime = Field(description="When it arrived")
    recorded_at: datetime = Field(description="When it was taken")
    age_s: float
    is_stale: bool
    state_since: datetime
    last_online_at: datetime | None
    ip_address: str | None
    model: str | None
    firmware_version: str | None
    capabilities: list[str] | None = Field(description="What it can be told to do; null where the site does not say")
    error_message: str | None
    overall_health: str | None
    hashrate_ghs: float | None
    hashrate_5s_ghs: float | None
    hashrate_expected_ghs: float | None
    temperature_avg: float | None
    temperature_min: float | None
    temperature_max: float | None
    temperature_chips: list[float | None]
    fan_speeds: list[float | None]
    frequency_avg: float | None
    accepted_shares: int | None
    rejected_shares: int | None
    hardware_errors: int | None
    uptime_seconds: float | None
    power_consumption: float | None
    efficiency: float | None
    pool_url: str | None
    worker_name: str | None
    pool_latency_ms: float | None
    latency_ms: float | None
    boards: list[dict[str, Any]]
    boards_total: int | None
    boards_healthy: int | None


class Live(Moment):
    """All miners of one site."""

    site_id: str
    miners: list[LiveMiner]
    count: int


class MinerPage(Answer):
    """One page of the miners that were looked for."""

    miners: list[LiveMiner]
    total: int
    page: int
    per_page: int


class AlertAnswer(BaseModel):
    """Something that a person should look at."""

    id: str
    severity: Literal["critical", "warning"]
    kind: str
    site_id: str
    miner_id: str | None
    message: str
    value: float | None
    limit: float | None
    since: datetime | None


class Alerts(Answer):
    """What is worth an alert now, the worst first."""

    alerts: list[AlertAnswer]
    count: int


class Stats(Answer):
    """Figures over the sites the asker may look at; uploads and commands of the last 24 hours."""

    sites: int
    sites_stale: int
    miners: int
    online: int
    offline: int
    stale: int
    hashrate_ghs: float | None
    power_consumption: float | None
    uploads_24h: int
    uploads_failed_24h: int
    records_24h: int
    records_stored_24h: int
    records_rejected_24h: int
    bytes_24h: int
    processing_ms_avg: float | None
    commands_24h: dict[Status, int]
    at: datetime


class Step(BaseModel):
    """The means of one step."""

    at: datetime
    hashrate_ghs: float | None
    power_consumption: float | None
    temperature_avg: float | None
    temperature_max: float | None
    online: int
    miners: int


class History(Answer):
    """A chart: of one miner, or sums over a site."""

    site_id: str
    miner_id: str | None
    step_s: int
    points: list[Step]


_AS_THEY_ARE = [
    name
    for name in LiveMiner.model_fields
    if name not in ("site_id", "state", "updated_at", "age_s", "is_stale", "boards", "temperature_chips", "fan_speeds")
]


def live_miner(row: Mapping[str, Any], now: datetime, stale_s: float) -> LiveMiner:
    """Return a live row; its values are as old as it says, and are shown as stale after `stale_s` seconds."""
    age_s = max(0.0, (now - row["recorded_at"]).total_seconds())
    is_stale = age_s > stale_s
    state: Literal["online", "offline", "stale"] = "offline" if not row["online"] else "stale" if is_stale else "online"
    values = {name: row[name] for name in _AS_THEY_ARE}
    return LiveMiner(
        **values,
        site_id=row["site"],
        state=state,
        updated_at=row["received_at"],
        age_s=age_s,
        is_stale=is_stale,
        temperature_chips=row["temperature_chips"] or [],
        fan_speeds=row["fan_speeds"] or [],
        boards=json.loads(row["boards"]) if row["boards"] else [],
    )


def alert_answer(alert: Alert) -> AlertAnswer:
    """Return an alert as people see it."""
    return AlertAnswer(
        id=alert.id,
        severity=alert.severity.value,
        kind=alert.kind,
        site_id=alert.site_id,
        miner_id=alert.miner_id,
        message=alert.message,
        value=alert.value,
        limit=alert.limit,
        since=alert.since,
    )


def stats_of(sites: Sequence[SiteSummary], figures: Mapping[str, Any], now: datetime) -> Stats:
    """Return the sums over sites; a site whose sum is not known is left out of it."""
    uploads = figures["uploads"]
    return Stats(
        sites=len(sites),
        sites_stale=sum(one.is_stale for one in sites),
        miners=sum(one.miners_total for one in sites),
        online=sum(one.online for one in sites),
        offline=sum(one.offline for one in sites),
        stale=sum(one.stale for one in sites),
        hashrate_ghs=_sum(one.hashrate_ghs for one in sites),
        power_consumption=_sum(one.power_consumption for one in sites),
        uploads_24h=uploads["uploads"],
        uploads_failed_24h=uploads["failed"],
        records_24h=uploads["records"],
        records_stored_24h=uploads["stored"],
        records_rejected_24h=uploads["refused"],
        bytes_24h=uploads["bytes_travelled"],
        processing_ms_avg=uploads["processing_ms_avg"],
        commands_24h=figures["commands"],
        at=now,
    )


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
