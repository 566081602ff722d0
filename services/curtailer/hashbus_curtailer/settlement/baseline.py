"""What would have been drawn without the curtailment, and so what it delivered; pure.

The method is the 10-of-10 of the California ISO (tariff 4.13.4, also AEMO's baseline methodology register): the mean of
the same hours of the ten most recent like days without an event, of 45 days back at most, moved by what was drawn
on the day itself before the event (second to fourth hour before it), by at most 20 %. Weekends and holidays are like
each other: of them the four most recent count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from statistics import fmean
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from hashbus.messages import Moment
from hashbus_curtailer.triggers.schedule import DAYS, Day

Energy = Mapping[datetime, float]
"""Watt-hours by the beginning of each interval; what was not recorded is not in it."""

BEFORE_FROM, BEFORE_TO = timedelta(hours=4), timedelta(hours=1)
"""The adjustment looks at these hours before the event: the last one is left out, in which people already prepare."""

FLAT = timedelta(hours=1)
"""Without like days the hour before the event stands for what would have been drawn."""


class Part(BaseModel):
    """A part of the document."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Event(Part):
    """What was asked."""

    starts_at: Moment
    ends_at: Moment
    target_w: float


class Rules(Part):
    """How the baseline is made; all of it stands in the document."""

    interval_s: int = 900
    time_zone: str = "UTC"
    like_days: int = 10
    least_days: int = 5
    like_weekend_days: int = 4
    least_weekend_days: int = 4
    lookback_days: int = 45
    adjustment_cap_pct: float = 20
    weekend: tuple[Day, ...] = (Day.SAT, Day.SUN)
    holidays: tuple[date, ...] = ()

    @property
    def step(self) -> timedelta:
        """Return the length of an interval."""
        return timedelta(seconds=self.interval_s)

    def is_weekend(self, day: date) -> bool:
        """Say whether a day is compared with weekends."""
        return DAYS[day.weekday()] in self.weekend or day in self.holidays


class Interval(Part):
    """One interval of the event."""

    starts_at: Moment
    baseline_wh: float
    metered_wh: float
    delivered_wh: float
    promised_wh: float


class Result(Part):
    """What was delivered."""

    method: str
    days: tuple[date, ...] = ()
    adjustment: float = 1.0
    intervals: tuple[Interval, ...] = ()
    baseline_wh: float = 0.0
    metered_wh: float = 0.0
    delivered_wh: float = 0.0
    promised_wh: float = 0.0
    score_pct: float = 0.0
    problem: str | None = None


@dataclass(frozen=True)
class Baseline:
    """What would have been drawn in each interval, and how that was found."""

    method: str
    energy: Energy
    days: tuple[date, ...] = ()
    adjustment: float = 1.0
    problem: str | None = None


def settled(event: Event, others: Sequence[tuple[datetime, datetime]], rules: Rules, energy: Energy) -> Result:
    """Return what an event delivered, by the energy that was recorded; `others` are the other events of the site."""
    base = _baseline(event, others, rules, energy)
    if base is None:
        return Result(method="none", problem="neither like days nor the hour before the event are in the record")
    parts = tuple(_interval(at, event, rules, base, energy) for at in intervals(event, rules))
    gaps = sum(at not in energy for at in intervals(event, rules))
    problem = base.problem or ""
    if gaps:
        problem += (
            f"{'; ' if problem else ''}{gaps} of {len(parts)} intervals are not in the record and count as nothing"
        )
    promised = sum(part.promised_wh for part in parts)
    # What is delivered beyond the promise of one interval does not make up for another.
    kept = sum(min(max(part.delivered_wh, 0.0), part.promised_wh) for part in parts)
    return Result(
        method=base.method,
        days=base.days,
        adjustment=round(base.adjustment, 6),
        intervals=parts,
        baseline_wh=round(sum(part.baseline_wh for part in parts), 3),
        metered_wh=round(sum(part.metered_wh for part in parts), 3),
        delivered_wh=round(sum(part.delivered_wh for part in parts), 3),
        promised_wh=round(promised, 3),
        score_pct=round(100 * kept / promised, 2) if promised else 100.0,
        problem=problem or None,
    )


def intervals(event: Event, rules: Rules) -> list[datetime]:
    """Return the intervals of the meter that an event touches, by their beginnings."""
    return list(_between(event.starts_at, event.ends_at, rules.step))


def _between(start: datetime, stop: datetime, step: timedelta) -> Iterator[datetime]:
    at = _floored(start, step)
    while at < stop:
        yield at
        at += step


def _floored(at: datetime, step: timedelta) -> datetime:
    return at - timedelta(seconds=at.timestamp() % step.total_seconds())


def _interval(at: datetime, event: Event, rules: Rules, base: Baseline, energy: Energy) -> Interval:
    baseline_wh = base.energy[at]
    metered_wh = energy.get(at, baseline_wh)
    overlap = min(event.ends_at, at + rules.step) - max(event.starts_at, at)
    return Interval(
        starts_at=at,
        baseline_wh=round(baseline_wh, 3),
        metered_wh=round(metered_wh, 3),
        delivered_wh=round(baseline_wh - metered_wh, 3),
        promised_wh=round(event.target_w * overlap.total_seconds() / 3600, 3),
    )


def _baseline(
    event: Event, others: Sequence[tuple[datetime, datetime]], rules: Rules, energy: Energy
) -> Baseline | None:
    during, before = intervals(event, rules), _before(event, rules)
    first = _local(event.starts_at, rules).date()
    is_weekend = rules.is_weekend(first)
    wanted = rules.like_weekend_days if is_weekend else rules.like_days
    least = rules.least_weekend_days if is_weekend else rules.least_days
    like = []
    for day in days_to_look_at(event, others, rules):
        if all(moved(at, first, day, rules) in energy for at in (*during, *before)):
            like.append(day)
        if len(like) == wanted:
            break
    if len(like) < least:
        return _flat(event, rules, energy, f"only {len(like)} of {least} like days without an event are in the record")
    raw = {at: fmean(energy[moved(at, first, day, rules)] for day in like) for at in (*during, *before)}
    factor, problem = _adjustment(before, raw, energy, others, rules)
    name = f"{wanted}-of-{wanted}, {'weekends' if is_weekend else 'weekdays'}"
    return Baseline(name, {at: raw[at] * factor for at in during}, tuple(like), factor, problem)


def days_to_look_at(event: Event, others: Iterable[tuple[datetime, datetime]], rules: Rules) -> Iterator[date]:
    """Yield the like days before the event without an event of their own, the most recent first."""
    first = _local(event.starts_at, rules).date()
    taken = {_local(at, rules).date() for start, stop in others for at in _between(start, stop, timedelta(hours=1))}
    for back in range(1, rules.lookback_days + 1):
        day = first - timedelta(days=back)
        if day not in taken and rules.is_weekend(day) == rules.is_weekend(first):
            yield day


def _before(event: Event, rules: Rules) -> list[datetime]:
    start = _floored(event.starts_at, rules.step)
    return list(_between(start - BEFORE_FROM, start - BEFORE_TO, rules.step))


def _flat(event: Event, rules: Rules, energy: Energy, problem: str) -> Baseline | None:
    start = _floored(event.starts_at, rules.step)
    known = [energy[at] for at in _between(start - FLAT, start, rules.step) if at in energy]
    if not known:
        return None
    return Baseline("hour before the event", dict.fromkeys(intervals(event, rules), fmean(known)), problem=problem)


def _adjustment(
    before: Sequence[datetime], raw: Energy, energy: Energy, others: Iterable[tuple[datetime, datetime]], rules: Rules
) -> tuple[float, str | None]:
    """Return the factor on the baseline, and why there is none where that is so."""
    if any(start < before[-1] + rules.step and before[0] < stop for start, stop in others):
        return 1.0, "not adjusted: another event was in the hours before"
    if not all(at in energy for at in before):
        return 1.0, "not adjusted: the hours before are not in the record"
    usual = sum(raw[at] for at in before)
    if usual <= 0:
        return 1.0, "not adjusted: nothing was drawn in these hours on the like days"
    most = rules.adjustment_cap_pct / 100
    return min(1 + most, max(1 - most, sum(energy[at] for at in before) / usual)), None


def moved(at: datetime, first: date, day: date, rules: Rules) -> datetime:
    """Return the same time on the clock of the site, on another day; `first` is the day on which the event began."""
    local = _local(at, rules)
    there = day + (local.date() - first)
    clock = time(local.hour, local.minute, local.second, fold=local.fold)
    return datetime.combine(there, clock, ZoneInfo(rules.time_zone)).astimezone(UTC)


def _local(at: datetime, rules: Rules) -> datetime:
    return at.astimezone(ZoneInfo(rules.time_zone))


def spans(
    event: Event, others: Sequence[tuple[datetime, datetime]], rules: Rules
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the stretches of the record that a settlement may need: the event's own, then those of the like days."""
    start = _floored(event.starts_at, rules.step) - BEFORE_FROM
    stop = intervals(event, rules)[-1] + rules.step
    yield start, stop
    first = _local(event.starts_at, rules).date()
    for day in days_to_look_at(event, others, rules):
        began = moved(start, first, day, rules)
        yield began, began + (stop - start) + timedelta(hours=1)
