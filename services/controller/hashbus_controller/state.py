"""What the controller knows: who the miners are, what they show, what is asked, and what it must remember."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rpds import HashTrieMap, HashTrieSet

from hashbus.messages import Message, MinerInfo, MinerTelemetry
from hashbus_controller.arbiter import Verdict
from hashbus_controller.costs import Cost, Ramp
from hashbus_controller.due import Due
from hashbus_controller.held import Held
from hashbus_controller.policy import Policies
from hashbus_controller.settings import ControllerSection, MinerLimits
from hashbus_controller.standing import Standing
from hashbus_controller.switch import Switch

ALL = "*"
"""In `dirty`: every miner. It is no id."""


@dataclass(frozen=True)
class State:
    """Everything a decision is made from; a new one comes out of every step.

    The maps that grow with the farm are persistent ones: a copy with one miner changed shares the rest.
    """

    site: str
    settings: ControllerSection
    policies: Policies = field(default_factory=Policies)
    time_zone: str = "UTC"
    started_at: datetime | None = None
    switch: Switch = field(default_factory=Switch)
    memories: Mapping[str, Any] = field(default_factory=dict)
    infos: HashTrieMap[str, MinerInfo] = field(default_factory=HashTrieMap)
    readings: HashTrieMap[str, MinerTelemetry] = field(default_factory=HashTrieMap)
    resting_w: HashTrieMap[str, float] = field(default_factory=HashTrieMap)
    groups: HashTrieMap[str, HashTrieSet[str]] = field(default_factory=HashTrieMap)
    standing: Standing = field(default_factory=Standing)
    verdicts: HashTrieMap[str, Verdict] = field(default_factory=HashTrieMap)
    held: HashTrieMap[str, Held] = field(default_factory=HashTrieMap)
    parked: HashTrieMap[str, Held] = field(default_factory=HashTrieMap)
    """What was held when automatic control was switched off: where the miners stay."""
    dirty: HashTrieSet[str] = field(default_factory=HashTrieSet)
    """Scopes in which something has changed since their miners were decided about."""
    costs: HashTrieMap[str, Cost] = field(default_factory=HashTrieMap)
    ramps: HashTrieMap[str, Ramp] = field(default_factory=HashTrieMap)
    """Changes that are being watched."""
    learnt: HashTrieSet[str] = field(default_factory=HashTrieSet)
    """Miners of which something was learnt that is not said yet."""
    due: Due = field(default_factory=Due)
    judged_at: datetime | None = None
    kept: tuple[Mapping[str, Any], Switch, int] | None = None
    """From what the last memory was made: policies, switch and how many miners."""
    told: Mapping[str, Message] = field(default_factory=dict)
    is_recalled: bool = False
    is_waiting: bool = True
    """Whether a policy still waits for its first reading after the start."""
    number: int = 0

    @property
    def is_enabled(self) -> bool:
        """Say whether automatic control is switched on."""
        return self.switch.is_enabled

    def is_ruled(self, miner: str) -> bool:
        """Say whether this controller touches the miner at all."""
        return self.settings.miners.get(miner, UNLIMITED).is_ruled


UNLIMITED = MinerLimits()
