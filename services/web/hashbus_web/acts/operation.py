"""What somebody asked for and what came of it: pending, taken, confirmed, or why not. Pure.

The bus tells: a decision or a plan that names the request, a setpoint's result, the result of an order.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from hashbus.messages import (
    BidEffect,
    ControlRequest,
    ControlState,
    CurtailmentPlan,
    CurtailmentRequest,
    Decision,
    DeviceOrder,
    EquipmentOrder,
    EquipmentResult,
    HeardBid,
    HeatProgram,
    HeatState,
    Message,
    Moment,
    OrderResult,
    OrderStatus,
    PlanState,
    PowerRequest,
    ProfileRequest,
    SetpointResult,
    SetpointStatus,
    ZoneRequest,
    ZoneState,
)

ANSWER_WITHIN = timedelta(seconds=20)
"""The service that decides answers within a second; a longer silence means that it is not there."""

DONE_WITHIN = timedelta(minutes=15)
"""A change may wait for the shortest time between two, and a miner takes minutes to show a new power."""

SPARE = timedelta(seconds=15)
"""After an order's own end the poller still answers that it came too late."""


class Status(StrEnum):
    """How far it is. The first two go on, the others are final."""

    PENDING = "pending"
    TAKEN = "taken"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    FAILED = "failed"
    TIMED_OUT = "timed_out"


OPEN = (Status.PENDING, Status.TAKEN)


class Operation(BaseModel):
    """One act of one person or bot on one target."""

    model_config = ConfigDict(frozen=True)

    id: str
    act: str
    target: str
    asked: dict[str, Any] = Field(description="As it was asked, without secrets")
    by: str
    via: str
    at: Moment
    expires_at: Moment
    status: Status = Status.PENDING
    message: str = ""
    changed_at: Moment
    decision: str | None = Field(None, description="The decision that took it up")
    batch: str | None = None

    @property
    def is_open(self) -> bool:
        """Say whether something may still come of it."""
        return self.status in OPEN

    def turned(self, status: Status, message: str, now: datetime, **more: Any) -> Operation:
        """Return it with a new status."""
        if (status, message) == (self.status, self.message):
            return self
        return self.model_copy(update={"status": status, "message": message[:1000], "changed_at": now, **more})


def ends_at(message: Message, now: datetime) -> datetime:
    """Return until when an answer to what was said may come."""
    if isinstance(message, DeviceOrder | EquipmentOrder):
        return message.expires_at + SPARE
    if isinstance(message, CurtailmentRequest):
        return max(now, message.starts_at) + DONE_WITHIN
    return now + DONE_WITHIN


def heard(operation: Operation, said: Message, news: Message, now: datetime) -> Operation:
    """Return what a message means for an operation of which `said` was published."""
    if isinstance(said, PowerRequest):
        return _power(operation, said, news, now)
    if isinstance(said, DeviceOrder | EquipmentOrder):
        return _order(operation, said, news, now)
    if isinstance(said, CurtailmentRequest):
        return _curtailment(operation, said, news, now)
    if isinstance(said, ZoneRequest | HeatProgram) and isinstance(news, ZoneState) and news.zone == said.zone:
        return _zone(operation, said, news, now)
    if isinstance(said, ControlRequest) and isinstance(news, ControlState) and news.is_enabled == said.is_enabled:
        return operation.turned(Status.CONFIRMED, f"automatic control is {'on' if news.is_enabled else 'off'}", now)
    if isinstance(said, ProfileRequest) and isinstance(news, ControlState | HeatState):
        return _profile(operation, said, news, now)
    return operation


def overdue(operation: Operation, now: datetime) -> Operation:
    """Return it timed out when no answer came in time."""
    if operation.status is Status.PENDING and now - operation.at > ANSWER_WITHIN and not _is_order(operation):
        return operation.turned(Status.TIMED_OUT, "nobody has taken it up; does the service that decides run?", now)
    if operation.is_open and now > operation.expires_at:
        waited = "the poller has not answered" if _is_order(operation) else operation.message or "it never showed"
        return operation.turned(Status.TIMED_OUT, waited, now)
    return operation


def _is_order(operation: Operation) -> bool:
    return operation.act in ("order", "set", "refresh_session")


def is_same_wish(bid: HeardBid, request: PowerRequest) -> bool:
    """Say whether a bid in a decision is this request."""
    name = (bid.source, bid.scope, bid.name) == (request.source, request.scope, request.name)
    return name and (bid.cap_w, bid.floor_w, bid.wish_w) == (request.cap_w, request.floor_w, request.wish_w)


def _power(operation: Operation, said: PowerRequest, news: Message, now: datetime) -> Operation:
    if isinstance(news, Decision) and operation.target in (news.miner, *(bid.scope for bid in news.bids)):
        return _decided(operation, said, news, now)
    if isinstance(news, SetpointResult) and news.miner == operation.target:
        return _shown(operation, news, now)
    return operation


def _decided(operation: Operation, said: PowerRequest, decision: Decision, now: datetime) -> Operation:
    if said.until <= said.at:
        gone = not any(is_same_wish(bid, said) and bid.until > now for bid in decision.bids)
        return operation.turned(Status.CONFIRMED, f"given back: {decision.reason}", now) if gone else operation
    bid = next((bid for bid in decision.bids if is_same_wish(bid, said)), None)
    if bid is None or bid.effect is BidEffect.LAPSED:
        return operation
    if bid.effect is BidEffect.BLOCKED and operation.target == decision.miner:
        return operation.turned(Status.REFUSED, f"{bid.blocked_by or 'a stronger wish'} stands above it", now)
    if operation.target != decision.miner:
        return operation.turned(Status.CONFIRMED, "the controller shares it out among the miners", now)
    words = decision.held_back_by or f"{decision.power_w:g} W: {decision.reason}"
    return operation.turned(Status.TAKEN, words, now, decision=decision.id)


def _shown(operation: Operation, result: SetpointResult, now: datetime) -> Operation:
    if operation.decision is None or result.decision != operation.decision:
        return operation
    words = result.message or f"{result.taken_w if result.taken_w is not None else result.asked_w:g} W"
    if result.status is SetpointStatus.CONFIRMED:
        return operation.turned(Status.CONFIRMED, f"the miner shows it: {words}", now)
    if result.status in (SetpointStatus.REFUSED, SetpointStatus.UNSUPPORTED):
        return operation.turned(Status.REFUSED, words, now)
    if result.status is SetpointStatus.UNREACHABLE:
        return operation.turned(Status.TAKEN, f"the miner does not answer: {words}", now)
    return operation.turned(Status.TAKEN, f"told to the miner: {words}", now)


_ENDS = {
    OrderStatus.DONE: Status.CONFIRMED,
    OrderStatus.FAILED: Status.FAILED,
    OrderStatus.UNSUPPORTED: Status.REFUSED,
    OrderStatus.REJECTED: Status.REFUSED,
    OrderStatus.EXPIRED: Status.TIMED_OUT,
    OrderStatus.UNKNOWN: Status.FAILED,
}


def _order(operation: Operation, said: DeviceOrder | EquipmentOrder, news: Message, now: datetime) -> Operation:
    if not isinstance(news, OrderResult | EquipmentResult) or news.id != said.id or news.asker != said.source:
        return operation
    return operation.turned(_ENDS[news.status], news.message, now)


_PLANS = {
    PlanState.PENDING: Status.TAKEN,
    PlanState.EXECUTING: Status.TAKEN,
    PlanState.EXECUTED: Status.CONFIRMED,
    PlanState.RECOVERING: Status.TAKEN,
    PlanState.DONE: Status.CONFIRMED,
    PlanState.CANCELLED: Status.REFUSED,
    PlanState.FAILED: Status.FAILED,
}


def _curtailment(operation: Operation, said: CurtailmentRequest, news: Message, now: datetime) -> Operation:
    if not isinstance(news, CurtailmentPlan) or news.plan != f"{said.source}-{said.id}":
        return operation
    if said.is_cancelled:
        over = news.state in (PlanState.RECOVERING, PlanState.DONE, PlanState.CANCELLED, PlanState.FAILED)
        return operation.turned(Status.CONFIRMED, "the miners come back", now) if over else operation
    return operation.turned(_PLANS[news.state], f"{news.state.value}: {news.why}", now)


def _zone(operation: Operation, said: ZoneRequest | HeatProgram, news: ZoneState, now: datetime) -> Operation:
    """Say whether a zone shows what was asked of it; what was said before is no answer."""
    if news.at < said.at:
        return operation
    if isinstance(said, HeatProgram):
        asked = (
            (said.targets, news.targets),
            (said.schedule, news.schedule),
            (said.curve, news.curve),
        )
        follows = all(wanted is None or wanted == shown for wanted, shown in asked)
    else:
        follows = said.is_cancelled or (news.profile is said.profile and said.target_c in (None, news.target_c))
    return operation.turned(Status.CONFIRMED, f"the zone follows it: {news.reason}", now) if follows else operation


def _profile(operation: Operation, said: ProfileRequest, news: ControlState | HeatState, now: datetime) -> Operation:
    if isinstance(news, HeatState) and (news.profile == said.profile or (said.is_cancelled and news.profile is None)):
        return operation.turned(Status.CONFIRMED, "the house follows it", now)
    if isinstance(news, ControlState) and news.profile == said.profile:
        return operation.turned(Status.CONFIRMED, f"the profile is {news.profile.value}", now)
    return operation
