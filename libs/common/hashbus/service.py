"""The shell every process runs in: read the settings, connect, announce, work, and end well or say why not."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import socket
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Generic

import uvloop

from hashbus import health, logs, metrics
from hashbus.clock import SYSTEM_CLOCK, Clock
from hashbus.config_errors import ConfigError
from hashbus.health import Health
from hashbus.messages import AvailabilityState, ServiceStatus
from hashbus.mqtt_bus import MqttBus
from hashbus.printing_bus import PrintingBus
from hashbus.settings import S, load
from hashbus.topics import service_kind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from hashbus.bus import Bus

EXIT_OK, EXIT_CRASH, EXIT_CONFIG = 0, 1, 2

log = logs.get("service")


@dataclass(frozen=True)
class Running(Generic[S]):
    """What a running service has in its hands."""

    account: str
    settings: S
    bus: Bus
    clock: Clock
    health: Health
    once: bool
    dry_run: bool


def run(
    service: str,
    settings: type[S],
    main: Callable[[Running[S]], Awaitable[None]],
    argv: Sequence[str] | None = None,
) -> int:
    """Run a service until it is told to stop; returns the exit code: 0 stopped, 1 crashed, 2 wrong settings.

    `main` runs until it is done or cancelled. This is the one place that catches everything: a crash is logged whole,
    the last will tells the site, and the supervisor starts the process again.
    """
    arguments = _parser(service).parse_args(argv)
    account = arguments.account or service
    try:
        loaded = _settings(service, settings, account, arguments.config)
        if arguments.check:
            return EXIT_OK
        logs.configure(account, loaded.log.level)
        collect_garbage_rarely()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(until_told(partial(_live, account, loaded, main, arguments)))
    except ConfigError as error:
        sys.stderr.write("".join(f"{problem}\n" for problem in error.problems))
        return EXIT_CONFIG
    except Exception:
        log.exception("crashed")
        return EXIT_CRASH
    return EXIT_OK


def _settings(service: str, settings: type[S], account: str, path: Path | None) -> S:
    if service_kind(account) != service:
        raise ConfigError([f"--account: {account!r} is not an account of {service}; write e.g. {service}-2"])
    return load(settings, path, account=account)


def collect_garbage_rarely() -> None:
    """Look for rings of garbage every 10,000 new objects, not every 700: that spares a poller a tenth of its time.

    A reading is hundreds of small objects that live until the next one; rings among them are few.
    """
    gc.set_threshold(10_000, 20, 20)


def _parser(service: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m hashbus_{service}", description=f"The {service} of a hashbus site."
    )
    config = os.environ.get("HASHBUS_CONFIG")
    parser.add_argument("--config", type=Path, default=Path(config) if config else None, help="the site's YAML file")
    parser.add_argument("--account", help=f"account on the bus when several run: {service}-2")
    parser.add_argument("--once", action="store_true", help="work one round, then end")
    parser.add_argument("--dry-run", action="store_true", help="print what would be said and change nothing")
    parser.add_argument("--check", action="store_true", help="check the settings and end")
    return parser


async def until_told(work: Callable[[], Awaitable[None]]) -> None:
    """Run until done, or until SIGTERM or Ctrl-C ends it in good order."""
    task = asyncio.ensure_future(work())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        log.info("stopped")


async def _live(
    account: str, settings: S, main: Callable[[Running[S]], Awaitable[None]], arguments: argparse.Namespace
) -> None:
    clock = SYSTEM_CLOCK
    state = Health(account, _version(), clock.now())
    async with AsyncExitStack() as stack:
        if arguments.dry_run:
            bus: Bus = PrintingBus(settings.site, account)
        else:
            status = partial(_status, settings.site, account, state, clock)
            client_id = f"hashbus-{settings.site}-{account}"
            bus = await stack.enter_async_context(
                MqttBus(settings.broker, site=settings.site, account=account, status=status, client_id=client_id)
            )
            # A service may note a problem in another thread.
            soon = asyncio.get_running_loop().call_soon_threadsafe
            state.on_news = partial(soon, lambda: bus.publish(status(True)))
        state.is_connected = lambda: bus.is_connected
        port = health.serve(state, settings.health.host, settings.health.port_of(account))
        watch = asyncio.create_task(_watch_clock(clock), name="clock watch")
        stack.callback(watch.cancel)
        log.info("started", site=settings.site, health=f"http://{settings.health.host}:{port}/healthz")
        await main(Running(account, settings, bus, clock, state, arguments.once, arguments.dry_run))


def _status(site: str, account: str, state: Health, clock: Clock, is_online: bool) -> ServiceStatus:
    return ServiceStatus(
        site=site,
        at=clock.now(),
        service=account,
        state=AvailabilityState.ONLINE if is_online else AvailabilityState.OFFLINE,
        version=state.version,
        started_at=state.started_at,
        host=socket.gethostname(),
        problems=state.problems,
    )


def _version() -> str:
    try:
        return version("hashbus-common")
    except PackageNotFoundError:
        return "unknown"


async def _watch_clock(clock: Clock, every_s: float = 5.0, tolerance_s: float = 3.0) -> None:
    """Tell when the machine's clock jumps, so that odd times in the record have a reason beside them."""
    wall, steady = clock.now(), clock.monotonic()
    while True:
        await clock.sleep(every_s)
        next_wall, next_steady = clock.now(), clock.monotonic()
        jump_s = (next_wall - wall).total_seconds() - (next_steady - steady)
        if abs(jump_s) > tolerance_s:
            metrics.CLOCK_JUMPS.inc()
            log.warning("the clock jumped", by_s=round(jump_s, 1))
        wall, steady = next_wall, next_steady
