"""The decision of all triggers together: from what is known to the requests that must be said on the bus. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hashbus.messages import CurtailmentRequest, Message, PowerPrice
from hashbus.step import Tick
from hashbus_curtailer.triggers import openadr, peaks, schedule, signal, strike
from hashbus_curtailer.triggers.ask import Ask, as_before, news
from hashbus_curtailer.triggers.settings import Triggers

HEARS = (PowerPrice, CurtailmentRequest)
SOURCES = (schedule.SOURCE, strike.SOURCE, signal.SOURCE, peaks.SOURCE, openadr.SOURCE)

SETTLING = timedelta(seconds=2)
"""After a start the broker hands out what an earlier run asked; nothing is said before that is heard."""


@dataclass(frozen=True)
class State:
    """What the triggers know; what comes from files and servers is put in from outside. `events` None: never heard."""

    site: str
    settings: Triggers
    zone: ZoneInfo
    own: Mapping[str, CurtailmentRequest] = field(default_factory=dict)
    price: PowerPrice | None = None
    count: strike.Count = field(default_factory=strike.Count)
    signal: signal.Signal = field(default_factory=signal.Signal)
    forecast: peaks.Forecast | None = None
    events: tuple[openadr.Event, ...] | None = None
    since: datetime | None = None


def step(state: State, heard: Message | Tick, now: datetime) -> tuple[State, Iterable[Message]]:
    """Take in a price or an own request of an earlier run; at each tick say what is new."""
    if isinstance(heard, PowerPrice):
        return replace(state, price=heard), ()
    if isinstance(heard, CurtailmentRequest):
        return _recalled(state, heard), ()
    if not isinstance(heard, Tick):
        return state, ()
    state = state if state.since else replace(state, since=now)
    if now - (state.since or now) < SETTLING:
        return state, ()
    state = _counted(state, now)
    said = [request for request in _news(state, now) if request is not None]
    return replace(state, own={**state.own, **{one.source: one for one in said}}), said


def _recalled(state: State, heard: CurtailmentRequest) -> State:
    if heard.source not in SOURCES or heard.source in state.own:
        # Later it is only the echo of the own words.
        return state
    return replace(state, own={**state.own, heard.source: heard})


def _counted(state: State, now: datetime) -> State:
    settings = state.settings
    if settings.strike is not None:
        count = strike.recalled(state.count, state.own.get(strike.SOURCE), now)
        state = replace(state, count=strike.told(count, state.price, settings.strike, now))
    if settings.signal is not None:
        own = state.own.get(signal.SOURCE)
        state = replace(state, signal=signal.counted(state.signal, settings.signal, own, now))
    return state


def _news(state: State, now: datetime) -> Iterator[CurtailmentRequest | None]:
    asks = asks_of(state, now)
    for source in SOURCES:
        yield news(asks.get(source), state.own.get(source), state.site, source, now)


def asks_of(state: State, now: datetime) -> dict[str, Ask | None]:
    """Return what each trigger asks; one whose section was taken out asks for nothing any more."""
    settings, own = state.settings, state.own
    asks: dict[str, Ask | None] = {schedule.SOURCE: schedule.asked(settings.schedule, state.zone, now)}
    if settings.strike is not None:
        asks[strike.SOURCE] = strike.asked(state.count, state.price, settings.strike, own.get(strike.SOURCE), now)
    if settings.signal is not None:
        asks[signal.SOURCE] = signal.asked(state.signal, settings.signal, own.get(signal.SOURCE), now)
    if settings.peaks is not None:
        asks[peaks.SOURCE] = peaks.asked(state.forecast, settings.peaks, now)
    if settings.openadr is not None:
        before = own.get(openadr.SOURCE)
        asks[openadr.SOURCE] = (
            as_before(before, now) if state.events is None else openadr.asked(state.events, settings.openadr, now)
        )
    return asks
