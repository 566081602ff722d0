"""A collector at work: its database, its web server, its upkeep."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import uvicorn

from hashbus import health as health_page
from hashbus import logs
from hashbus.backoff import Backoff
from hashbus.config_errors import ConfigError
from hashbus_collector.app import create_app
from hashbus_collector.collector import assemble
from hashbus_collector.database import DatabaseAway, open_database
from hashbus_collector.embedded import database_of
from hashbus_collector.freshness import Freshness
from hashbus_collector.migrating import migrate
from hashbus_collector.upkeep import Upkeep, tidy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from fastapi import FastAPI

    from hashbus.clock import Clock
    from hashbus.health import Health
    from hashbus_collector.collector import Collector
    from hashbus_collector.database import Database
    from hashbus_collector.settings import CollectorSection, CollectorSettings

KEEP_ALIVE_S = 75
BACKLOG = 2048
END_S = 5
CALLS_AT_ONCE = 1000

log = logs.get("collector")


def say_started(_: Collector, url: str) -> None:
    """Say where the collector is."""
    log.info("started", url=url)


async def serve(
    settings: CollectorSettings, clock: Clock, health: Health, started: Callable[[Collector, str], None] = say_started
) -> None:
    """Take uploads and hand out commands until cancelled; `started` is told the parts and the address once it does."""
    section = settings.collector
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(contextlib.closing(_listener(section)))
        # Told from the beginning: also while the database is waited for.
        health_port = health_page.serve(health, settings.health.host, settings.health.port_of("collector"))
        log.info("tells how it is", health=f"http://{settings.health.host}:{health_port}/healthz")
        database = await _opened(stack, settings, clock, health)
        parts = assemble(section, database, clock, health)
        stack.push_async_callback(parts.cache.close)
        health.registry = parts.metrics.registry
        await _work(section, parts, listener, started)


async def _work(
    section: CollectorSection, parts: Collector, listener: socket.socket, started: Callable[[Collector, str], None]
) -> None:
    await tidy(parts.database, section.keep, parts.clock.now())
    direct = _direct().DirectPath(parts) if section.direct.enabled else None
    upkeep = Upkeep(parts.database, parts.commands, section.keep, parts.clock, parts.health)
    freshness = Freshness(parts)
    await freshness.look()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(upkeep.run(), name="upkeep")
        tasks.create_task(freshness.run(), name="freshness")
        if direct is not None:
            tasks.create_task(direct.run(), name="direct path")
        host, port = listener.getsockname()[:2]
        scheme = "https" if section.certificate_file else "http"
        listener.listen(BACKLOG)
        started(parts, f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}")
        await _answer(create_app(parts), section, listener)


def check(settings: CollectorSettings) -> None:
    """Raise ConfigError when settings that are right one by one cannot work: a miner outside the networks."""
    if settings.collector.direct.enabled:
        _direct().options_of(settings.collector.direct)


def _direct() -> ModuleType:
    try:
        from hashbus_collector import direct  # noqa: PLC0415 (needs the poller's drivers, an extra)
    except ImportError as error:
        needed = "pip install 'hashbus-collector[direct]'"
        raise ConfigError([f"collector.direct.enabled: the poller's drivers are not here: {error}; {needed}"]) from None
    return direct


async def _opened(stack: AsyncExitStack, settings: CollectorSettings, clock: Clock, health: Health) -> Database:
    """Open the database, with its tables in the form of this version; waits for a server that is away."""
    chosen = settings.collector.database
    backoff = Backoff(first_s=0.5, longest_s=15)
    try:
        url, password = await stack.enter_async_context(database_of(settings, clock))
    except (DatabaseAway, OSError) as error:
        raise ConfigError([f"collector.database: {error}; or set DATABASE_URL"]) from None
    while True:
        try:
            await migrate(url, password)
            database = await open_database(chosen, url, password)
        except DatabaseAway as error:
            if health.report("database", f"the database is away: {error}"):
                log.error("the database is away; trying until it is there", problem=str(error))
            await clock.sleep(backoff.next_s())
            continue
        health.report("database", None)
        health.is_connected = lambda: not any("database" in problem for problem in health.problems)
        stack.push_async_callback(database.close)
        return database


def _listener(section: CollectorSection) -> socket.socket:
    family = socket.AF_INET6 if ":" in section.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((section.host, section.port))
    except OSError as error:
        listener.close()
        where = f"{section.host}:{section.port}"
        raise ConfigError(
            [f"collector.port: {where} cannot be used: {(error.strerror or str(error)).lower()}; choose another"]
        ) from None
    return listener


class _Server(uvicorn.Server):
    """A web server that leaves signals to the shell around it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signals."""
        yield


async def _answer(app: FastAPI, section: CollectorSection, listener: socket.socket) -> None:
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=section.behind_proxy,
        forwarded_allow_ips=section.trusted_proxies,
        ssl_certfile=section.certificate_file,
        ssl_keyfile=section.key_file,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=END_S,
        limit_concurrency=CALLS_AT_ONCE,
    )
    server = _Server(config)
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(serving)
    finally:
        # Calls that are being answered are finished.
        server.should_exit = True
        await serving
