"""Open windows: a contact that is open, or a temperature that falls too fast, pauses a zone for a while."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hashbus.messages import SensorTelemetry
from hashbus_controller.heat.settings import WindowSettings, full_name

SPACING = timedelta(seconds=20)
"""A temperature is remembered so often: fine enough for a fall within minutes, and a few numbers only."""


@dataclass(frozen=True, slots=True)
class Window:
    """What is remembered of a zone's windows."""

    opened_at: datetime | None = None
    by: str = ""
    cold_until: datetime | None = None
    samples: tuple[tuple[datetime, float], ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause of the heating: why, and when it ends at the latest."""

    why: str
    until: datetime


def open_contact(settings: WindowSettings, sensors: Mapping[str, SensorTelemetry]) -> str | None:
    """Return the first contact that is open.

    However old its last word is: contacts speak when they move, and the longest pause bounds what a dead one can do.
    """
    names = (full_name(name) for name in settings.contacts)
    return next((name for name in names if name in sensors and sensors[name].contact is False), None)


def watched(
    before: Window,
    settings: WindowSettings,
    *,
    contact: str | None,
    temperature_c: float | None,
    source: str,
    now: datetime,
) -> Window:
    """Take in what contacts and thermometer say now. Pass no temperature while it falls for a reason of our own.

    The temperatures of two thermometers (`source`) are never compared.
    """
    opened_at = (before.opened_at or now) if contact else None
    after = before if before.opened_at == opened_at else replace(before, opened_at=opened_at, by=contact or "")
    if temperature_c is None or source != after.source:
        after = replace(after, samples=(), source=source)
    if temperature_c is None:
        return after
    if not _is_due(after.samples, now):
        return after
    since = now - timedelta(seconds=settings.drop_s)
    samples = (*((at, value_c) for at, value_c in after.samples if at >= since), (now, temperature_c))
    after = replace(after, samples=samples)
    highest_c = max(value_c for _, value_c in samples)
    if settings.drop_k is None or highest_c - temperature_c < settings.drop_k:
        return after
    # The fall that began the pause must not begin another one at its end.
    return replace(after, samples=(), cold_until=now + timedelta(seconds=settings.drop_pause_s))


def _is_due(samples: Iterable[tuple[datetime, float]], now: datetime) -> bool:
    last = max((at for at, _ in samples), default=None)
    return last is None or now - last >= SPACING


def pause(window: Window, settings: WindowSettings, now: datetime) -> Pause | None:
    """Return the pause that holds now; None when the zone may be heated."""
    if window.opened_at is not None:
        until = window.opened_at + timedelta(seconds=settings.longest_s)
        if window.opened_at + timedelta(seconds=settings.after_s) <= now < until:
            return Pause(f"window {window.by} is open", until)
    if window.cold_until is not None and now < window.cold_until:
        why = f"it fell by {settings.drop_k:g} K within {settings.drop_s:g} s, as by an open window"
        return Pause(why, window.cold_until)
    return None
