"""Commands as people see them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field

from hashbus_collector.answers import Answer
from hashbus_collector.command_rules import Status, masked

if TYPE_CHECKING:
    from collections.abc import Mapping


class CommandMade(Answer):
    """A command waits for its site."""

    command_id: str
    status: Literal["pending"] = "pending"
    expires_at: datetime
    warning: str | None = Field(None, description="What should be looked at, though the command stands")


class BatchProblem(BaseModel):
    """Why one command of a batch was not made."""

    index: int
    error: str


class BatchMade(Answer):
    """Many commands wait for their sites."""

    batch_id: str
    command_ids: list[str]
    created: int
    rejected: int
    errors: list[BatchProblem]


class CommandState(BaseModel):
    """A command and where it is in its life."""

    command_id: str
    batch_id: str | None
    site_id: str
    miner_id: str | None = Field(description="Null for a command to the whole site")
    ip_address: str | None
    command_type: str
    parameters: dict[str, Any]
    priority: int
    status: Status
    created_by: str
    created_at: datetime
    expires_at: datetime
    sent_at: datetime | None = Field(description="When the site fetched it first")
    times_sent: int
    completed_at: datetime | None
    result_code: str | None
    result_message: str | None


class CommandFound(Answer):
    """One command."""

    command: CommandState


class CommandHistory(Answer):
    """Commands, the newest first."""

    commands: list[CommandState]
    count: int
    next_before: int | None = Field(description="Pass as `before` for the next page; null on the last")


class BatchProgress(Answer):
    """How far a batch is."""

    batch_id: str
    total: int
    done: int = Field(description="Commands that are over, however they ended")
    by_status: dict[Status, int]


def command_state(row: Mapping[str, Any]) -> CommandState:
    """Return a command as people see it: without the password of a pool."""
    return CommandState(
        command_id=row["id"],
        batch_id=row["batch"],
        site_id=row["site"],
        miner_id=row["miner_id"] or None,
        ip_address=row["ip_address"],
        command_type=row["type"],
        parameters=masked(json.loads(row["params"])),
        priority=row["priority"],
        status=Status(row["status"]),
        created_by=row["made_by"],
        created_at=row["made_at"],
        expires_at=row["expires_at"],
        sent_at=row["first_sent_at"],
        times_sent=row["sends"],
        completed_at=row["ended_at"],
        result_code=row["result_code"],
        result_message=row["result_message"],
    )
