"""What a plan really delivers: each miner's saving by its own fresh readings, against what it drew before."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hashbus.messages import CurtailmentPlan, MinerState, MinerTelemetry, PlannedMiner
from hashbus_curtailer.fleet import Fleet
from hashbus_curtailer.settings import CurtailerSection

ASLEEP_BELOW_W = 100.0
"""Standby is 10 to 30 W of control board and fans; a hashboard that runs draws hundreds."""


ENOUGH, ENOUGH_SHARE = 10, 0.05
"""So many miners, and such a share of the plan, tell how the others will do; fewer may be the odd ones."""


@dataclass(frozen=True)
class Delivery:
    """Who follows and how many watts that saves, who may still show it, and who does not."""

    confirmed_w: Mapping[str, float] = field(default_factory=dict)
    waiting_w: Mapping[str, float] = field(default_factory=dict)
    failed: frozenset[str] = frozenset()
    planned_w: float = 0.0
    """What those who follow were planned to save."""

    @property
    def delivered_w(self) -> float:
        """Return what is saved by readings."""
        return sum(self.confirmed_w.values())

    @property
    def yields(self) -> float:
        """Return what is really saved of what was planned, as a fraction: sleepers draw more than was thought.

        It is 1 until enough miners have shown it, and never more.
        """
        count = len(self.confirmed_w)
        is_known = count >= max(ENOUGH, ENOUGH_SHARE * (count + len(self.waiting_w))) and self.planned_w > 0
        return min(1.0, max(0.5, self.delivered_w / self.planned_w)) if is_known else 1.0

    @property
    def expected_w(self) -> float:
        """Return what is saved when everyone who may still show it does as those did who have."""
        return self.delivered_w + sum(self.waiting_w.values()) * self.yields


def delivery(
    plan: CurtailmentPlan, fleet: Fleet, settings: CurtailerSection, now: datetime, refused: Collection[str] = ()
) -> Delivery:
    """Judge every part of the plan by what its miner shows now.

    A reading counts when it is fresh and was taken after the miner was told; `refused` said no.
    """
    confirmed, waiting, failed, planned_w = {}, {}, set(), 0.0
    told_late = now - timedelta(seconds=settings.patience_s)
    shows = _Shows(fleet, settings, now)
    for part in plan.miners:
        starts_at = part.starts_at or plan.starts_at
        if part.ends_at and part.ends_at <= now:
            continue
        drawn_w = shows.drawn_w(part.miner, starts_at)
        if drawn_w is not None and drawn_w <= _most_w(part, settings):
            confirmed[part.miner] = before_w(part, settings) - drawn_w
            planned_w += part.saves_w
        elif part.miner in refused or starts_at < told_late:
            failed.add(part.miner)
        else:
            waiting[part.miner] = part.saves_w
    return Delivery(confirmed, waiting, frozenset(failed), planned_w)


class _Shows:
    """What miners draw by readings that count. It is asked for every part of a plan, so it does little."""

    def __init__(self, fleet: Fleet, settings: CurtailerSection, now: datetime) -> None:
        """Look at the readings of `now`."""
        shelf_life = MinerTelemetry.topic.stale_after
        self._readings, self._gone = fleet.readings, fleet.gone
        self._oldest = now - shelf_life if shelf_life else None
        self._asleep_w = settings.asleep_draws_w

    def drawn_w(self, miner: str, since: datetime) -> float | None:
        """Return what a miner draws by a fresh reading taken since then; None when there is none."""
        reading = self._readings.get(miner)
        if reading is None or reading.at < since or miner in self._gone:
            return None
        if self._oldest is not None and reading.at < self._oldest:
            return None
        if reading.power_w is None and reading.state is MinerState.SLEEPING:
            return self._asleep_w
        return reading.power_w


def before_w(part: PlannedMiner, settings: CurtailerSection) -> float:
    """Return what the miner drew before the plan."""
    return part.saves_w + max(part.cap_w, settings.asleep_draws_w)


def _most_w(part: PlannedMiner, settings: CurtailerSection) -> float:
    return part.cap_w * (1 + settings.tolerance_pct / 100) if part.cap_w else ASLEEP_BELOW_W


@dataclass(frozen=True)
class Seen:
    """A judgement and what it was made of: the same again is not made again."""

    plan: CurtailmentPlan
    fleet: Fleet
    refused: frozenset[str]
    at: datetime
    shown: Delivery


def seen(
    before: Seen | None,
    plan: CurtailmentPlan,
    fleet: Fleet,
    refused: frozenset[str],
    settings: CurtailerSection,
    now: datetime,
) -> Seen:
    """Return the judgement of now, or the one of before where nothing is different since."""
    is_same = before is not None and before.plan is plan and before.fleet is fleet
    if before is not None and is_same and before.at == now and before.refused == refused:
        return before
    return Seen(plan, fleet, refused, now, delivery(plan, fleet, settings, now, refused))
