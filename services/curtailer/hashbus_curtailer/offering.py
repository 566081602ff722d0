"""Answers what a curtailment would be, without one; pure."""

from __future__ import annotations

from datetime import datetime

from hashbus.messages import CurtailmentOffer, CurtailmentQuestion, CurtailmentRequest, SkippedMiner
from hashbus_curtailer.drafting import priced, target_w
from hashbus_curtailer.fleet import candidates
from hashbus_curtailer.plan import aim_of
from hashbus_curtailer.select import select
from hashbus_curtailer.state import State

ASKS = "somebody would ask"


def offered(state: State, question: CurtailmentQuestion, now: datetime) -> CurtailmentOffer:
    """Return the plan that a request with these figures would get now, at the first answer's quality.

    Who is down for a plan already has nothing more to give, and is named so.
    """
    request = _request_of(question)
    found, skipped = candidates(state.fleet, state.settings, now, groups=request.groups)
    asked_w = target_w(state, request, now)
    selection = select(found, asked_w, aim=aim_of(request), overshoot_w=state.settings.overshoot_w)
    plan = priced(state, request, selection, skipped, now)
    return CurtailmentOffer(
        site=question.site,
        at=now,
        asker=question.source,
        id=question.id,
        strategy=plan.strategy,
        target_w=plan.target_w,
        planned_w=plan.planned_w,
        missing_w=plan.missing_w,
        loses_ths=selection.loses_ths,
        costs_usd=plan.costs_usd,
        miners=plan.miners,
        skipped=tuple(SkippedMiner(miner=miner, reason=skip.value) for miner, skip in skipped.items()),
        why=plan.why.removeprefix(f"{ASKS}: "),
    )


def _request_of(question: CurtailmentQuestion) -> CurtailmentRequest:
    return CurtailmentRequest(
        site=question.site,
        at=question.at,
        source=question.source,
        id=question.id,
        target_w=question.target_w,
        level_pct=question.level_pct,
        limit_w=question.limit_w,
        starts_at=question.starts_at,
        ends_at=question.ends_at,
        strategy=question.strategy,
        groups=question.groups,
        why=ASKS,
    )
