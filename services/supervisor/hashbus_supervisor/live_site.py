"""A site while `hashbus up` runs it: its processes, its place on the bus, and what a person sees of both."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from typing import TYPE_CHECKING

from hashbus import health, logs
from hashbus.clock import SYSTEM_CLOCK
from hashbus.health import Health
from hashbus.messages import AvailabilityState, ServiceStatus
from hashbus.mqtt_bus import MqttBus
from hashbus.service import EXIT_CONFIG, EXIT_CRASH, EXIT_OK
from hashbus_supervisor import metrics, screen
from hashbus_supervisor.board import HEARS, Board
from hashbus_supervisor.child import ChildState
from hashbus_supervisor.events import Events, Tone
from hashbus_supervisor.page import Page, ServiceView, services_on_bus
from hashbus_supervisor.recipes import BROKER
from hashbus_supervisor.running import RunningSite
from hashbus_supervisor.settings import SIMULATOR, BrokerKind
from hashbus_supervisor.site import ACCOUNT, signed_in
from hashbus_supervisor.site_log import LogStream, SiteLog
from hashbus_supervisor.versions import installed_version

if TYPE_CHECKING:
    from hashbus_supervisor.child import Child
    from hashbus_supervisor.site import Site

LOOK_S = 0.5
ONCE_S = 60.0

TONE_OF_STATE = {
    ChildState.READY: Tone.GOOD,
    ChildState.DEGRADED: Tone.WARNING,
    ChildState.FALLEN: Tone.BAD,
    ChildState.GIVEN_UP: Tone.BAD,
}


class LiveSite:
    """One run of `hashbus up`."""

    def __init__(self, site: Site, *, is_once: bool, has_screen: bool) -> None:
        """Prepare everything; nothing is started yet."""
        self._site = site
        self._clock = SYSTEM_CLOCK
        self._is_once = is_once
        self._has_screen = has_screen
        self._events = Events(on_event=None if has_screen else screen.print_event)
        self._running = RunningSite(site, self._events, self._clock)
        self._board = Board(self._clock.now())
        self._health = Health(ACCOUNT, installed_version(), self._clock.now())
        self._code = EXIT_OK

    async def run(self) -> int:
        """Run until Ctrl-C, SIGTERM or the end of the terminal; returns the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._running.stop)
        log = SiteLog(self._site.logs / f"{ACCOUNT}.log", int(self._site.settings.supervisor.log_file_mb * 1e6))
        logs.configure(ACCOUNT, self._site.settings.log.level, for_people=False, stream=LogStream(log))
        drawing = asyncio.create_task(screen.live(self.page)) if self._has_screen else None
        try:
            await self._live()
        finally:
            if drawing:
                drawing.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await drawing
        self._say_goodbye()
        return self._code

    async def _live(self) -> None:
        settings = signed_in(self._site)
        bus = MqttBus(settings.broker, site=settings.site, account=ACCOUNT, status=self._status)
        self._health.is_connected = lambda: bus.is_connected
        health.serve(self._health, settings.health.host, settings.health.port_of(ACCOUNT))
        async with self._running.at_work():
            self._say_what_runs()
            # The bus is left before the broker ends, and after everybody else has said goodbye.
            async with bus:
                await self._work(bus)
                await self._running.end_services()

    async def _work(self, bus: MqttBus) -> None:
        """Listen, look after the processes, until told to stop."""
        async with asyncio.TaskGroup() as work:
            tasks = [work.create_task(self._listen(bus), name="listen"), work.create_task(self._look(bus), name="look")]
            if self._is_once:
                tasks.append(work.create_task(self._until_all_read(), name="once"))
            await self._running.told.wait()
            for task in tasks:
                task.cancel()

    async def _listen(self, bus: MqttBus) -> None:
        ours = {child.name for child in self._running.children}
        async with bus.subscribe(*HEARS) as heard:
            async for message in heard:
                event = self._board.hear(message)
                # Of our own processes we know more than the bus does.
                if event and not (isinstance(message, ServiceStatus) and message.service in {*ours, ACCOUNT}):
                    self._events.add(event)

    async def _look(self, bus: MqttBus) -> None:
        """Tell the bus and Prometheus how the processes are, and end when none is left that could do anything."""
        known: dict[str, str] = {}
        while True:
            found = self._running.look_around()
            for who in known.keys() | found.keys():
                self._health.report(who, found.get(who))
            for child in self._running.children:
                metrics.IS_WELL.labels(child.name).set(child.state is ChildState.READY)
            if found != known:
                known = found
                bus.publish(self._status(is_online=True))
            if self._is_nothing_left():
                self._code = EXIT_CONFIG
                self._running.tell("site", "no service is left that could run", Tone.BAD)
                self._running.stop()
            await asyncio.sleep(LOOK_S)

    async def _until_all_read(self) -> None:
        """Wait until every device was heard of once, show the site, and end it."""
        wanted = self._site.devices
        begun_s = self._clock.monotonic()
        while missing := [name for name in wanted if not self._board.knows(name)]:
            if self._clock.monotonic() - begun_s > ONCE_S:
                self._running.tell("site", f"nothing heard of {', '.join(missing)} in {ONCE_S:.0f} s", Tone.BAD)
                self._code = EXIT_CRASH
                break
            await asyncio.sleep(0.1)
        terminal = screen.console()
        terminal.print(self.page().draw(terminal.width, None))
        self._running.stop()

    def _is_nothing_left(self) -> bool:
        services = [child for child in self._running.children if child.name not in (BROKER, SIMULATOR)]
        is_wanted = any(name != SIMULATOR for name in self._site.services)
        return is_wanted and all(child.state is ChildState.GIVEN_UP for child in services)

    def _status(self, is_online: bool) -> ServiceStatus:
        return ServiceStatus(
            site=self._site.settings.site,
            at=self._clock.now(),
            service=ACCOUNT,
            state=AvailabilityState.ONLINE if is_online else AvailabilityState.OFFLINE,
            version=self._health.version,
            started_at=self._health.started_at,
            host=socket.gethostname(),
            problems=self._health.problems,
        )

    def _say_what_runs(self) -> None:
        site, address = self._site, self._site.settings.broker.address
        tell = self._running.tell
        match site.broker_kind:
            case BrokerKind.EXTERNAL:
                tell(BROKER, f"{address}, which somebody else starts")
            case BrokerKind.EMBEDDED:
                why = "mosquitto not found: " if site.settings.supervisor.broker is BrokerKind.AUTO else ""
                tell(BROKER, f"{why}embedded broker on {address}, fit for a home", Tone.WARNING)
            case _:
                tell(BROKER, f"mosquitto on {address}")
        if site.page_url:
            config = f" --config {site.file}" if site.file else ""
            tell("page", f"{site.page_url}; the first time it asks for what `hashbus web code{config}` prints")
        for name in site.services:
            if not site.is_installed(name):
                tell(name, "is not installed here and is left out", Tone.BAD)

    def _say_goodbye(self) -> None:
        terminal = screen.console()
        if self._has_screen:
            # The page is gone with its screen: what went wrong stays readable.
            for event in [one for one in self._events.kept if one.tone is Tone.BAD][-10:]:
                screen.print_event(event)
        terminal.print(f"The site has ended. What its processes said: {self._site.logs}")

    def page(self) -> Page:
        """Return what a person sees at this moment."""
        site, now = self._site, self._clock.now()
        ours = [_view(child) for child in self._running.children]
        names = {child.name for child in self._running.children} | {ACCOUNT}
        missing = [
            ServiceView(name, Tone.BAD, "not installed") for name in site.services if not site.is_installed(name)
        ]
        others = [view for view in services_on_bus(self._board, now) if view.name not in names]
        kind = "broker" if site.broker_kind is BrokerKind.EXTERNAL else str(site.broker_kind)
        return Page(
            title=f"{site.settings.site} · {site.name} · {kind} {site.settings.broker.address}",
            board=self._board,
            services=[*ours, *missing, *others],
            events=list(self._events.kept),
            now=now,
            notice="" if self._board.miners() or self._board.batteries() else self._notice(),
            foot="" if self._is_once else self._foot(),
        )

    def _notice(self) -> str:
        if not self._site.devices:
            return "no devices yet: find them with `hashbus scan`, then write them down in the site file"
        return "waiting for the first reading…"

    def _foot(self) -> str:
        if self._running.told.is_set():
            return "ending the site… (Ctrl-C again ends it at once)"
        where = f"page: {self._site.page_url} · " if self._site.page_url else ""
        return f"Ctrl-C ends the site · {where}logs: {self._site.logs} · in another terminal: hashbus --help"


def _view(child: Child) -> ServiceView:
    tone = TONE_OF_STATE.get(child.state, Tone.NEUTRAL)
    word = "" if child.state is ChildState.READY else str(child.state)
    return ServiceView(child.name, tone, word, child.problems if tone in (Tone.BAD, Tone.WARNING) else ())
