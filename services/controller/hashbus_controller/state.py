"""What the controller knows: who the miners are, what they show, what is asked, and what it must remember."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hashbus.messages import (
    BatteryTelemetry,
    CurtailmentPlan,
    MinerInfo,
    MinerTelemetry,
    PowerRequest,
)
from hashbus_controller.policies.soc import Ratchet
from hashbus_controller.settings import ControllerSection


@dataclass(frozen=True, slots=True)
class Held:
    """What was last decided for a miner."""

    power_w: float
    decision: str
    said_at: datetime
    changed_at: datetime
    explained: tuple[object, ...] = ()


@dataclass(frozen=True)
class State:
    """Everything a decision is made from; a new one comes out of every step."""

    site: str
    settings: ControllerSection
    started_at: datetime | None = None
    infos: Mapping[str, MinerInfo] = field(default_factory=dict)
    readings: Mapping[str, MinerTelemetry] = field(default_factory=dict)
    batteries: Mapping[str, BatteryTelemetry] = field(default_factory=dict)
    requests: Mapping[str, PowerRequest] = field(default_factory=dict)
    plan: CurtailmentPlan | None = None
    ratchet: Ratchet = field(default_factory=Ratchet)
    hot: frozenset[str] = frozenset()
    resting_w: Mapping[str, float] = field(default_factory=dict)
    held: Mapping[str, Held] = field(default_factory=dict)
    has_spoken: frozenset[str] = frozenset()
    remembered: tuple[object, ...] | None = None
    number: int = 0
