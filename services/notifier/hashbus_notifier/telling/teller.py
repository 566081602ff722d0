"""Hears alerts and tells people: into the queue at once, out of it channel by channel, each at its own pace."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hashbus import logs
from hashbus.messages import Alert, AlertAck, Message, Severity
from hashbus_notifier import metrics
from hashbus_notifier.telling.channel import Channel, NotTold
from hashbus_notifier.telling.plan import ORDER, is_for, note_of, told_together

if TYPE_CHECKING:
    from hashbus.bus import Subscription
    from hashbus.service import Running
    from hashbus_notifier.channel_settings import ChannelSettings
    from hashbus_notifier.settings import NotifierSettings
    from hashbus_notifier.telling.queue import Queue

LOOK_S = 1.0

log = logs.get("telling")


@dataclass(frozen=True, slots=True)
class Way:
    """One configured channel."""

    name: str
    settings: ChannelSettings
    channel: Channel


class Teller:
    """Tells what the alerts on the bus say."""

    def __init__(self, running: Running[NotifierSettings], queue: Queue, ways: tuple[Way, ...]) -> None:
        """Tell over `ways`, nothing twice."""
        self._running = running
        self._queue = queue
        self._ways = ways
        self._zone = ZoneInfo(running.settings.time_zone)

    async def listen(self, heard: Subscription[Message]) -> None:
        """Take alerts into the queue for ever."""
        async for message in heard:
            if isinstance(message, AlertAck):
                self._seen(message)
            elif isinstance(message, Alert):
                self.take(message)

    def take(self, alert: Alert) -> None:
        """Put one alert, or its end, into the queue of every channel that tells it."""
        now = self._running.clock.now()
        for way in self._ways:
            if not is_for(alert, way.settings):
                continue
            if alert.cleared_at is not None:
                was_told = self._queue.was_told(way.name, alert.key, alert.since.isoformat())
                # Who was not told of it yet need not hear that it is over.
                self._queue.forget_waiting(way.name, alert.key)
                if not was_told or not way.settings.tells_end:
                    continue
            dropped = self._queue.put(note_of(alert, way.name, way.settings, now, self._zone))
            metrics.NOTES_DROPPED.labels(way.name).inc(dropped)

    def _seen(self, ack: AlertAck) -> None:
        for way in self._ways:
            if way.settings.after_s:
                self._queue.forget_waiting(way.name, ack.key)

    async def run(self) -> None:
        """Tell for ever; a channel that fails delays no other."""
        async with asyncio.TaskGroup() as tasks:
            for way in self._ways:
                tasks.create_task(self._serve(way), name=f"channel {way.name}")

    async def _serve(self, way: Way) -> None:
        clock, health = self._running.clock, self._running.health
        while True:
            metrics.NOTES_WAITING.labels(way.name).set(self._queue.waiting(way.name))
            due = self._queue.due(way.name, clock.now())
            wait_s = LOOK_S
            if due.numbers:
                gravest = max((Severity(one) for one in due.severities), key=ORDER.index)
                try:
                    await way.channel.tell(told_together(list(due.texts)), gravest)
                except NotTold as problem:
                    wait_s = problem.retry_s
                    metrics.NOTES_FAILED.labels(way.name).inc()
                    if health.report(f"channel-{way.name}", f"channel {way.name}: {problem}"):
                        log.warning("people cannot be told", channel=way.name, problem=str(problem))
                else:
                    self._queue.told(due.numbers, clock.now())
                    metrics.NOTES_TOLD.labels(way.name).inc(len(due.numbers))
                    if health.report(f"channel-{way.name}", None):
                        log.info("people can be told again", channel=way.name)
            await clock.sleep(wait_s)
