"""The notifier's decision: what lasts becomes an alert, many of a kind become one, what is over is cleared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hashbus.messages import Alert, Message, Severity
from hashbus.step import Tick
from hashbus_notifier.rules import HEARS as FACTS
from hashbus_notifier.rules import Condition, findings
from hashbus_notifier.settings import NotifierSection

HEARS = (*FACTS, Alert)

SHOWN_NAMES = 5
"""So many of a group are named; the rest is a number."""

SEVERITIES = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Lasting:
    """A condition, since when it lasts, and since when it seems to be over."""

    condition: Condition
    since: datetime
    over_since: datetime | None = None


@dataclass(frozen=True)
class State:
    """What is wrong now, and what people have been told."""

    site: str
    settings: NotifierSection
    lasting: Mapping[str, Lasting] = field(default_factory=dict)
    told: Mapping[str, Alert] = field(default_factory=dict)


def step(state: State, heard: Message | Tick, now: datetime) -> tuple[State, Iterable[Message]]:
    """Take in what was heard; at each tick tell what has lasted, and clear what is over."""
    if isinstance(heard, Alert):
        return _recalled(state, heard), ()
    if isinstance(heard, Tick):
        return _told(_forgotten(state, now), now)
    return _noted(state, heard, now), ()


def _recalled(state: State, alert: Alert) -> State:
    """Know after a restart what people have already been told."""
    if alert.key in state.told or alert.cleared_at is not None:
        return state
    return replace(state, told={**state.told, alert.key: alert})


def _noted(state: State, message: Message, now: datetime) -> State:
    lasting = dict(state.lasting)
    for finding in findings(message, state.settings):
        known = lasting.get(finding.key)
        if isinstance(finding, Condition):
            lasting[finding.key] = Lasting(finding, known.since if known else now)
        elif known is not None and known.over_since is None:
            lasting[finding.key] = replace(known, over_since=now)
    return replace(state, lasting=lasting)


def _forgotten(state: State, now: datetime) -> State:
    """Drop what has been over for long enough; what comes back sooner never ended."""
    patience = timedelta(seconds=state.settings.clear_hold_s)
    lasting = {
        key: one for key, one in state.lasting.items() if one.over_since is None or now - one.over_since < patience
    }
    return replace(state, lasting=lasting)


def _told(state: State, now: datetime) -> tuple[State, list[Alert]]:
    due = _due(state, now)
    news = [alert for key, alert in due.items() if _is_news(state.told.get(key), alert)]
    cleared = [
        alert.model_copy(update={"at": now, "cleared_at": now}) for key, alert in state.told.items() if key not in due
    ]
    told = {**{key: state.told.get(key, alert) for key, alert in due.items()}, **{alert.key: alert for alert in news}}
    return replace(state, told=told), [*news, *cleared]


def _is_news(before: Alert | None, alert: Alert) -> bool:
    """Say whether people should hear of it: it is new, it got worse, or its group has at least doubled."""
    if before is None:
        return True
    return SEVERITIES.index(alert.severity) > SEVERITIES.index(before.severity) or alert.count >= 2 * before.count


def _due(state: State, now: datetime) -> dict[str, Alert]:
    """Return every alert that should stand now, by its key; many of a kind are one."""
    kinds: dict[str, list[Lasting]] = defaultdict(list)
    for one in state.lasting.values():
        is_told = one.condition.key in state.told or one.condition.kind in state.told
        has_lasted = one.over_since is None and now - one.since >= timedelta(seconds=one.condition.hold_s)
        if is_told or has_lasted:
            kinds[one.condition.kind].append(one)
    alerts = {}
    for kind, members in kinds.items():
        found = (
            [_group(state, kind, members, now)]
            if len(members) >= state.settings.group_from
            else [_single(state, member, now) for member in members]
        )
        alerts.update({alert.key: alert for alert in found})
    return alerts


def _single(state: State, one: Lasting, now: datetime) -> Alert:
    condition = one.condition
    return Alert(
        site=state.site,
        at=now,
        key=condition.key,
        severity=condition.severity,
        title=condition.title,
        text=condition.text,
        since=one.since,
    )


def _group(state: State, kind: str, members: list[Lasting], now: datetime) -> Alert:
    names = sorted(member.condition.who for member in members)
    rest = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    worst = max((member.condition.severity for member in members), key=SEVERITIES.index)
    return Alert(
        site=state.site,
        at=now,
        key=kind,
        severity=worst,
        title=f"{len(names)} × {kind.replace('-', ' ')}",
        text=", ".join(names[:SHOWN_NAMES]) + rest,
        since=min(member.since for member in members),
        count=len(names),
    )
