"""What a trigger asks for, and the request on the bus that says so; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from pydantic import Field, model_validator

from hashbus.messages import CurtailmentRequest, Id
from hashbus.settings import Section
from hashbus.units import Percent, Seconds, Watts
from hashbus_curtailer.strategy import Strategy

AHEAD = timedelta(hours=24)
"""So long before it begins, what is known to come is shown as a plan that waits."""


class HowMuch(Section):
    """How much power a trigger asks for, and how."""

    target_w: Watts | None = Field(None, description="Watts to give up")
    level_pct: Percent | None = Field(None, description="Down to this much of what the miners draw; 0 is everything")
    limit_w: Watts | None = Field(None, description="Down to these watts of all miners together")
    strategy: Strategy = Strategy.PERFORMANCE_PRIORITY
    ramp_s: Seconds = Field(0, description="Go down in groups over this time")
    groups: tuple[Id, ...] = Field((), description="Only miners of these groups; empty: all")

    @model_validator(mode="after")
    def _is_one_target(self) -> Self:
        if [self.target_w, self.level_pct, self.limit_w].count(None) != 2:
            raise ValueError("say how much: one of target_w, level_pct and limit_w; level_pct: 0 is all there is")
        return self


@dataclass(frozen=True)
class Ask:
    """What a trigger wants now, or soon: how much, from when until when, and why."""

    id: str
    starts_at: datetime
    ends_at: datetime
    much: HowMuch
    why: str


def is_alive(request: CurtailmentRequest, now: datetime) -> bool:
    """Say whether a request still asks for something."""
    return not request.is_cancelled and now < request.ends_at


def request_of(ask: Ask, site: str, source: str, now: datetime) -> CurtailmentRequest:
    """Return the request that says what is asked."""
    return CurtailmentRequest(
        site=site,
        at=now,
        source=source,
        id=ask.id[:48],
        target_w=ask.much.target_w,
        level_pct=ask.much.level_pct,
        limit_w=ask.much.limit_w,
        starts_at=ask.starts_at,
        ends_at=ask.ends_at,
        strategy=ask.much.strategy.value,
        ramp_s=ask.much.ramp_s,
        groups=ask.much.groups,
        why=ask.why[:1000],
    )


def as_before(before: CurtailmentRequest | None, now: datetime) -> Ask | None:
    """Return what is asked already: nothing is known yet that would change it."""
    if before is None or not is_alive(before, now):
        return None
    much = HowMuch(
        target_w=before.target_w,
        level_pct=before.level_pct,
        limit_w=before.limit_w,
        strategy=Strategy(before.strategy),
        ramp_s=before.ramp_s,
        groups=before.groups,
    )
    return Ask(before.id, before.starts_at, before.ends_at, much, before.why)


def news(
    ask: Ask | None, before: CurtailmentRequest | None, site: str, source: str, now: datetime
) -> CurtailmentRequest | None:
    """Return what must be said on the bus: a request that is new or changed, or the end of one; None: nothing."""
    if ask is None:
        if before is None or not is_alive(before, now):
            return None
        return before.model_copy(update={"at": now, "is_cancelled": True})
    asked = request_of(ask, site, source, now)
    if before is not None and before.model_copy(update={"at": now}) == asked:
        return None
    return asked


def leased(
    before: CurtailmentRequest | None, lease: timedelta, now: datetime, prefix: str
) -> tuple[str, datetime, datetime]:
    """Return id, begin and end of a request that has no end of its own.

    It holds for `lease` and is renewed at half of it, so that it lapses when nobody renews it.
    """
    if before is None or not is_alive(before, now):
        return f"{prefix}-{now:%Y%m%dT%H%M%S}", now, now + lease
    ends_at = before.ends_at if before.ends_at - now > lease / 2 else now + lease
    return before.id, before.starts_at, ends_at
