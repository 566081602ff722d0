"""The whole site in one message, for those who show it in one place."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from hashbus.messages.base import Message, Moment, Text
from hashbus.messages.plan import PlanState
from hashbus.messages.service import Severity
from hashbus.topics import Topic
from hashbus.units import Count, JoulesPerTerahash, Percent, SignedWatts, TerahashPerSecond, Watts


class SiteSummary(Message):
    """How many miners run, what they draw and compute, what is curtailed and what is wrong.

    Sums are over miners that were heard lately, `completeness_pct` says how many of all those are; null when none was.
    """

    topic: ClassVar[Topic] = Topic("summary", writers=("smarthome",), retain=True, stale_after=timedelta(minutes=3))

    miners_total: Count
    miners_online: Count
    miners_mining: Count
    completeness_pct: Percent = Field(description="Share of the miners whose last reading is fresh")
    power_w: Watts | None = None
    hashrate_ths: TerahashPerSecond | None = None
    efficiency_j_per_th: JoulesPerTerahash | None = None
    alerts_open: Count = 0
    alert_severity: Severity | None = Field(None, description="Of the gravest open alert")
    alert: Text | None = Field(None, description="Its title; of several the newest")
    plan_state: PlanState | None = Field(None, description="Of the last curtailment")
    plan_target_w: Watts | None = None
    plan_delivered_w: SignedWatts | None = None
    plan_ends_at: Moment | None = None
