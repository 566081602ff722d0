"""Stretches of time with a price: made from a table of hours, ordered, merged, cut; and what is paid. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hashbus.messages import PriceWindow
from hashbus_market.tariffs.settings import DAYS, AnyTariff, TariffWindow, TimeOfUseTariff

KNOWN_AHEAD = timedelta(hours=48)
"""How far a tariff that is known for ever is written out: as far as the farthest day-ahead market."""

GROUPS = {"weekdays": DAYS[:5], "weekend": DAYS[5:]}


def paid(energy_per_kwh: float, tariff: AnyTariff) -> float:
    """Return what a kilowatt-hour costs in the end: supplier's share, grid fees and levies, and tax on all of it."""
    net = energy_per_kwh * (1 + tariff.markup_pct / 100) + tariff.markup_per_kwh
    return round(net * (1 + tariff.tax_pct / 100), 6)


def time_of_use(tariff: TimeOfUseTariff, now: datetime) -> list[PriceWindow]:
    """Return the energy prices from the beginning of this hour on, in the time zone of the tariff."""
    zone = ZoneInfo(tariff.time_zone)
    begin = now.replace(minute=0, second=0, microsecond=0)
    edges = sorted({begin, begin + KNOWN_AHEAD, *_edges(tariff.windows, begin, begin + KNOWN_AHEAD, zone)})
    found = [
        PriceWindow(starts_at=start, ends_at=end, price_per_kwh=_price(tariff, start.astimezone(zone)))
        for start, end in pairwise(edges)
    ]
    return merged(found)


def _edges(windows: Sequence[TariffWindow], begin: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Give every moment at which a price may change: by the clock on the wall, and where that clock is set."""
    times = {time(0), *(one.from_ for one in windows), *(one.until for one in windows)}
    day = begin.astimezone(zone).date()
    while day <= end.astimezone(zone).date():
        for clock in times:
            # In the hour that comes twice both are edges; in the one that never comes, both fall on its end.
            for fold in (0, 1):
                edge = datetime.combine(day, clock, tzinfo=zone).replace(fold=fold).astimezone(UTC)
                if begin < edge < end:
                    yield edge
        day += timedelta(days=1)
    yield from _clock_changes(begin, end, zone)


def _clock_changes(begin: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    hour = begin
    while hour < end:
        following = hour + timedelta(hours=1)
        if hour.astimezone(zone).utcoffset() != following.astimezone(zone).utcoffset():
            yield following
        hour = following


def _price(tariff: TimeOfUseTariff, local: datetime) -> float:
    return next((one.price_per_kwh for one in tariff.windows if _covers(one, local)), tariff.price_per_kwh)


def _covers(window: TariffWindow, local: datetime) -> bool:
    clock, day = local.time(), local.date()
    if window.from_ < window.until:
        return _is_day(window, day) and window.from_ <= clock < window.until
    if window.from_ == window.until == time(0):
        return _is_day(window, day)
    begins_today = clock >= window.from_ and _is_day(window, day)
    return begins_today or (clock < window.until and _is_day(window, day - timedelta(days=1)))


def _is_day(window: TariffWindow, day: date) -> bool:
    named = {name for group in window.days for name in GROUPS.get(group, (group,))}
    return DAYS[day.weekday()] in named and (not window.months or day.month in window.months)


def merged(windows: Iterable[PriceWindow]) -> list[PriceWindow]:
    """Return windows in order, neighbours of one price as one; where two overlap the later said counts."""
    by_start = {one.starts_at: one for one in windows if one.ends_at > one.starts_at}
    result: list[PriceWindow] = []
    for one in (by_start[start] for start in sorted(by_start)):
        before = result[-1] if result else None
        if before is not None and before.ends_at > one.starts_at:
            before = result[-1] = before.model_copy(update={"ends_at": one.starts_at})
        if before is not None and before.ends_at == one.starts_at and before.price_per_kwh == one.price_per_kwh:
            result[-1] = before.model_copy(update={"ends_at": one.ends_at})
        else:
            result.append(one)
    return result


def overlaid(before: Iterable[PriceWindow], after: Iterable[PriceWindow]) -> list[PriceWindow]:
    """Return what was known with what was said later over it: the rest of a stretch that it cuts stays."""
    news = merged(after)
    kept = [piece for one in before for piece in _rest(one, news)]
    return merged([*kept, *news])


def _rest(window: PriceWindow, news: Sequence[PriceWindow]) -> list[PriceWindow]:
    pieces, start = [], window.starts_at
    for one in news:
        if one.ends_at <= start or one.starts_at >= window.ends_at:
            continue
        if one.starts_at > start:
            pieces.append(window.model_copy(update={"starts_at": start, "ends_at": one.starts_at}))
        start = one.ends_at
    if start < window.ends_at:
        pieces.append(window.model_copy(update={"starts_at": start}))
    return pieces


def from_now(windows: Iterable[PriceWindow], now: datetime) -> list[PriceWindow]:
    """Return the windows that are not over."""
    return [one for one in windows if one.ends_at > now]


def price_at(windows: Iterable[PriceWindow], moment: datetime) -> float | None:
    """Return the price at a moment; None where nobody has named one."""
    return next((one.price_per_kwh for one in windows if one.starts_at <= moment < one.ends_at), None)
