"""The parts of a collector, put together once and handed to every route."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hashbus import logs
from hashbus_collector.caches import MemoryCache, RedisCache, open_redis
from hashbus_collector.commands import Commands
from hashbus_collector.metrics import Metrics
from hashbus_collector.people import People
from hashbus_collector.sites import Sites
from hashbus_collector.uploads import Uploads
from hashbus_collector.views import Views

if TYPE_CHECKING:
    from hashbus.clock import Clock
    from hashbus.health import Health
    from hashbus_collector.caches import Cache
    from hashbus_collector.database import Database
    from hashbus_collector.settings import CollectorSection

log = logs.get("collector")


@dataclass(frozen=True)
class Collector:
    """Everything that an answer needs."""

    settings: CollectorSection
    clock: Clock
    health: Health
    database: Database
    cache: Cache
    metrics: Metrics
    sites: Sites
    people: People
    uploads: Uploads
    commands: Commands
    views: Views


def assemble(settings: CollectorSection, database: Database, clock: Clock, health: Health) -> Collector:
    """Put the parts of a collector together over an open database."""
    metrics = Metrics()
    chosen = settings.commands
    return Collector(
        settings=settings,
        clock=clock,
        health=health,
        database=database,
        cache=_cache(settings, clock, health),
        metrics=metrics,
        sites=Sites(database),
        people=People(database, hours=settings.sessions.hours, idle_minutes=settings.sessions.idle_minutes),
        uploads=Uploads(database, miners_per_site=settings.limits.miners_per_site),
        commands=Commands(
            database,
            resend_s=chosen.resend_s,
            answer_s=chosen.answer_s,
            count=lambda kind, status: metrics.commands.labels(kind, status).inc(),
        ),
        views=Views(database, settings.alerts),
    )


def _cache(settings: CollectorSection, clock: Clock, health: Health) -> Cache:
    own = MemoryCache(clock)
    if not settings.redis.url:
        return own

    def report(problem: str | None) -> None:
        text = f"the Redis is away, this collector keeps and counts by itself: {problem}" if problem else None
        if health.report("redis", text):
            log.info("the Redis is there") if text is None else log.warning("redis", problem=problem)

    password = settings.redis.password.get_secret_value() if settings.redis.password else None
    return RedisCache(open_redis(settings.redis.url, password), own, clock, report)
