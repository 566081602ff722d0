"""The site in one message: sums over the miners that were heard lately, open alerts, the last curtailment. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from hashbus.messages import (
    Alert,
    AvailabilityState,
    CurtailmentPlan,
    Message,
    MinerAvailability,
    MinerInfo,
    MinerState,
    MinerTelemetry,
    PlanProgress,
    Severity,
    SiteSummary,
)

_GRAVITY = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass
class Known:
    """What the summary is made from: the last word of each."""

    infos: set[str] = field(default_factory=set)
    is_online: dict[str, bool] = field(default_factory=dict)
    readings: dict[str, MinerTelemetry] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    plan: CurtailmentPlan | None = None
    delivered_w: dict[str, float] = field(default_factory=dict)

    def hear(self, message: Message) -> None:
        """Take in one message."""
        if isinstance(message, MinerTelemetry):
            self.readings[message.miner] = message
        elif isinstance(message, MinerAvailability):
            self.is_online[message.miner] = message.state is AvailabilityState.ONLINE
        elif isinstance(message, MinerInfo):
            self.infos.add(message.miner)
        elif isinstance(message, Alert):
            self._hear_alert(message)
        elif isinstance(message, CurtailmentPlan):
            self.plan = message
        elif isinstance(message, PlanProgress):
            self.delivered_w = {message.plan: message.delivered_w}

    def _hear_alert(self, alert: Alert) -> None:
        if alert.cleared_at is None:
            self.alerts[alert.key] = alert
        else:
            self.alerts.pop(alert.key, None)

    def forget(self, miner: str) -> None:
        """Leave a miner out that is not there any more."""
        self.infos.discard(miner)
        self.is_online.pop(miner, None)
        self.readings.pop(miner, None)

    def summary(self, site: str, now: datetime) -> SiteSummary:
        """Return the summary of now."""
        heard = [reading for miner, reading in self.readings.items() if miner in self.infos]
        fresh = [reading for reading in heard if not reading.is_stale(now)]
        both = [(one.power_w, one.hashrate_ths) for one in fresh if one.power_w and one.hashrate_ths]
        gravest = max((alert.severity for alert in self.alerts.values()), key=_GRAVITY.__getitem__, default=None)
        grave = [alert for alert in self.alerts.values() if alert.severity is gravest]
        newest = max(grave, key=lambda one: one.since, default=None)
        plan = self.plan
        return SiteSummary(
            site=site,
            at=now,
            miners_total=len(self.infos),
            miners_online=sum(self.is_online.get(miner, False) for miner in self.infos),
            miners_mining=sum(reading.state in (MinerState.MINING, MinerState.TUNING) for reading in fresh),
            completeness_pct=round(100 * len(fresh) / len(self.infos), 1) if self.infos else 100,
            power_w=_sum([reading.power_w for reading in fresh]),
            hashrate_ths=_sum([reading.hashrate_ths for reading in fresh]),
            efficiency_j_per_th=round(sum(w for w, _ in both) / sum(ths for _, ths in both), 2) if both else None,
            alerts_open=len(self.alerts),
            alert_severity=gravest,
            alert=newest.title if newest else None,
            plan_state=plan.state if plan else None,
            plan_target_w=plan.target_w if plan else None,
            plan_delivered_w=self.delivered_w.get(plan.plan) if plan else None,
            plan_ends_at=plan.ends_at if plan else None,
        )


def _sum(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known), 2) if known else None
