"""What was decided: setpoints explained, curtailment planned, delivered and settled."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from hashbus.messages.base import Id, Message, Moment, Part, Text, Word
from hashbus.messages.miner import Capability, PowerLevel
from hashbus.messages.request import Profile, Rank
from hashbus.topics import Keep, Topic
from hashbus.units import (
    Count,
    Percent,
    Seconds,
    SignedDollars,
    SignedWatts,
    Terahashes,
    TerahashPerSecond,
    WattHours,
    Watts,
)


class BidEffect(StrEnum):
    """What a bid came to: it set the power, narrowed it, was blocked by a stronger one, or had no say."""

    WON = "won"
    NARROWED = "narrowed"
    BLOCKED = "blocked"
    LAPSED = "lapsed"
    IDLE = "idle"


class HeardBid(Part):
    """One bid as the arbiter heard it, and what came of it."""

    source: Id
    scope: Id
    name: Id
    rank: Rank
    cap_w: Watts | None = None
    floor_w: Watts | None = None
    wish_w: Watts | None = None
    until: Moment
    why: Text
    effect: BidEffect
    blocked_by: Word | None = Field(None, description="The bid or the figure that stood in the way")


class Reach(Part):
    """What a miner can do about its power, as it counted in a decision."""

    capabilities: tuple[Capability, ...] = ()
    min_power_w: Watts | None = None
    max_power_w: Watts | None = None
    rated_power_w: Watts | None = None
    power_step_w: Watts | None = None
    power_levels: tuple[PowerLevel, ...] = ()


class Decision(Message):
    """Why a miner may draw this power. The setpoint can be computed again from this message alone."""

    topic: ClassVar[Topic] = Topic("miner/{miner}/decision", writers=("controller",), retain=True, keep=Keep.EVERY)

    miner: Id
    id: Id
    power_w: Watts
    previous_w: Watts | None = None
    winner: Word
    reason: Text
    bids: tuple[HeardBid, ...] = ()
    held_back_by: Text | None = Field(None, description="A change that waits: for its interval, its step, its cost")
    next_change_at: Moment | None = None
    wanted_w: Watts | None = Field(None, description="What it would be set to if nothing held it back")
    highest_w: Watts | None = Field(None, description="The most the miner draws")
    resting_w: Watts | None = Field(None, description="What it draws when nobody asks for anything")
    reach: Reach | None = None
    is_automatic: bool = Field(True, description="Automatic control was on; off, bids of its ranks had no say (S2.8)")


class PolicyMemory(Part):
    """What one policy keeps over a restart, by name; the names of numbers end in their unit."""

    numbers: dict[Id, float] = Field({})
    moments: dict[Id, Moment] = Field({})
    flags: dict[Id, bool] = Field({})
    words: dict[Id, Text] = Field({})


class ControlState(Message):
    """What the controller must remember over a restart. The broker keeps it, so no state file is needed."""

    topic: ClassVar[Topic] = Topic("control/state", writers=("controller",), retain=True)

    profile: Profile = Profile.MANUAL
    is_enabled: bool = Field(False, description="Automatic control is switched on by a person (S2.8)")
    enabled_by: Word | None = Field(None, description="Who switched automatic control on or off")
    enabled_why: Text | None = None
    enabled_since: Moment | None = None
    enabled_until: Moment | None = Field(None, description="When automatic control switches back by itself")
    latches_pct: dict[Id, Percent] = Field({}, description="Latched power of each policy, in per cent")
    cut: tuple[Id, ...] = Field((), description="Policies that have cut off and wait for their resume level")
    miners: Count = Field(0, description="Of so many miners there is a MinerControl")
    held_w: dict[Id, Watts] = Field({}, description="Before MinerControl: last decided power of each miner")
    resting_w: dict[Id, Watts] = Field({}, description="Before MinerControl: power each miner was found at")
    changed_at: dict[Id, Moment] = Field({}, description="Before MinerControl: last change of power of each miner")
    changes_today: dict[Id, Count] = Field({}, description="Before MinerControl: changes of power since midnight")
    policies: dict[Id, PolicyMemory] = Field({}, description="What each policy remembers")


class MinerControl(Message):
    """What the controller must remember of one miner over a restart, and what it has learnt of it."""

    topic: ClassVar[Topic] = Topic("control/miner/{miner}", writers=("controller",), retain=True)

    miner: Id
    held_w: Watts = Field(description="Last decided power")
    changed_at: Moment = Field(description="Last change of it")
    resting_w: Watts | None = Field(None, description="Power it was found at, where it returns to")
    restarts_at: tuple[Moment, ...] = Field((), description="Changes of the last 24 h that restarted its mining")
    ramp_s: Seconds | None = Field(None, description="Learnt: from a change until 95 % of the new power")
    restart_loss_th: Terahashes | None = Field(None, description="Learnt: terahashes not done because of a change")
    ramps_seen: Count = Field(0, description="Changes that were learnt from")


class PlanState(StrEnum):
    """The life of a curtailment plan."""

    PENDING = "pending"
    EXECUTING = "executing"
    EXECUTED = "executed"
    RECOVERING = "recovering"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class PlannedMiner(Part):
    """One miner's part in a plan: its cap, and what that saves."""

    miner: Id
    cap_w: Watts
    saves_w: Watts
    loses_ths: TerahashPerSecond | None = None
    starts_at: Moment | None = Field(None, description="When its turn comes in a ramp; null: with the plan")
    ends_at: Moment | None = Field(None, description="When its turn comes in the recovery; null: with the plan")


class CurtailmentPlan(Message):
    """Which miners give up how much, and until when; the caps lapse with it."""

    topic: ClassVar[Topic] = Topic("curtailment/plan", writers=("curtailer",), retain=True, keep=Keep.EVERY)

    plan: Id
    state: PlanState
    strategy: Id
    target_w: Watts
    planned_w: Watts
    starts_at: Moment
    ends_at: Moment
    miners: tuple[PlannedMiner, ...] = ()
    missing_w: Watts = Field(0, description="What the site cannot give, with the reason in `why`")
    why: Text
    source: Id | None = Field(None, description="Who asked for it")
    asked_until: Moment | None = Field(
        None, description="End of what was asked; `ends_at` may be later while the price is still high"
    )
    begun_at: Moment | None = None
    executed_at: Moment | None = Field(None, description="When at least the target was first shown to be saved")
    refused: tuple[Id, ...] = Field((), description="Miners that did not follow it and were replaced")
    meter_before_w: SignedWatts | None = Field(None, description="What the site's meter showed as it began")
    costs_usd: SignedDollars | None = Field(
        None, description="What is not earned in its time, less the power not paid for; null without prices"
    )


class SkippedMiner(Part):
    """A miner that takes no part, and why."""

    miner: Id
    reason: Word


class PlanProgress(Message):
    """How far a plan is delivered, confirmed by telemetry or a meter."""

    topic: ClassVar[Topic] = Topic("curtailment/{plan}/progress", writers=("curtailer",), retain=True, keep=Keep.EVERY)

    plan: Id
    state: PlanState
    target_w: Watts
    delivered_w: SignedWatts
    confirmed: Count
    waiting: Count
    failed: Count
    skipped: tuple[SkippedMiner, ...] = ()
    metered_w: SignedWatts | None = Field(None, description="What the site's meter shows to be saved")


class SettledInterval(Part):
    """One metering interval of a settlement."""

    starts_at: Moment
    duration_s: Seconds
    baseline_wh: WattHours
    metered_wh: WattHours
    delivered_wh: float
    promised_wh: WattHours | None = None


class Settlement(Message):
    """What a plan delivered against its baseline; recomputable from the record."""

    topic: ClassVar[Topic] = Topic(
        "curtailment/{plan}/settlement", writers=("curtailer",), retain=True, keep=Keep.EVERY
    )

    plan: Id
    method: Word
    delivered_wh: float
    promised_wh: WattHours
    score_pct: float
    intervals: tuple[SettledInterval, ...] = ()
    signature: Word | None = Field(None, description="Ed25519 over the settlement's document, base64")
    key: Word | None = Field(None, description="Fingerprint of the public key that verifies it")
    measured: Word | None = Field(None, description="Where the energy was read: a meter, or the sum of the miners")
    baseline_days: Count | None = None
    adjustment: float | None = Field(None, description="Factor on the baseline from what was drawn that day before")
    problem: Text | None = Field(None, description="Why the baseline is another than the usual one")
