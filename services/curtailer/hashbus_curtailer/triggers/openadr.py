"""What the events of an OpenADR 3 server ask for; pure.

After the OpenADR 3.1 definition and user guide: an event carries intervals, each with payloads of a type and values;
where an interval has no period of its own it follows the one before it; a lower `priority` number counts more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from hashbus.messages.base import describe
from hashbus.settings import Section
from hashbus.units import Percent, Seconds
from hashbus_curtailer.strategy import Strategy
from hashbus_curtailer.triggers.ask import AHEAD, Ask, HowMuch

SOURCE = "openadr"
FOREVER = datetime(9000, 1, 1, tzinfo=UTC)
WATTS_OF = {None: 1000.0, "KW": 1000.0, "W": 1.0, "MW": 1e6}
"""Units of setpoints; the user guide's own are kilowatts."""

LAST = 2**31


class OpenAdrSettings(Section):
    """The server (VTN) whose events are followed, and what its levels mean here."""

    vtn_url: str = Field(pattern=r"^https?://", description="Base address: https://vtn.example/openadr3/3.1.0")
    token_url: str | None = Field(None, pattern=r"^https?://", description="`vtn_url`/auth/token when not given")
    client_id: str
    client_secret: SecretStr | None = None
    scope: str | None = None
    allow_http: bool = Field(False, description="Send the secret unencrypted: for a test server only")
    program: str | None = Field(None, description="Only events of this program, by its programID")
    targets: tuple[str, ...] = Field((), description="Who we are among the targets of an event; empty: all are for us")
    poll_s: Annotated[float, Field(ge=1, le=3600)] = 30
    timeout_s: Annotated[float, Field(ge=1, le=120)] = 15
    simple_levels_pct: dict[int, Percent] = Field(
        {1: 75, 2: 40, 3: 0}, description="How much may still be drawn at each level of a SIMPLE event"
    )
    emergency_pct: Percent | None = Field(None, description="The same for ALERT_GRID_EMERGENCY; ignored when not given")
    strategy: Strategy = Strategy.PERFORMANCE_PRIORITY
    ramp_s: Seconds = 0

    @model_validator(mode="after")
    def _keeps_its_secret(self) -> Self:
        for url in (self.vtn_url, self.token_url or self.vtn_url):
            if url.startswith("http://") and not self.allow_http:
                raise ValueError(f"{url} would send the secret unencrypted; write https://, or set allow_http: true")
        if self.client_secret is None:
            raise ValueError("client_secret_file is missing: name the file that holds the secret of `client_id`")
        return self


class _Form(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel, populate_by_name=True)


def _start(value: Any) -> Any:
    """Take a start without an offset as UTC; the year 1 means now."""
    if not isinstance(value, str):
        return value
    if value.startswith("0001-01-01"):
        return None
    text = value if "T" in value else f"{value}T00:00:00"
    return text if text.endswith("Z") or "+" in text[10:] or "-" in text[10:] else f"{text}Z"


def _span(value: Any) -> Any:
    """Take `P9999Y`, which means for ever, and years and months, which no timedelta has."""
    if isinstance(value, str) and "Y" in value:
        return timedelta(days=365 * min(float(value.strip("PY-") or 0), 9999)) if value[1:-1].isdigit() else value
    return value


Duration = Annotated[timedelta, BeforeValidator(_span)]
Start = Annotated[datetime | None, BeforeValidator(_start)]


class Period(_Form):
    """When an interval begins and how long it lasts; no start is now."""

    start: Start = None
    duration: Duration | None = None
    randomize_start: Duration | None = None


class Payload(_Form):
    """Values of one type."""

    type: str
    values: tuple[Any, ...] = ()


class Descriptor(_Form):
    """In which unit the values of a type are."""

    payload_type: str | None = None
    units: str | None = None


class Interval(_Form):
    """One interval and what it asks."""

    id: int = 0
    interval_period: Period | None = None
    payloads: tuple[Payload, ...] = ()


class Event(_Form):
    """One event of the server, as far as it matters to a load."""

    id: str
    program_id: str | None = Field(None, alias="programID")
    event_name: str | None = None
    priority: int | None = None
    created_date_time: Start = None
    modification_date_time: Start = None
    duration: Duration | None = None
    targets: tuple[Any, ...] | None = None
    payload_descriptors: tuple[Descriptor, ...] | None = None
    interval_period: Period | None = None
    intervals: tuple[Interval, ...] | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What one interval of an event asks: until when, and how much."""

    event: Event
    interval: int
    starts_at: datetime
    ends_at: datetime
    much: HowMuch
    what: str


def parsed(entries: Iterable[Any]) -> tuple[tuple[Event, ...], tuple[str, ...]]:
    """Return the events that can be read, and for each of the others what is wrong with it."""
    events, problems = [], []
    for number, entry in enumerate(entries):
        try:
            events.append(Event.model_validate(entry))
        except ValidationError as error:
            name = entry.get("id", number) if isinstance(entry, Mapping) else number
            problems.append(f"event {name}: {describe(error)}")
    return tuple(events), tuple(problems)


def asked(events: Iterable[Event], settings: OpenAdrSettings, now: datetime) -> Ask | None:
    """Return what counts now: of the intervals begun the one of the highest priority; else the next to begin."""
    orders = [order for event in events if _is_ours(event, settings) for order in orders_of(event, settings, now)]
    begun = [order for order in orders if order.starts_at <= now]
    if begun:
        return _ask(min(begun, key=lambda order: (_rank(order.event), order.starts_at, order.event.id)), now)
    coming = [order for order in orders if order.starts_at - now <= AHEAD]
    return _ask(min(coming, key=lambda order: (order.starts_at, _rank(order.event))), now) if coming else None


def _rank(event: Event) -> int:
    return LAST if event.priority is None else event.priority


def _ask(order: Order, now: datetime) -> Ask:
    name = order.event.event_name or order.event.id
    # The same event goes on as the same request: its next interval amends the plan, and nobody comes up in between.
    digest = hashlib.sha256(order.event.id.encode()).hexdigest()[:12]
    why = f"OpenADR event {name[:200]}: {order.what}"
    return Ask(f"event-{digest}", order.starts_at, min(order.ends_at, _day_after(now)), order.much, why)


def _day_after(now: datetime) -> datetime:
    """Return the midnight after the next: an event without an end is asked for day by day, so that it can lapse."""
    return datetime.combine(now.date() + timedelta(days=2), time(0), UTC)


def _is_ours(event: Event, settings: OpenAdrSettings) -> bool:
    if settings.program is not None and event.program_id != settings.program:
        return False
    return not settings.targets or not event.targets or bool(_names(event.targets) & {*settings.targets})


def _names(targets: Iterable[Any]) -> set[str]:
    """Return the names among targets: strings since OpenADR 3.1, typed lists of values before."""
    names: set[str] = set()
    for target in targets:
        values = target.get("values", ()) if isinstance(target, Mapping) else (target,)
        names |= {str(value) for value in values} if isinstance(values, list | tuple) else set()
    return names


def orders_of(event: Event, settings: OpenAdrSettings, now: datetime) -> Iterator[Order]:
    """Yield what the intervals of an event ask that are not over."""
    for interval, starts_at, ends_at in _timed(event, now):
        if ends_at <= now:
            continue
        for payload in interval.payloads:
            much = _much(payload, event, settings)
            if much is not None:
                yield Order(event, interval.id, starts_at, ends_at, much, f"{payload.type} {_first(payload)}")


def _timed(event: Event, now: datetime) -> Iterator[tuple[Interval, datetime, datetime]]:
    """Yield each interval with its begin and end.

    A start of the year 1 is when the event was made. An event that lasts longer than its intervals repeats them, one
    that lasts shorter cuts them.
    """
    usual = event.interval_period or Period()
    made_at = event.created_date_time or event.modification_date_time or now
    begin = at = (usual.start or made_at) + _offset(event, usual)
    laid: list[tuple[Interval, datetime, datetime]] = []
    for interval in event.intervals or ():
        own = interval.interval_period or usual
        if interval.interval_period and interval.interval_period.start:
            at = interval.interval_period.start
        ends_at = _later(at, own.duration)
        laid.append((interval, at, ends_at))
        at = ends_at
    whole = at - begin
    if event.duration is None or not laid or whole <= timedelta(0):
        yield from laid
        return
    last = _later(begin, event.duration)
    turn = max(0, (now - begin) // whole) * whole
    for shift in (turn, turn + whole):
        for interval, starts_at, ends_at in laid:
            if starts_at + shift < last:
                yield interval, starts_at + shift, min(_later(ends_at, shift), last)
        if begin + shift + whole >= last:
            return


def _later(at: datetime, span: timedelta | None) -> datetime:
    """Return the moment after a span; none, nothing, or one that no calendar has is for ever."""
    if not span or span >= FOREVER - at:
        return FOREVER
    return at + span


def _offset(event: Event, period: Period) -> timedelta:
    """Return our own delay within `randomizeStart`: the same after a restart, another for each event."""
    if not period.randomize_start:
        return timedelta(0)
    fraction = int.from_bytes(hashlib.sha256(event.id.encode()).digest()[:4], "big") / 2**32
    return abs(period.randomize_start) * fraction


def _first(payload: Payload) -> Any:
    return payload.values[0] if payload.values else ""


def _much(payload: Payload, event: Event, settings: OpenAdrSettings) -> HowMuch | None:
    """Return how much a payload asks of a load; None for nothing."""
    much = partial(HowMuch, strategy=settings.strategy, ramp_s=settings.ramp_s)
    if payload.type == "ALERT_GRID_EMERGENCY":
        return None if settings.emergency_pct is None else much(level_pct=settings.emergency_pct)
    try:
        value = float(_first(payload))
    except (TypeError, ValueError):
        return None
    if payload.type == "SIMPLE":
        level_pct = settings.simple_levels_pct.get(int(value))
        return None if value <= 0 or level_pct is None else much(level_pct=level_pct)
    if payload.type not in ("DISPATCH_SETPOINT", "DISPATCH_SETPOINT_RELATIVE", "IMPORT_CAPACITY_LIMIT"):
        return None
    unit = _unit(payload, event)
    if unit == "PERCENT" and payload.type == "DISPATCH_SETPOINT" and 0 <= value <= 100:
        return much(level_pct=value)
    watts = value * WATTS_OF.get(unit, 0.0)
    if unit not in WATTS_OF or abs(watts) > 5e9:
        return None
    if payload.type == "DISPATCH_SETPOINT_RELATIVE":
        # A change of consumption: less of it is what a load is asked for, and more is not given.
        return much(target_w=-watts) if watts < 0 else None
    return much(limit_w=max(0.0, watts))


def _unit(payload: Payload, event: Event) -> str | None:
    for one in event.payload_descriptors or ():
        if one.payload_type == payload.type and one.units:
            return one.units.upper()
    return None
