"""A dispatch or price signal that somebody says on an MQTT topic of his own, and what its silence means; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from hashbus.messages import CurtailmentRequest, Id
from hashbus.settings import BrokerSettings, Section
from hashbus_curtailer.triggers import json_path
from hashbus_curtailer.triggers.ask import Ask, HowMuch, as_before, leased
from hashbus_curtailer.triggers.strike import Count, Strike, recalled, turned

SOURCE = "signal"


class Reads(StrEnum):
    """What the number of a signal means."""

    TARGET_W = "target_w"
    LEVEL_PCT = "level_pct"
    LIMIT_W = "limit_w"
    IS_ON = "is_on"
    PRICE_PER_KWH = "price_per_kwh"


class Silence(StrEnum):
    """What to do when no source is fresh any more."""

    RELEASE = "release"
    HOLD = "hold"
    CURTAIL = "curtail"


class SignalSource(Section):
    """Where a signal is said, where in the payload its number is, and how old it may be."""

    name: Id
    topic: str = Field(min_length=1, max_length=500)
    broker: BrokerSettings | None = Field(None, description="The site's own when not given")
    path: str = Field(
        "", description="Of the number in a JSON payload: dispatch.sites[0].kw; empty: the payload itself"
    )
    reads: Reads = Field(description="target_w, level_pct, limit_w, is_on or price_per_kwh")
    scale: float = Field(1, description="The number times this is what `reads` says: 1000 for kilowatts")
    stale_after_s: Annotated[float, Field(gt=0, le=86_400)] = Field(300, description="Older than this it says nothing")
    time_path: str | None = Field(None, description="Where it says when it was made; a retained one counts only so")
    until_path: str | None = Field(None, description="Where it says until when it holds")
    strike: Strike | None = Field(None, description="For a price: from which on power is given up")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for path in (self.path, self.time_path or "", self.until_path or ""):
            if not json_path.is_path(path):
                raise ValueError(f"{path!r} is no path; write it as dispatch.sites[0].kw")
        if "+" in self.topic or "#" in self.topic:
            raise ValueError(f"topic {self.topic!r} is a pattern; a signal has one topic")
        if (self.strike is not None) != (self.reads is Reads.PRICE_PER_KWH):
            raise ValueError("`strike` goes with reads: price_per_kwh, and with nothing else")
        return self


class SignalSettings(Section):
    """Sources of the signal, the strongest first: the first that is fresh counts."""

    sources: tuple[SignalSource, ...] = Field(min_length=1, max_length=10)
    when_silent: Silence = Field(
        Silence.RELEASE, description="release: nothing asked; hold: as it was for `hold_s`; curtail: `much` is given up"
    )
    hold_s: Annotated[float, Field(ge=0, le=86_400)] = 900
    much: HowMuch = Field(HowMuch(level_pct=0), description="For is_on, for a price above its strike, and for silence")

    @model_validator(mode="after")
    def _has_names_of_its_own(self) -> Self:
        names = [source.name for source in self.sources]
        if len({*names}) != len(names):
            raise ValueError(f"sources need names of their own, not {', '.join(names)}")
        return self


@dataclass(frozen=True, slots=True)
class Said:
    """A payload of a source, and when it came; None when the broker had kept it, so that nobody knows."""

    payload: bytes
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Value:
    """What a source says: the number, when that was made, and until when it holds."""

    number: float
    at: datetime
    until: datetime | None = None


@dataclass(frozen=True)
class Signal:
    """What the sources said last, what is wrong with them, and how the prices among them were counted."""

    values: Mapping[str, Value] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, Count] = field(default_factory=dict)
    since: datetime | None = None


def heard(signal: Signal, source: SignalSource, said: Said) -> Signal:
    """Take in what a source said; what cannot be read is noted, and what was said before goes on to age."""
    try:
        value = _value(source, said)
    except json_path.NotThere as error:
        return replace(signal, problems={**signal.problems, source.name: f"{source.topic}: {error}"})
    problems = {name: problem for name, problem in signal.problems.items() if name != source.name}
    if value is None:
        return replace(signal, problems=problems)
    return replace(signal, values={**signal.values, source.name: value}, problems=problems)


def _value(source: SignalSource, said: Said) -> Value | None:
    whole = json_path.document(said.payload)
    made_at = json_path.moment(whole, source.time_path) if source.time_path else None
    known = [at for at in (said.at, made_at) if at is not None]
    if not known:
        return None
    until = json_path.moment(whole, source.until_path) if source.until_path else None
    number = json_path.number(whole, source.path) * source.scale
    bounds = {Reads.TARGET_W: 5e9, Reads.LIMIT_W: 5e9, Reads.LEVEL_PCT: 100.0}
    most = bounds.get(source.reads)
    if most is not None and not 0 <= number <= most:
        raise json_path.NotThere(f"{source.reads.value} is {number:g}, not between 0 and {most:g}")
    return Value(number, min(known), until)


def counted(signal: Signal, settings: SignalSettings, own: CurtailmentRequest | None, now: datetime) -> Signal:
    """Count the intervals of the sources that say a price; `own` is what an earlier run asked."""
    counts = dict(signal.counts)
    for source in settings.sources:
        if source.strike is not None:
            value = _fresh(signal, source, now)
            before = counts.get(source.name) or recalled(Count(), own, now)
            counts[source.name] = turned(before, value.number if value else None, source.strike, now)
    return replace(signal, counts=counts, since=signal.since or now)


def asked(signal: Signal, settings: SignalSettings, before: CurtailmentRequest | None, now: datetime) -> Ask | None:
    """Return what the strongest fresh source asks for; when all are silent, what that means."""
    for source in settings.sources:
        value = _fresh(signal, source, now)
        if value is not None:
            return _wanted(signal, source, value, settings, before, now)
    return _of_silence(signal, settings, before, now)


def _fresh(signal: Signal, source: SignalSource, now: datetime) -> Value | None:
    value = signal.values.get(source.name)
    is_fresh = value is not None and now - value.at <= timedelta(seconds=source.stale_after_s)
    return value if is_fresh else None


def _wanted(
    signal: Signal,
    source: SignalSource,
    value: Value,
    settings: SignalSettings,
    before: CurtailmentRequest | None,
    now: datetime,
) -> Ask | None:
    much = _much(signal, source, value, settings.much)
    if much is None or (value.until is not None and value.until <= now):
        return None
    lease = timedelta(seconds=max(300.0, 2 * source.stale_after_s))
    name, starts_at, ends_at = leased(before, lease, now, SOURCE)
    return Ask(name, starts_at, value.until or ends_at, much, f"signal {source.name} on {source.topic}"[:900])


def _much(signal: Signal, source: SignalSource, value: Value, usual: HowMuch) -> HowMuch | None:
    """Return how much a number asks for; None for nothing."""
    if source.reads is Reads.PRICE_PER_KWH:
        count = signal.counts.get(source.name)
        return usual if count and count.is_on else None
    if source.reads is Reads.IS_ON:
        return usual if value.number > 0 else None
    nothing = {Reads.TARGET_W: 0.0, Reads.LEVEL_PCT: 100.0}
    if value.number == nothing.get(source.reads):
        return None
    said = dict.fromkeys(("target_w", "level_pct", "limit_w")) | {source.reads.value: value.number}
    return usual.model_copy(update=said)


def _of_silence(
    signal: Signal, settings: SignalSettings, before: CurtailmentRequest | None, now: datetime
) -> Ask | None:
    heard_at = max([value.at for value in signal.values.values()], default=signal.since or now)
    longest_s = max(source.stale_after_s for source in settings.sources)
    is_young = not signal.values and now - heard_at <= timedelta(seconds=longest_s)
    held = as_before(before, now)
    if held is not None and is_young:
        # After a start nobody has had the time to say anything.
        return held
    if settings.when_silent is Silence.HOLD and held is not None:
        ends_at = heard_at + timedelta(seconds=settings.hold_s)
        why = f"no signal is heard, held until {ends_at:%H:%M:%S} UTC"
        return replace(held, ends_at=ends_at, why=why) if now < ends_at else None
    if settings.when_silent is not Silence.CURTAIL or now - heard_at <= timedelta(seconds=longest_s):
        return None
    name, starts_at, ends_at = leased(before, timedelta(seconds=max(300.0, 2 * longest_s)), now, SOURCE)
    return Ask(name, starts_at, ends_at, settings.much, "no signal is heard: the fail-safe of `when_silent: curtail`")
