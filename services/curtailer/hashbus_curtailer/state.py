"""What the curtailer knows: the fleet, who asks for what, and the plan that runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hashbus.messages import CurtailmentPlan, CurtailmentRequest, MeterTelemetry, PlanProgress
from hashbus_curtailer.delivery import Seen
from hashbus_curtailer.fleet import Fleet, Skip
from hashbus_curtailer.plan import FINAL
from hashbus_curtailer.prices import Prices
from hashbus_curtailer.question import Question
from hashbus_curtailer.settings import CurtailerSection


@dataclass(frozen=True)
class State:
    """Everything a decision is made from; a new one comes out of every step.

    `ruled` is the request that the plan followed last.
    """

    site: str
    settings: CurtailerSection
    started_at: datetime | None = None
    fleet: Fleet = field(default_factory=Fleet)
    requests: Mapping[str, CurtailmentRequest] = field(default_factory=dict)
    plan: CurtailmentPlan | None = None
    selected_at: datetime | None = None
    adjusted_at: datetime | None = None
    question: Question | None = None
    refused: frozenset[str] = frozenset()
    skipped: Mapping[str, Skip] = field(default_factory=dict)
    progress: PlanProgress | None = None
    ruled: CurtailmentRequest | None = None
    seen: Seen | None = None
    meter: MeterTelemetry | None = None
    prices: Prices = field(default_factory=Prices)

    @property
    def living(self) -> CurtailmentPlan | None:
        """Return the plan that is not over."""
        return self.plan if self.plan and self.plan.state not in FINAL else None

    def meter_now_w(self, now: datetime) -> float | None:
        """Return what the site's meter shows; None when there is none or it is not fresh."""
        return None if self.meter is None or self.meter.is_stale(now) else self.meter.power_w


def ruling(state: State, now: datetime) -> CurtailmentRequest | None:
    """Return the request that counts now: of those begun, the one of the strongest source; else the next to begin."""
    alive = [request for request in state.requests.values() if _is_alive(request, state.settings, now)]
    begun = [request for request in alive if request.starts_at <= now]
    if begun:
        return min(begun, key=lambda request: _strength(request, state.settings))
    return min(alive, key=lambda request: (request.starts_at, _strength(request, state.settings)), default=None)


def _is_alive(request: CurtailmentRequest, settings: CurtailerSection, now: datetime) -> bool:
    silent_after_s = settings.silent_after_s.get(request.source)
    is_silent = silent_after_s is not None and now - request.at > timedelta(seconds=silent_after_s)
    return not request.is_cancelled and now < request.ends_at and not is_silent


def _strength(request: CurtailmentRequest, settings: CurtailerSection) -> tuple[int, str]:
    ranks = {source: rank for rank, source in enumerate(settings.precedence)}
    return ranks.get(request.source, len(ranks)), request.source
