"""Curtailments that the cloud asks of the whole site: from a command to the request on the bus. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hashbus.messages import CurtailmentRequest, Id, Moment, Text
from hashbus.units import Percent, Seconds, Watts

SOURCE = "cloud"
KINDS = ("curtail", "curtail_stop")


class CurtailmentParams(BaseModel):
    """How much, from when until when: one of the three targets, and `ends_at` or `lasts_s`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    target_w: Watts | None = None
    level_pct: Percent | None = None
    limit_w: Watts | None = None
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    lasts_s: Annotated[float, Field(ge=60, le=7 * 86_400)] = 14_400
    strategy: Id = "performance_priority"
    ramp_s: Seconds = 0
    groups: tuple[Id, ...] = ()
    why: Text = "the cloud asks"


class CloudCurtailment(BaseModel):
    """A command to the site as the collector gives it; `curtail_stop` takes back what the cloud asked before."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    command_id: Id
    command: Literal["curtail", "curtail_stop"]
    params: CurtailmentParams = CurtailmentParams()
    expires_at: Moment

    @model_validator(mode="before")
    @classmethod
    def _takes_both_spellings(cls, values: Any) -> Any:
        """Take the names of S1.19 as well as those of S1.16."""
        if not isinstance(values, dict):
            return values
        return {**values, "command": kind_of(values), "params": values.get("params") or values.get("parameters") or {}}

    @model_validator(mode="after")
    def _says_how_much(self) -> Self:
        targets = (self.params.target_w, self.params.level_pct, self.params.limit_w)
        if self.command == "curtail" and targets.count(None) != 2:
            raise ValueError("params need one of target_w, level_pct and limit_w")
        return self


def kind_of(raw: Any) -> Any:
    """Return which command a raw one is."""
    return raw.get("command", raw.get("command_type")) if isinstance(raw, dict) else None


def requested(
    command: CloudCurtailment, site: str, now: datetime, before: CurtailmentRequest | None
) -> CurtailmentRequest:
    """Return the request that a command is; a stop ends the one `before`, and nothing where there is none.

    Raises ValidationError when it ends before it begins.
    """
    if command.command == "curtail_stop":
        none = CurtailmentRequest(
            site=site,
            at=now,
            source=SOURCE,
            id=command.command_id,
            target_w=0,
            starts_at=now,
            ends_at=now + timedelta(seconds=1),
            is_cancelled=True,
            why="taken back by the cloud",
        )
        return none if before is None else before.model_copy(update={"at": now, "is_cancelled": True})
    params = command.params
    starts_at = params.starts_at or now
    return CurtailmentRequest(
        site=site,
        at=now,
        source=SOURCE,
        id=command.command_id[:48],
        target_w=params.target_w,
        level_pct=params.level_pct,
        limit_w=params.limit_w,
        starts_at=starts_at,
        ends_at=params.ends_at or starts_at + timedelta(seconds=params.lasts_s),
        strategy=params.strategy,
        ramp_s=params.ramp_s,
        groups=params.groups,
        why=params.why,
    )
