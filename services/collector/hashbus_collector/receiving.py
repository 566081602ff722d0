"""An upload on its way in: read within bounds, unpacked, checked, stored, counted and logged."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from hashbus_collector.access import address_of
from hashbus_collector.bodies import read_body, unpacked
from hashbus_collector.errors import Refusal
from hashbus_collector.records import Batch, NotABatch, Window, read_batch
from hashbus_collector.uploads import Arrival
from hashbus_collector.words import kind_of_error

if TYPE_CHECKING:
    from datetime import datetime

    from fastapi import Request

    from hashbus_collector.collector import Collector
    from hashbus_collector.sites import SiteKey

MB = 1_000_000


@dataclass(frozen=True)
class Received:
    """What became of an upload."""

    batch: Batch
    stored: int
    took_ms: float


async def receive(request: Request, parts: Collector, key: SiteKey) -> Received:
    """Take one upload; Refusal when it cannot be read. Both ways it stands in the log of uploads."""
    now, limits = parts.clock.now(), parts.settings.limits
    body = b""
    begun_s = parts.clock.monotonic()
    try:
        announced = request.headers.get("Content-Length")
        body = await read_body(request.stream(), announced, most=int(limits.body_mb * MB), within_s=limits.body_s)
        begun_s = parts.clock.monotonic()
        text = unpacked(body, request.headers.get("Content-Encoding"), most=int(limits.unpacked_mb * MB))
        batch = read_batch(text, window_of(parts, now), most=limits.records)
    except (NotABatch, Refusal) as error:
        refusal = error if isinstance(error, Refusal) else Refusal(422, str(error))
        parts.metrics.refused.labels(str(refusal.status)).inc()
        arrival = Arrival(key.site, key.id, now, address_of(request), len(body), 0)
        took_ms = (parts.clock.monotonic() - begun_s) * 1000
        await parts.uploads.note_refusal(arrival, refusal.status, refusal.error[:500], took_ms=took_ms)
        raise refusal from None
    arrival = Arrival(key.site, key.id, now, address_of(request), len(body), len(text))
    return await keep(parts, arrival, batch, begun_s)


async def keep(parts: Collector, arrival: Arrival, batch: Batch, begun_s: float) -> Received:
    """Store a batch that was read, and make everybody see it."""

    def took_ms() -> float:
        return (parts.clock.monotonic() - begun_s) * 1000

    stored = await parts.uploads.store(arrival, batch, took_ms=took_ms)
    await forget_answers(parts, arrival.site)
    _count(parts, arrival, batch, stored, took_ms())
    return Received(batch, stored, took_ms())


async def forget_answers(parts: Collector, site: str) -> None:
    """Drop the answers that are not true any more once a site has uploaded."""
    await parts.cache.forget(f"telemetry:live:{site}", f"telemetry:summary:{site}")


def window_of(parts: Collector, now: datetime) -> Window:
    """Return between which moments a reading can have been taken."""
    keep_for, ahead = parts.settings.keep.history_days, parts.settings.limits.ahead_s
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return Window(now, midnight - timedelta(days=keep_for), now + timedelta(seconds=ahead))


def _count(parts: Collector, arrival: Arrival, batch: Batch, stored: int, took_ms: float) -> None:
    metrics, site = parts.metrics, arrival.site
    metrics.uploads.labels(site).inc()
    metrics.upload_ms.observe(took_ms)
    metrics.last_upload.labels(site).set(arrival.at.timestamp())
    for outcome, number in (
        ("stored", stored),
        ("known", len(batch.taken) - stored),
        ("refused", batch.refused),
    ):
        metrics.records.labels(site, outcome).inc(number)
    records = [one.record for one in batch.taken]
    metrics.poll_ms.observe([one.latency_ms for one in records if one.online and one.latency_ms is not None])
    for kind, number in Counter(kind_of_error(one.error_message) for one in records if not one.online).items():
        metrics.poll_errors.labels(kind).inc(number)
