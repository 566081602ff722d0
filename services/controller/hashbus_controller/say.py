"""What is said about one miner: its setpoint, the decision that explains it, and what must be remembered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hashbus.messages import Decision, Message, MinerInfo, PowerSetpoint
from hashbus_controller import fast, replay
from hashbus_controller.arbiter import Verdict
from hashbus_controller.decide import highest, reachable_w, resting
from hashbus_controller.held import Held
from hashbus_controller.memory import of_miner
from hashbus_controller.patience import Wait, held_or_found, may_speak, of_last_day, wait
from hashbus_controller.state import State

SPREAD = 0.2
"""Renewals are spread over the last fifth of half a lease, so that a farm is not renewed all at once."""


@dataclass(frozen=True, slots=True)
class Asserted:
    """What is held for a miner from now on, what is said about it, and whether its power changes."""

    held: Held
    said: tuple[Message, ...]
    is_change: bool
    is_news: bool


def asserted(state: State, miner: str, verdict: Verdict, name: str, now: datetime) -> Asserted | None:
    """Give a miner the power of its verdict, as far as it may change now; None when there is nothing to say.

    `name` is the id of a new decision.
    """
    info, held = state.infos[miner], state.held.get(miner)
    wanted_w = reachable_w(verdict.power_w, info)
    if wanted_w is None or (held is None and not may_speak(state, verdict, now)):
        return None
    waits, found = wait(state, info, verdict, wanted_w, now), held_or_found(state, miner, now)
    power_w = found.power_w if found and waits else wanted_w
    explained = _explained(power_w, verdict, waits)
    is_change = held is None or held.power_w != power_w
    is_news = held is None or is_change or not held.decision or held.explained != explained
    if held and not is_news and not _is_due(held, now):
        return None
    new = _held(state, info, verdict, waits, power_w, now)
    new = replace(new, explained=explained, decision=held.decision if held and not is_news else name)
    said: list[Message] = []
    if is_news:
        said.append(_decision(state, info, verdict, new, (found.power_w if found else None, waits, wanted_w), now))
    said.append(_setpoint(state, miner, new, waits.why if waits else verdict.why, now))
    if is_change:
        said.append(of_miner(state, miner, new, now))
    return Asserted(new, tuple(said), is_change, is_news)


def _is_due(held: Held, now: datetime) -> bool:
    """Say whether the lease is to be renewed; also when the clock was put back."""
    return held.due_at is None or now >= held.due_at or now < held.said_at


def _explained(power_w: float, verdict: Verdict, waits: Wait | None) -> tuple[object, ...]:
    effects = tuple((one.bid.key, one.effect, _end(one.bid.asks())) for one in verdict.outcomes)
    return power_w, verdict.winner, verdict.why, waits, effects


def _end(asked: tuple[object, ...]) -> object:
    return asked[-1]


def _held(state: State, info: MinerInfo, verdict: Verdict, waits: Wait | None, power_w: float, now: datetime) -> Held:
    before = held_or_found(state, info.miner, now)
    is_change = before is None or before.power_w != power_w
    restarts_at = of_last_day(before.restarts_at, now) if before else ()
    if is_change and before is not None and not fast.is_free(state, info, before, power_w, now):
        restarts_at = (*restarts_at, now)
    due_at = now + _renewal(state, info.miner)
    return Held(
        power_w=power_w,
        decision="",
        said_at=now,
        limit_w=fast.standing_limit(state, info, power_w, now),
        changed_at=now if is_change or before is None else before.changed_at,
        due_at=min(due_at, waits.until) if waits and waits.until else due_at,
        winner=before.winner if waits and before else verdict.winner,
        lower_w=verdict.lower_w,
        upper_w=verdict.upper_w,
        restarts_at=restarts_at,
    )


def _renewal(state: State, miner: str) -> timedelta:
    """Return how long until the lease is renewed: up to half of it, by name a little earlier."""
    place = sum(miner.encode()) % 16 / 16
    return timedelta(seconds=state.settings.lease_s / 2 * (1 - SPREAD * place))


def _setpoint(state: State, miner: str, held: Held, reason: str, now: datetime) -> PowerSetpoint:
    return PowerSetpoint(
        site=state.site,
        at=now,
        miner=miner,
        power_w=held.power_w,
        limit_w=held.limit_w,
        valid_until=now + timedelta(seconds=state.settings.lease_s),
        reason=reason[:1000],
        decision=held.decision,
    )


def _decision(
    state: State,
    info: MinerInfo,
    verdict: Verdict,
    held: Held,
    change: tuple[float | None, Wait | None, float],
    now: datetime,
) -> Decision:
    previous_w, waits, wanted_w = change
    return Decision(
        site=state.site,
        at=now,
        miner=info.miner,
        id=held.decision,
        power_w=held.power_w,
        previous_w=previous_w,
        winner=verdict.winner,
        reason=verdict.why[:1000],
        bids=verdict.bids,
        held_back_by=waits.why[:1000] if waits else None,
        next_change_at=waits.until if waits else None,
        wanted_w=wanted_w,
        highest_w=highest(state, info),
        resting_w=resting(state, info),
        reach=replay.reach_of(info),
        is_automatic=state.is_enabled,
    )
