"""From a command of the cloud to what is said on the bus, and from what came of it to a result. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from hashbus.messages import (
    Command,
    DeviceOrder,
    Id,
    Message,
    Moment,
    OrderParams,
    OrderResult,
    OrderStatus,
    PowerRequest,
    Rank,
)

SOURCE = "cloud"
DISABLED_FOR = timedelta(days=30)
"""A miner that the cloud switched off stays off until the cloud says otherwise, or a month at the longest."""

STATUS_WORDS = {
    OrderStatus.DONE: "completed",
    OrderStatus.FAILED: "failed",
    OrderStatus.UNSUPPORTED: "rejected",
    OrderStatus.EXPIRED: "expired",
    OrderStatus.REJECTED: "rejected",
    OrderStatus.UNKNOWN: "failed",
}


class CloudCommand(BaseModel):
    """A pending command as the collector gives it (S1.16).

    An address in it is ignored: the miner is known by its id.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    command_id: Id
    miner_id: Id
    command: Command
    params: OrderParams = OrderParams()
    priority: int = 5
    expires_at: Moment

    @model_validator(mode="before")
    @classmethod
    def _takes_both_spellings(cls, values: Any) -> Any:
        """Take the names of S1.19 as well as those of S1.16."""
        if not isinstance(values, dict):
            return values
        found = {**values, "command": values.get("command", values.get("command_type"))}
        return {**found, "params": values.get("params") or values.get("parameters") or {}}


def said(command: CloudCommand, site: str, now: datetime, *, has_controller: bool) -> Message:
    """Return the message that carries a command out: an order to the poller, or a request for power to the arbiter."""
    if has_controller and command.command in (Command.ENABLE, Command.DISABLE):
        is_off = command.command is Command.DISABLE
        return PowerRequest(
            site=site,
            at=now,
            source=SOURCE,
            scope=command.miner_id,
            name="switch",
            rank=Rank.CLOUD,
            cap_w=0,
            until=now + DISABLED_FOR if is_off else now,
            why="switched off by the cloud operator" if is_off else "switched on again by the cloud operator",
        )
    return DeviceOrder(
        site=site,
        at=now,
        miner=command.miner_id,
        source=SOURCE,
        id=command.command_id,
        command=command.command,
        params=command.params,
        expires_at=command.expires_at,
    )


def result(status: str, code: str, message: str) -> dict[str, Any]:
    """Return a result in the collector's words (S1.18)."""
    return {"status": status, "result_code": code, "result_message": message}


def of_order(answer: OrderResult) -> dict[str, Any]:
    """Return the result of an order."""
    return result(STATUS_WORDS[answer.status], answer.code, answer.message)
