"""What sites are answered, and what every answer has in common: the models behind the OpenAPI document."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field

if TYPE_CHECKING:
    from collections.abc import Mapping


class Answer(BaseModel):
    """What every answer begins with."""

    success: Literal[True] = True


class Refused(BaseModel):
    """The answer is no, and why."""

    success: Literal[False] = False
    error: str


class RecordProblem(BaseModel):
    """What is wrong with one record of an upload."""

    index: int = Field(description="Place in the array, from 0")
    miner_id: str | None
    field: str
    problem: str


class Uploaded(Answer):
    """What became of an upload."""

    processed: int = Field(description="Records that were right")
    online: int
    offline: int
    stored: int = Field(description="Of the processed ones, those that were not there already")
    rejected: int = Field(description="Records that were not right; the others are stored all the same")
    errors: list[RecordProblem] = Field(description="What was wrong, of the first hundred")
    processing_time_ms: float


class UploadRefused(Refused):
    """Not one record of an upload was right, or the body could not be read."""

    errors: list[RecordProblem] = []


class PendingCommand(BaseModel):
    """A command that a site shall carry out."""

    command_id: str
    miner_id: str | None = Field(description="Null for a command to the whole site")
    ip_address: str | None
    command: str
    params: dict[str, Any]
    priority: int
    expires_at: datetime


class Pending(Answer):
    """The commands that a site shall carry out, the most urgent first."""

    commands: list[PendingCommand]
    count: int


class ResultTaken(Answer):
    """A result was noted, or was known already."""

    already_known: bool = False


class SessionAnswer(Answer):
    """Who is logged in. `csrf_token` goes into the header X-CSRF-Token of everything that changes something."""

    name: str
    roles: dict[str, Literal["guest", "operator", "admin"]] = Field(description="By site; `*` is every site")
    csrf_token: str


class Alive(BaseModel):
    """The collector is there."""

    status: Literal["ok", "degraded"]
    version: str


def pending_command(row: Mapping[str, Any]) -> PendingCommand:
    """Return a command as its site gets it."""
    return PendingCommand(
        command_id=row["id"],
        miner_id=row["miner_id"] or None,
        ip_address=row["ip_address"],
        command=row["type"],
        params=json.loads(row["params"]),
        priority=row["priority"],
        expires_at=row["expires_at"],
    )
