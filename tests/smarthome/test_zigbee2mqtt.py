"""The smarthome process beside a Zigbee2MQTT that is played by the test, on a real mosquitto."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hashbus.foreign import OF_GUESTS
from hashbus.topics import SERVICES
from tests.servers import EmbeddedBroker, GuardedMosquitto, Mosquitto, wait_until
from tests.smarthome.homes import (
    Seen,
    Smarthome,
    bus,
    controller,
    filters_of,
    info,
    present,
    publish_all,
    reading,
    watching,
)
from tests.smarthome.zigbee_devices import ALL, PLUG, ROOM, WINDOW

Guarded = GuardedMosquitto | EmbeddedBroker


class Zigbee:
    """A Zigbee2MQTT below a base topic of its own."""

    def __init__(self, seen: Seen, base: str, site: str) -> None:
        self.seen = seen
        self.base = base
        self.site = site

    async def begins(self, *devices: dict[str, Any]) -> None:
        """It starts, with these devices."""
        await self.says("bridge/state", {"state": "online"}, retain=True)
        await self.says("bridge/devices", [*devices], retain=True)

    async def says(self, name: str, what: Any, *, retain: bool = False) -> None:
        payload = what if isinstance(what, bytes) else json.dumps(what, ensure_ascii=False).encode()
        await self.seen.says(f"{self.base}/{name}", payload, retain=retain)

    async def forgets(self) -> None:
        for name in ("bridge/state", "bridge/devices"):
            await self.says(name, b"", retain=True)

    def topic(self, sensor: str, what: str = "telemetry") -> str:
        return f"hashbus/{self.site}/sensor/zigbee2mqtt/{sensor}/{what}"

    def last(self, sensor: str, what: str = "telemetry") -> dict[str, Any]:
        """What was said last of a sensor; empty when nothing was, or it was taken off."""
        return (self.seen.payloads(self.topic(sensor, what)) or [{}])[-1] if self.is_there(sensor, what) else {}

    def is_there(self, sensor: str, what: str = "telemetry") -> bool:
        message = self.seen.last.get(self.topic(sensor, what))
        return message is not None and bool(message.payload)

    async def until_reads(self, sensor: str, **values: object) -> dict[str, Any]:
        await self.seen.until(lambda _: values.items() <= self.last(sensor).items())
        return self.last(sensor)

    async def until_is(self, sensor: str, state: str, reason: str | None = None) -> None:
        def holds(_: Seen) -> bool:
            said = self.last(sensor, "availability")
            return (said.get("state"), said.get("reason")) == (state, reason)

        await self.seen.until(holds)

    async def until_listened_to(self, *sensors: str) -> None:
        """Wait until the service knows these sensors, then until it hears them."""
        for sensor in sensors:
            await self.seen.until(lambda _, sensor=sensor: self.is_there(sensor, "availability"))  # type: ignore[misc]


@asynccontextmanager
async def played(broker: Mosquitto, site: str, base: str | None = None) -> AsyncIterator[Zigbee]:
    async with watching(broker, f"hashbus/{site}/#") as seen:
        zigbee = Zigbee(seen, base or f"z2m-{site}", site)
        yield zigbee
        await zigbee.forgets()


def smarthome(on: Mosquitto, site: str, folder: Path, **more: Any) -> Smarthome:
    section = {"base_topic": f"z2m-{site}", **more}
    return Smarthome(on, site, folder, zigbee2mqtt=section, homeassistant={"enabled": False})


async def says_until_read(
    zigbee: Zigbee, name: str, sensor: str, said: dict[str, Any], **values: object
) -> dict[str, Any]:
    """Say it until it is read: nobody knows when a subscription is there."""
    for _ in range(200):
        await zigbee.says(name, said)
        if await _soon(zigbee, sensor, values):
            return zigbee.last(sensor)
    raise AssertionError(f"{sensor} was never read")


async def _soon(zigbee: Zigbee, sensor: str, values: dict[str, object]) -> bool:
    try:
        async with asyncio.timeout(0.2):
            await zigbee.until_reads(sensor, **values)
    except TimeoutError:
        return False
    return True


async def test_the_life_of_a_zigbee_network(mosquitto: Mosquitto, site: str, tmp_path: Path) -> None:
    async with played(mosquitto, site) as zigbee:
        await zigbee.begins(*ALL)
        with smarthome(mosquitto, site, tmp_path).start() as running:
            await zigbee.until_listened_to("living-room-climate", "pump-plug", "Kuche-Fenster", "two-sockets-l2")
            await zigbee.until_is("living-room-climate", "offline", "nothing heard yet")

            # It speaks: telemetry, retained, at QoS 1, and it is online.
            said = {"temperature": 21.4, "humidity": 44.1, "linkquality": 132, "last_seen": "2025-10-09T08:53:20+00:00"}
            room = await says_until_read(
                zigbee, "living room/climate", "living-room-climate", {**said, "last_seen": None}, temperature_c=21.4
            )
            assert room["name"] == "living room/climate"
            message = zigbee.seen.last[zigbee.topic("living-room-climate")]
            assert message.qos == 1
            await zigbee.until_is("living-room-climate", "online")

            # Garbage disturbs nobody.
            await zigbee.says("living room/climate", b"\xff\xfe{")
            await zigbee.says("living room/climate", {"temperature": "warm", "humidity": 50})
            found = await zigbee.until_reads("living-room-climate", humidity_pct=50)
            assert found["temperature_c"] is None
            assert running.said.count("Zigbee2MQTT's `output` must be json") == 1

            # A name with slashes and letters of another alphabet.
            await zigbee.says("Küche/Fenster", {"contact": False, "battery": 80})
            await zigbee.until_reads("Kuche-Fenster", contact=False, battery_pct=80)

            # Reached and not reached, the bridge away and back.
            await zigbee.says("pump plug", {"state": "ON", "power": 1480.5})
            await zigbee.until_reads("pump-plug", is_on=True, power_w=1480.5)
            await zigbee.says("pump plug/availability", {"state": "offline"}, retain=True)
            await zigbee.until_is("pump-plug", "offline", "Zigbee2MQTT does not reach it")
            await zigbee.says("pump plug/availability", {"state": "online"}, retain=True)
            await zigbee.until_is("pump-plug", "online")
            await zigbee.says("bridge/state", {"state": "offline"}, retain=True)
            await zigbee.until_is("pump-plug", "offline", "Zigbee2MQTT is offline")
            await zigbee.says("bridge/state", {"state": "online"}, retain=True)
            await zigbee.until_is("pump-plug", "online")

            # A device leaves, another is renamed: what they were is taken off the bus.
            await zigbee.says("bridge/devices", [{**ROOM, "friendly_name": "parlour"}, WINDOW], retain=True)
            await zigbee.seen.until(lambda _: not zigbee.is_there("pump-plug"))
            await zigbee.seen.until(lambda _: not zigbee.is_there("living-room-climate", "availability"))
            await says_until_read(zigbee, "parlour", "parlour", {"temperature": 20}, temperature_c=20)
            await zigbee.says("pump plug/availability", b"", retain=True)


async def test_what_left_while_the_service_was_dead_is_taken_off_after_its_restart(
    mosquitto: Mosquitto, site: str, tmp_path: Path
) -> None:
    async with played(mosquitto, site) as zigbee:
        await zigbee.begins(ROOM, PLUG)
        with smarthome(mosquitto, site, tmp_path).start() as running:
            await zigbee.until_listened_to("pump-plug", "living-room-climate")
            await says_until_read(zigbee, "pump plug", "pump-plug", {"power": 5}, power_w=5)
            running.stop(signal.SIGKILL)
            await zigbee.says("bridge/devices", [ROOM], retain=True)
            running.start()
            await zigbee.seen.until(lambda _: not zigbee.is_there("pump-plug"))
            assert zigbee.is_there("living-room-climate", "availability")


async def test_retained_values_count_only_when_they_say_how_old_they_are(
    mosquitto: Mosquitto, site: str, tmp_path: Path
) -> None:
    async with played(mosquitto, site) as zigbee:
        await zigbee.begins(ROOM, PLUG)
        await zigbee.says("living room/climate", {"temperature": 21}, retain=True)
        await zigbee.says("pump plug", {"power": 7, "last_seen": "2025-10-09T08:53:20+00:00"}, retain=True)
        with smarthome(mosquitto, site, tmp_path).start():
            plug = await zigbee.until_reads("pump-plug", power_w=7)
            assert plug["at"] == "2025-10-09T08:53:20Z"
            await zigbee.until_is("pump-plug", "offline", "nothing heard since 2025-10-09 08:53 UTC")
            await zigbee.until_is("living-room-climate", "offline", "nothing heard yet")
            assert not zigbee.is_there("living-room-climate")
        for name in ("living room/climate", "pump plug"):
            await zigbee.says(name, b"", retain=True)


async def test_zigbee2mqtt_may_speak_on_another_broker(
    mosquitto: Mosquitto, own_mosquitto: Mosquitto, site: str, tmp_path: Path
) -> None:
    broker = {"host": own_mosquitto.host, "port": own_mosquitto.port}
    async with watching(own_mosquitto, "none") as theirs:
        await Zigbee(theirs, f"z2m-{site}", site).begins(ROOM)
    async with watching(mosquitto, f"hashbus/{site}/#") as ours:
        here = Zigbee(ours, "", site)
        with smarthome(mosquitto, site, tmp_path, broker=broker).start() as running:
            await here.until_is("living-room-climate", "offline", "nothing heard yet")
            own_mosquitto.stop()
            assert await asyncio.to_thread(wait_until, lambda: "no broker to listen to" in running.said)


@pytest.fixture(params=[GuardedMosquitto, EmbeddedBroker])
def guarded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Guarded]:
    """Each broker of a site with its rights, and accounts of Home Assistant and Zigbee2MQTT as well."""
    with request.param(tmp_path / "guarded", accounts=(*SERVICES, *OF_GUESTS)) as broker:
        yield broker


async def test_everybody_may_do_what_they_must_on_a_guarded_broker(guarded: Guarded, site: str, tmp_path: Path) -> None:
    async with (
        bus(guarded, site, "poller") as poller,
        bus(guarded, site, "controller") as brain,
        watching(guarded, *filters_of(site)) as home_assistant,
        watching(guarded, "zigbee2mqtt/none", account="zigbee2mqtt") as theirs,
    ):
        publish_all(poller, [info(site), present(site), reading(site)])
        brain.publish(controller(site))
        await Zigbee(theirs, "zigbee2mqtt", site).begins(ROOM)
        with Smarthome(guarded, site, tmp_path).start():
            await home_assistant.shown("miner_attic", "power_limit")
            await home_assistant.says(f"hashbus/{site}/smarthome/miner/attic/power_limit/set", "2000")
            await home_assistant.until(lambda one: f"hashbus/{site}/request/smarthome/attic/override" in one.last)
            await Zigbee(home_assistant, "", site).until_is("living-room-climate", "offline", "nothing heard yet")


async def test_garbage_from_the_bridge_leaves_the_sensors_as_they_were(
    mosquitto: Mosquitto, site: str, tmp_path: Path
) -> None:
    async with played(mosquitto, site) as zigbee:
        # The list of a large network has megabytes.
        await zigbee.begins({**ROOM, "endpoints": "x" * (3 << 20)})
        with smarthome(mosquitto, site, tmp_path).start():
            await zigbee.until_listened_to("living-room-climate")
            for name in ("bridge/state", "bridge/devices"):
                await zigbee.says(name, b"\x00garbage", retain=True)
            await says_until_read(
                zigbee, "living room/climate", "living-room-climate", {"temperature": 3}, temperature_c=3
            )
            await zigbee.until_is("living-room-climate", "online")
