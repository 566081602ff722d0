"""Shows the site in Home Assistant, and takes its commands: the shell around `House` and `commands`."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from hashbus import logs
from hashbus.foreign import PlainCommand
from hashbus.messages import Message, OrderResult, OrderStatus, PowerRequest, SiteSummary
from hashbus.mqtt_noticeboard import Noticeboard, Said
from hashbus_smarthome import metrics
from hashbus_smarthome.commands import Desk, NotUnderstood, messages_of
from hashbus_smarthome.discovery.devices import KINDS
from hashbus_smarthome.discovery.place import ACCOUNT, Place
from hashbus_smarthome.house import HEARS, House

if TYPE_CHECKING:
    from hashbus.bus import Subscription
    from hashbus.service import Running
    from hashbus_smarthome.settings import SmarthomeSettings

log = logs.get("homeassistant")

TICK_S = 1.0
AT_ONCE = 50
"""Discovery messages made in one go: the commands of people are not to wait for those of a farm."""

SUMMARY_EVERY_S = 10.0
"""Sums that move with every reading are said this often; whether a miner runs or an alert is open, at once."""

MOVING = frozenset({"at", "power_w", "hashrate_ths", "efficiency_j_per_th", "completeness_pct", "plan_delivered_w"})
FIRST_SUMMARY_S = 3.0
"""By then the broker has handed out what it retains: a site is not without miners because we have just come."""

RENEWED_AFTER_S = 60.0
"""The summary is said again by then, also when it is the same."""

CONNECTED_BY_S = 10.0
ONCE_S = 2.0
BORN = b"online"


class HomeAssistant:
    """One site in one Home Assistant, or in several that read the same broker."""

    def __init__(self, running: Running[SmarthomeSettings], board: Noticeboard) -> None:
        """Know of nothing yet."""
        self._running = running
        self._board = board
        self._settings = running.settings.smarthome.homeassistant
        self._house = House(running.settings.site, self._settings)
        self._shown: set[str] = set()
        self._orphans: set[str] = set()
        self._again_at_s: float | None = None
        self._begun_s = running.clock.monotonic()
        self._settled_at_s = running.clock.monotonic() + self._settings.settle_s
        self._requests: dict[str, PowerRequest] = {}
        self._summary: SiteSummary | None = None
        self._summary_at_s = running.clock.monotonic() + FIRST_SUMMARY_S

    async def run(self) -> None:
        """Show and obey until told to stop; with `--once` show what the broker remembers."""
        async with self._running.bus.subscribe(*HEARS, OrderResult) as heard:
            if self._running.once:
                await self._once(heard)
                return
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._hear(heard), name="hear the bus")
                tasks.create_task(self._remember(), name="remember requests")
                tasks.create_task(self._obey(), name="hear commands")
                tasks.create_task(self._show(), name="show")

    async def _once(self, heard: Subscription[Message]) -> None:
        while (message := await heard.next(ONCE_S)) is not None:
            self._house.hear(message)
        self._say_summary()
        while not self._house.is_settled:
            self._pin_changes()
        await self._board.done()

    async def _hear(self, heard: Subscription[Message]) -> None:
        async for message in heard:
            if isinstance(message, OrderResult):
                self._note_result(message)
            else:
                self._house.hear(message)
            # Commands have their turn, however much there is to hear.
            await asyncio.sleep(0)

    def _note_result(self, result: OrderResult) -> None:
        if result.asker == ACCOUNT and result.status is not OrderStatus.DONE:
            log.warning(
                "an order of the smart home was not carried out",
                miner=result.miner,
                command=result.command.value,
                status=result.status.value,
                problem=result.message,
            )

    async def _remember(self) -> None:
        """Hear the own requests, those of an earlier run among them: what has lapsed is taken off the bus."""
        async with self._running.bus.subscribe(PowerRequest, source=ACCOUNT) as requests:
            async for request in requests:
                self._requests[request.address()] = request

    def _clear_lapsed(self) -> None:
        """Take requests off the bus that hold no more, so that nobody shows what does not count."""
        now = self._running.clock.now()
        for address, request in list(self._requests.items()):
            if request.until <= now:
                del self._requests[address]
                self._running.bus.clear(request)

    async def _show(self) -> None:
        while True:
            self._tick()
            await self._running.clock.sleep(TICK_S)

    def _tick(self) -> None:
        clock, house = self._running.clock, self._house
        now_s = clock.monotonic()
        # To be not connected yet in the first seconds is no trouble.
        is_young = now_s < self._begun_s + CONNECTED_BY_S
        self._running.health.report("notices", None if is_young else _trouble(self._board))
        house.age(clock.now())
        self._clear_lapsed()
        if now_s >= self._summary_at_s:
            self._say_summary()
        self._pin_changes()
        if now_s >= self._settled_at_s and house.is_settled:
            self._clear_orphans()
        if self._again_at_s is not None and now_s >= self._again_at_s:
            self._again_at_s = None
            self._board.pin_again()

    def _say_summary(self) -> None:
        """Say the summary when it is another, and from time to time."""
        now, before = self._running.clock.now(), self._summary
        summary = self._house.known.summary(self._house.site, now)
        if before is not None:
            changed = {name for name in SiteSummary.model_fields if getattr(summary, name) != getattr(before, name)}
            wait_s = 0.0 if changed - MOVING else SUMMARY_EVERY_S if changed - {"at"} else RENEWED_AFTER_S
            if before.age_s(now) < wait_s:
                return
        self._summary = summary
        self._running.bus.publish(summary)
        self._house.hear(summary)

    def _pin_changes(self) -> None:
        for topic, payload in self._house.changed(AT_ONCE):
            if self._board.pinned(topic) == payload or (not payload and topic not in self._shown | self._orphans):
                continue
            self._board.pin(topic, payload)
            metrics.NOTICES.inc()
            self._orphans.discard(topic)
            (self._shown.add if payload else self._shown.discard)(topic)
        metrics.SHOWN.set(len(self._shown))

    def _clear_orphans(self) -> None:
        """Take out what an earlier run has shown and nobody speaks of any more."""
        for topic in self._orphans - self._shown:
            log.info("taken out of Home Assistant", topic=topic)
            self._board.pin(topic, b"")
            metrics.NOTICES.inc()
        self._orphans.clear()

    async def _obey(self) -> None:
        while True:
            said = await self._board.heard(60.0)
            if said is not None:
                self._take(said)

    def _take(self, said: Said) -> None:
        if said.topic == birth_topic(self._settings.discovery_prefix):
            if said.payload == BORN and not said.is_retained:
                delay_s = random.random() * self._settings.birth_delay_s  # noqa: S311 (spreads load, keeps no secret)
                self._again_at_s = self._running.clock.monotonic() + delay_s
            return
        if said.topic.startswith(f"{self._settings.discovery_prefix}/"):
            self._note_shown(said)
            return
        place = _left(said)
        if place is not None:
            self._house.forget(place)
            return
        command = PlainCommand.read(said.topic)
        if command is not None and not said.is_retained and said.payload:
            self._carry_out(command, said.payload)

    def _note_shown(self, said: Said) -> None:
        """Note what is shown already: ours, or left by an earlier run."""
        if said.is_retained and said.payload and said.topic not in self._shown:
            self._orphans.add(said.topic)

    def _carry_out(self, command: PlainCommand, payload: bytes) -> None:
        house = self._house
        desk = Desk(
            site=house.site,
            now=self._running.clock.now(),
            settings=self._settings,
            about=house.about(command.kind, command.device),
            has_controller=house.has_controller,
            most_w=house.most_w,
            alerts=tuple(house.known.alerts.values()),
        )
        try:
            messages = messages_of(command, payload, desk)
        except NotUnderstood as error:
            metrics.COMMANDS.labels(_counted(command), "refused").inc()
            log.warning("a command of the smart home is not understood", topic=command.address, problem=str(error))
            return
        for message in messages:
            self._running.bus.publish(message)
        metrics.COMMANDS.labels(_counted(command), "said").inc()
        log.info("asked by the smart home", kind=command.kind, device=command.device, control=command.control)


async def withdraw(board: Noticeboard, site: str, prefix: str) -> None:
    """Take out of Home Assistant what an earlier run has shown: it was switched off since."""
    beginning = f"{prefix}/device/{Place(site, 'site').node[0]}/"
    while True:
        said = await board.heard(60.0)
        if said is not None and said.is_retained and said.payload and said.topic.startswith(beginning):
            log.info("taken out of Home Assistant", topic=said.topic)
            board.pin(said.topic, b"")
            metrics.NOTICES.inc()


def hears(site: str, prefix: str) -> tuple[str, ...]:
    """Return what the notice board has to listen to.

    Those are the commands, the birth of Home Assistant, what it is shown already, and messages of our own that may be
    taken away: the bus does not hand out that a topic was cleared.
    """
    node, _ = Place(site, "site").node
    anchors = {kind.anchor.topic.filter(site=site) for kind in KINDS if kind.anchor is not SiteSummary}
    return (PlainCommand.filter(site), birth_topic(prefix), f"{prefix}/device/{node}/+/config", *sorted(anchors))


def birth_topic(prefix: str) -> str:
    """Return the topic on which Home Assistant says that it has started."""
    return f"{prefix}/status"


def _left(said: Said) -> Place | None:
    """Return the device whose retained description was just taken away."""
    if said.payload:
        return None
    for kind in KINDS:
        levels = kind.anchor.topic.matches(said.topic)
        if levels is not None:
            site = levels.pop("site")
            return Place(site, kind.name, tuple(levels.items()), kind.presence)
    return None


def _counted(command: PlainCommand) -> str:
    """Return what a command is counted as; anybody may invent kinds, and each would be a figure of its own."""
    return command.kind if any(kind.name == command.kind for kind in KINDS) else "unknown"


def _trouble(board: Noticeboard) -> str | None:
    return None if board.problem is None else f"Home Assistant cannot be told anything: {board.problem}"
