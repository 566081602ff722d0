"""`hashbus watch`: the page of a running site, from anywhere that reaches its broker."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from hashbus import logs
from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import VOCABULARY
from hashbus.mqtt_bus import MqttBus
from hashbus_supervisor import screen
from hashbus_supervisor.board import HEARS, Board
from hashbus_supervisor.events import Events
from hashbus_supervisor.page import Page, services_on_bus
from hashbus_supervisor.problems import CannotRun
from hashbus_supervisor.site import ACCOUNT, check_is_set_up, read_site, signed_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from hashbus.bus import Subscription
    from hashbus.messages import Message
    from hashbus_supervisor.site import Site

NEWS_OF = timedelta(minutes=10)
"""What happened so shortly before somebody looks is news to them."""

PATIENCE_S = 10.0
"""How long `--once` waits for a broker."""

CONNECTING_S = 2.0
"""So long after its start nobody wonders that there is no connection yet."""

FIRST_S, QUIET_S = 2.0, 0.4
"""Retained state comes at once: the first within FIRST_S, and QUIET_S without any more means that it was all."""


def main(argv: Sequence[str]) -> int:
    """Look at a running site: miners, batteries, services, what happened last. Changes nothing."""
    parser = argparse.ArgumentParser(prog="hashbus watch", description=main.__doc__)
    parser.add_argument("--config", type=Path, help="the site's YAML file; config/site.yaml when there is one")
    parser.add_argument("--once", action="store_true", help="show what is known now, end")
    parser.add_argument("--json", action="store_true", help="print every message of the bus as a line of JSON")
    parser.add_argument("--plain", action="store_true", help="one line an event in place of the live table")
    arguments = parser.parse_args(argv)
    site = read_site(arguments.config)
    check_is_set_up(site, ACCOUNT)
    watch = Watch(site)
    show = watch.lines if arguments.json else watch.table if arguments.once else watch.events
    if sys.stdout.isatty() and not (arguments.json or arguments.once or arguments.plain):
        show = watch.live
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_until_told(lambda: show(is_once=arguments.once)))


async def _until_told(work: Callable[[], Awaitable[int]]) -> int:
    """Run until done, or until Ctrl-C or SIGTERM, which is a good end too."""
    task = asyncio.ensure_future(work())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return 0


class Watch:
    """One look at a site."""

    def __init__(self, site: Site) -> None:
        """Prepare to look; the bus is joined when something is shown."""
        settings = signed_in(site)
        self._last_words = screen.LastLine()
        logs.configure(ACCOUNT, "WARNING", for_people=False, stream=self._last_words)
        self._site = site
        self._clock = SYSTEM_CLOCK
        self._bus = MqttBus(settings.broker, site=settings.site, account=ACCOUNT)
        self._board = Board(self._clock.now() - NEWS_OF)
        self._events = Events()
        self._began_s = self._clock.monotonic()

    async def live(self, *, is_once: bool) -> int:
        """Show the living page until told to stop."""
        del is_once
        async with self._bus, asyncio.TaskGroup() as work:
            listening = work.create_task(self._listen(), name="listen")
            await screen.live(self._page)
            listening.cancel()
        return 0

    async def events(self, *, is_once: bool) -> int:
        """Print one line an event until told to stop."""
        del is_once
        self._events.on_event = screen.print_event
        async with self._bus:
            await self._listen()
        return 0

    async def table(self, *, is_once: bool) -> int:
        """Print the page once."""
        del is_once
        async with self._bus, self._bus.subscribe(*HEARS) as heard:
            await self._until_connected()
            async for message in _retained(heard):
                self._hear(message)
            terminal = screen.console()
            terminal.print(self._page().draw(terminal.width, None))
        return 0

    async def lines(self, *, is_once: bool) -> int:
        """Print messages as lines of JSON: those retained now, or for ever."""
        async with self._bus, self._bus.subscribe(*VOCABULARY) as heard:
            await self._until_connected()
            async for message in _retained(heard) if is_once else heard:
                line = {"topic": message.address(), "message": json.loads(message.encode())}
                sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
                sys.stdout.flush()
        return 0

    async def _listen(self) -> None:
        async with self._bus.subscribe(*HEARS) as heard:
            async for message in heard:
                self._hear(message)

    def _hear(self, message: Message) -> None:
        event = self._board.hear(message)
        if event:
            self._events.add(event)

    async def _until_connected(self) -> None:
        deadline_s = self._clock.monotonic() + PATIENCE_S
        while not self._bus.is_connected:
            if self._clock.monotonic() > deadline_s:
                raise CannotRun(self._no_broker())
            await asyncio.sleep(0.05)

    def _no_broker(self) -> str:
        address = self._site.settings.broker.address
        said = self._last_words.text
        return f"no broker at {address}: does `hashbus up` run?" + (f" ({said})" if said else "")

    def _why_no_bus(self) -> str:
        is_early = self._clock.monotonic() - self._began_s < CONNECTING_S
        return f"connecting to {self._site.settings.broker.address}…" if is_early else self._no_broker()

    def _page(self) -> Page:
        now = self._clock.now()
        settings = self._site.settings
        nothing = "" if self._board.miners() or self._board.batteries() else "nothing heard yet"
        return Page(
            title=f"{settings.site} · {self._site.name} · broker {settings.broker.address}",
            board=self._board,
            services=services_on_bus(self._board, now),
            events=sorted(self._events.kept, key=lambda event: event.at),
            now=now,
            notice=nothing if self._bus.is_connected else self._why_no_bus(),
            foot="Ctrl-C ends the view; the site runs on",
        )


async def _retained(heard: Subscription[Message]) -> AsyncIterator[Message]:
    """Yield what the broker remembers, and stop when it has said it all."""
    message = await heard.next(FIRST_S)
    while message is not None:
        yield message
        message = await heard.next(QUIET_S)
