"""What may change now: small, frequent and dear changes wait, unless safety, grid, a limit or a person wants less.

Most miners restart mining at each change of power. The rules, in this order: less for one of the strong ranks at once;
nothing below the least step; nothing within the interval; nothing that was not heard yet after a start; no more
restarts than a day has; nothing for heat or money that does not earn its restart back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hashbus.messages import BidEffect, MinerInfo, MinerState, Rank
from hashbus_controller import fast
from hashbus_controller.arbiter import Verdict
from hashbus_controller.costs import loss_wh
from hashbus_controller.held import Held
from hashbus_controller.state import UNLIMITED, State

AT_ONCE = (Rank.SAFETY, Rank.ANTIFREEZE, Rank.GRID, Rank.SITE_LIMIT, Rank.OVERRIDE)
"""Less power for one of these never waits for the interval between two changes."""

PROTECTING = (*AT_ONCE, Rank.CLOUD, Rank.BATTERY, Rank.HEAT)
"""A cap of one of these is followed however many restarts a day had; the heating caps only a zone that is too warm."""

WEIGHED = (Rank.HEAT, Rank.ECONOMICS)
"""A change for one of these must earn back what its restart loses; so must one for surplus power."""

PATIENCE = timedelta(seconds=90)
"""A portal is read every minute; a home must not go dark at every start of the controller because of that."""

DAY = timedelta(hours=24)

LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a change is not made now, and when it may be; None: when something else changes."""

    why: str
    until: datetime | None = None


def wait(state: State, info: MinerInfo, verdict: Verdict, wanted_w: float, now: datetime) -> Wait | None:
    """Return why the change to `wanted_w` waits; None when it may be made."""
    held = held_or_found(state, info.miner, now)
    if held is None or wanted_w == held.power_w:
        return None
    if wanted_w < held.power_w and _is_capped(verdict, held, AT_ONCE):
        return None
    is_fast = fast.standing_limit(state, info, wanted_w, now) is not None
    if fast.is_free(state, info, held, wanted_w, now):
        return (
            _too_small(state, info, verdict, held, wanted_w)
            or _too_soon(state, info, held, wanted_w, now, is_fast=is_fast)
            or unheard(state, now)
        )
    return (
        _too_small(state, info, verdict, held, wanted_w)
        or _too_soon(state, info, held, wanted_w, now)
        or unheard(state, now)
        or _used_up(state, info, verdict, held, wanted_w, now)
        or _too_dear(state, info, verdict, held, wanted_w)
    )


def held_or_found(state: State, miner: str, now: datetime) -> Held | None:
    """Return what a miner was told last, or, told nothing yet, the power at which it was found."""
    held, reading = state.held.get(miner), state.readings.get(miner)
    if held is not None or reading is None or reading.is_stale(now):
        return held
    found_w = 0.0 if reading.state is MinerState.SLEEPING else reading.power_limit_w
    return None if found_w is None else Held(found_w, "", LONG_AGO, LONG_AGO)


def _is_capped(verdict: Verdict, held: Held, ranks: tuple[Rank, ...]) -> bool:
    return any(
        one.bid.rank in ranks and one.bid.cap_w is not None and one.bid.cap_w < held.power_w for one in verdict.outcomes
    )


def _too_small(state: State, info: MinerInfo, verdict: Verdict, held: Held, wanted_w: float) -> Wait | None:
    own = state.settings.miners.get(info.miner, UNLIMITED).min_step_w
    step_w = state.settings.min_step_w if own is None else own
    is_within = verdict.lower_w <= held.power_w <= verdict.upper_w
    if wanted_w > 0 and is_within and abs(wanted_w - held.power_w) < step_w:
        return Wait(f"{wanted_w:g} W is less than {step_w:g} W away")
    return None


def _too_soon(
    state: State, info: MinerInfo, held: Held, wanted_w: float, now: datetime, *, is_fast: bool = False
) -> Wait | None:
    own = state.settings.miners.get(info.miner, UNLIMITED).min_interval_s
    interval_s = state.settings.min_interval_s if own is None else own
    if is_fast:
        interval_s = min(interval_s, state.settings.fast_interval_s)
    next_at = held.changed_at + timedelta(seconds=interval_s)
    if now < next_at:
        return Wait(f"{wanted_w:g} W waits until {next_at:%H:%M:%S} UTC, after the last change", next_at)
    return None


def may_speak(state: State, verdict: Verdict, now: datetime) -> bool:
    """Say whether a miner that was told nothing yet may be: right after a start only for one of the strong ranks."""
    is_strong = any(one.bid.rank in AT_ONCE and one.effect is not BidEffect.IDLE for one in verdict.outcomes)
    return is_strong or unheard(state, now) is None


def unheard(state: State, now: datetime) -> Wait | None:
    """Return what has not been heard yet since the start; until then, what an earlier run set holds."""
    if state.started_at is None or now >= (end := state.started_at + PATIENCE):
        return None
    for name, policy in state.policies.waiting:
        if what := policy.waits_for(state.memories[name]):
            return Wait(f"the controller has just started and waits for {what}", end)
    return None


def _used_up(
    state: State, info: MinerInfo, verdict: Verdict, held: Held, wanted_w: float, now: datetime
) -> Wait | None:
    if wanted_w < held.power_w and _is_capped(verdict, held, PROTECTING):
        return None
    own = state.settings.miners.get(info.miner, UNLIMITED).restarts_per_day
    budget = state.settings.restarts_per_day if own is None else own
    restarts = of_last_day(held.restarts_at, now)
    if len(restarts) < budget:
        return None
    next_at = restarts[len(restarts) - budget] + DAY if budget else None
    until = f" until {next_at:%Y-%m-%d %H:%M} UTC" if next_at else ""
    return Wait(f"{wanted_w:g} W waits{until}: its {budget} restarts in 24 h are used up", next_at)


def _too_dear(state: State, info: MinerInfo, verdict: Verdict, held: Held, wanted_w: float) -> Wait | None:
    if not _is_weighed(verdict):
        return None
    lost_wh = loss_wh(info, state.readings.get(info.miner), state.costs.get(info.miner), min(held.power_w, wanted_w))
    payback_s = lost_wh * 3600 / abs(wanted_w - held.power_w)
    if payback_s <= state.settings.payback_s:
        return None
    source = "learnt" if info.miner in state.costs else "estimated"
    return Wait(
        f"{wanted_w:g} W is not worth a restart: it loses {lost_wh:.0f} Wh of mining ({source}), and "
        f"{abs(wanted_w - held.power_w):g} W earn that back in {payback_s / 60:.0f} min, "
        f"more than {state.settings.payback_s / 60:g} min"
    )


def _is_weighed(verdict: Verdict) -> bool:
    """Say whether the change is made for heat, for money, or to catch surplus power: a floor or wish by the battery."""
    if verdict.rank in WEIGHED:
        return True
    won = next((one.bid for one in verdict.outcomes if one.effect is BidEffect.WON), None)
    return won is not None and won.rank is Rank.BATTERY and won.cap_w is None


def of_last_day(restarts: tuple[datetime, ...], now: datetime) -> tuple[datetime, ...]:
    """Return the restarts of the last 24 h."""
    return tuple(at for at in restarts if now - at < DAY)
