"""Listens to Zigbee2MQTT and says its sensors on the bus: the shell around `Network`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from hashbus import logs
from hashbus.messages import AvailabilityState, SensorAvailability, SensorTelemetry
from hashbus.mqtt_feed import Feed, Heard
from hashbus_smarthome import metrics
from hashbus_smarthome.zigbee.network import SOURCE, Network

if TYPE_CHECKING:
    from hashbus.service import Running
    from hashbus_smarthome.settings import SmarthomeSettings

log = logs.get("zigbee2mqtt")

LARGEST_PAYLOAD = 16 << 20
"""Bytes: the list of a large network with all that its devices expose has some megabytes."""

TICK_S = 1.0
BROKER_WAIT_S = 3.0
MEMORY_WAIT_S = 0.5
"""Once the broker is there, it hands out what it retains at once."""

ONCE_S = 3.0


class Listener:
    """One Zigbee2MQTT, on the site's broker or another."""

    def __init__(self, running: Running[SmarthomeSettings]) -> None:
        """Listen to nothing yet."""
        settings = running.settings.smarthome.zigbee2mqtt
        self._running = running
        self._base = settings.base_topic
        self._network = Network(running.settings.site, timedelta(seconds=settings.max_age_s), settings.leave_out)
        self._feed = Feed(settings.broker or running.settings.broker, running.clock, largest_bytes=LARGEST_PAYLOAD)
        self._bridge = (f"{self._base}/bridge/state", f"{self._base}/bridge/devices")
        self._wanted: set[str] = set()
        self._read: dict[str, Heard] = {}
        self._told: set[str] = set()

    async def run(self) -> None:
        """Bring the sensors in until told to stop; with `--once` what Zigbee2MQTT retains."""
        await self._recall()
        self._feed.want(self._bridge)
        clock = self._running.clock
        end_s = clock.monotonic() + ONCE_S
        try:
            while not (self._running.once and clock.monotonic() > end_s):
                await self._round()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TICK_S):
                        await self._feed.news()
        finally:
            await self._feed.leave([*self._bridge, *self._wanted])

    async def _recall(self) -> None:
        """Hear first what an earlier run said: who left meanwhile must be taken off the bus."""
        bus, clock = self._running.bus, self._running.clock
        end_s = clock.monotonic() + BROKER_WAIT_S
        async with bus.subscribe(SensorTelemetry, SensorAvailability, source=SOURCE) as memories:
            while True:
                memory = await memories.next(MEMORY_WAIT_S)
                if memory is not None:
                    self._network.recall(memory)
                elif bus.is_connected or clock.monotonic() > end_s:
                    return

    async def _round(self) -> None:
        network, bus = self._network, self._running.bus
        for topic, one in self._news(self._bridge):
            if topic.endswith("/state"):
                network.hear_bridge(one.payload)
            elif network.hear_devices(one.payload):
                log.info("devices of Zigbee2MQTT", sensors=len(network.sensors))
        await self._listen_to(network.names)
        for topic, one in self._news(sorted(self._wanted)):
            self._hear(topic.removeprefix(f"{self._base}/"), one)
        for availability in network.availabilities(self._running.clock.now()):
            bus.publish(availability)
        for sensor in network.gone():
            self._take_off(sensor)
        self._report()

    def _hear(self, name: str, one: Heard) -> None:
        device = name.removesuffix("/availability")
        if device != name and device in self._network.names:
            self._network.hear_availability(device, one.payload)
            return
        for reading in self._network.hear_device(name, one.payload, one.at, is_retained=one.is_retained):
            self._running.bus.publish(reading)
            metrics.ZIGBEE_READINGS.inc()

    async def _listen_to(self, names: set[str]) -> None:
        wanted = {f"{self._base}/{name}{ending}" for name in names for ending in ("", "/availability")}
        wanted -= set(self._bridge)
        if new := wanted - self._wanted:
            self._feed.want(new)
        if left := self._wanted - wanted:
            await self._feed.leave(left)
            for topic in left:
                self._read.pop(topic, None)
        self._wanted = wanted

    def _news(self, topics: Iterable[str]) -> list[tuple[str, Heard]]:
        """Return what was said since the last time, the retained before the new."""
        found = []
        for topic in topics:
            one = self._feed.heard(topic) or self._feed.retained(topic)
            if one is not None and self._read.get(topic) is not one:
                self._read[topic] = one
                found.append((topic, one))
        return found

    def _take_off(self, sensor: str) -> None:
        log.info("a sensor has left Zigbee2MQTT", sensor=sensor)
        site, now = self._running.settings.site, self._running.clock.now()
        self._running.bus.clear(SensorTelemetry(site=site, at=now, source=SOURCE, sensor=sensor))
        self._running.bus.clear(
            SensorAvailability(
                site=site, at=now, source=SOURCE, sensor=sensor, state=AvailabilityState.OFFLINE, since=now
            )
        )

    def _report(self) -> None:
        """Say what does not work: an own broker that is away, and once each device that is not understood."""
        is_own = self._running.settings.smarthome.zigbee2mqtt.broker is not None
        problem = self._feed.problem if is_own else None
        self._running.health.report("zigbee2mqtt", problem and f"Zigbee2MQTT's broker cannot be heard: {problem}")
        for name, trouble in self._network.problems.items():
            if name not in self._told:
                metrics.ZIGBEE_REFUSED.inc()
                log.warning("not understood", device=name, problem=trouble)
        self._told = set(self._network.problems)
