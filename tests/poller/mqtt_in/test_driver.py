"""The mqtt_in driver on a real mosquitto."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import aiomqtt
import pytest

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import MeterReading, SensorReading
from hashbus.settings import BrokerSettings
from hashbus_poller.drivers.contract import Garbled, Refused, Unreachable, Wiring
from hashbus_poller.drivers.mqtt_in.driver import MqttIn
from hashbus_poller.drivers.mqtt_in.options import MqttInOptions
from hashbus_poller.shared import Shared
from hashbus_poller.testing.driver_promises import MemoryTape
from tests.servers import GuardedMosquitto, Mosquitto

TEMPERATURE = {"temperature_c": {"path": "t", "unit": "°C"}}
PATIENCE_S = 20.0
HASTY_S = 0.2


class Bench:
    """Drivers of one poller, and somebody who speaks to the broker that they listen to."""

    def __init__(self, broker: Mosquitto, topic: str) -> None:
        self.broker = broker
        self.topic = topic
        self.tape = MemoryTape()
        self.shared = Shared()
        self._drivers: list[MqttIn] = []
        self._site_broker = BrokerSettings(host=broker.host, port=broker.port)

    def driver(self, **options: Any) -> MqttIn:
        """A driver that listens to the topic of this test."""
        values = {"kind": "sensor", "topic": self.topic, "fields": TEMPERATURE, "timeout_s": PATIENCE_S, **options}
        wiring = Wiring(SYSTEM_CLOCK, aiohttp.ClientSession, self.tape, self.shared, self._site_broker)
        driver = MqttIn(MqttInOptions.model_validate(values), wiring)
        self._drivers.append(driver)
        return driver

    async def says(self, payload: str | bytes, *, topic: str | None = None, retain: bool = False) -> None:
        async with aiomqtt.Client(self.broker.host, self.broker.port) as client:
            await client.publish(topic or self.topic, payload, qos=1, retain=retain)

    async def close(self) -> None:
        for driver in self._drivers:
            await driver.close()


@pytest.fixture
async def bench(mosquitto: Mosquitto, site: str) -> AsyncIterator[Bench]:
    here = Bench(mosquitto, f"foreign/{site}")
    yield here
    await here.close()


async def temperature_c(driver: MqttIn) -> float | None:
    """Read a temperature."""
    reading = await driver.read()
    assert isinstance(reading, SensorReading)
    return reading.temperature_c


async def until_read(driver: MqttIn, holds: Callable[[Any], bool]) -> Any:
    """Read until the reading is as it should be: what is said takes a moment to arrive."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            reading = await driver.read()
            if holds(reading):
                return reading
            await asyncio.sleep(0.01)


async def until_online(driver: MqttIn) -> MeterReading:
    """Read a meter until it has said something."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(Unreachable):
                reading = await driver.read()
                assert isinstance(reading, MeterReading)
                return reading
            await asyncio.sleep(0.01)


@asynccontextmanager
async def saying_again_and_again(here: Bench, payload: str, **topics: str) -> AsyncIterator[None]:
    """Say it until somebody has heard it: nobody knows when a driver has subscribed."""
    is_over = asyncio.Event()

    async def speak() -> None:
        async with aiomqtt.Client(here.broker.host, here.broker.port) as client:
            while not is_over.is_set():
                for topic, said in (topics or {here.topic: payload}).items():
                    await client.publish(topic, said, qos=1)
                await asyncio.sleep(0.02)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(speak())
        try:
            yield
        finally:
            is_over.set()


async def test_what_is_said_is_read_and_is_as_old_as_it_was_heard(bench: Bench) -> None:
    driver = bench.driver()
    async with saying_again_and_again(bench, '{"t": 21.5}'):
        first = await driver.read()
    assert isinstance(first, SensorReading)
    assert first.temperature_c == 21.5
    assert first.taken_at is not None
    assert SYSTEM_CLOCK.now() - first.taken_at < timedelta(seconds=PATIENCE_S)
    second = await driver.read()
    assert second.taken_at is not None
    assert second.taken_at >= first.taken_at
    third = await driver.read()
    assert third.taken_at == second.taken_at, "reading again makes nothing younger"
    assert (bench.topic, b'{"t": 21.5}') in bench.tape.exchanges


async def test_the_last_word_counts(bench: Bench) -> None:
    driver = bench.driver()
    async with saying_again_and_again(bench, '{"t": 1}'):
        await driver.read()
    await bench.says('{"t": 2}')
    await until_read(driver, lambda reading: reading.temperature_c == 2)


async def test_a_retained_value_is_no_reading_until_it_is_said_again(bench: Bench) -> None:
    await bench.says('{"t": 21.5}', retain=True)
    driver = bench.driver()
    with pytest.raises(Unreachable, match="retained value of unknown age"):
        await driver.read()
    await bench.says('{"t": 22}')
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                assert await temperature_c(driver) == 22
                break
            except Unreachable:
                await asyncio.sleep(0.01)


async def test_a_retained_value_that_says_when_it_was_measured_is_a_reading(bench: Bench) -> None:
    await bench.says(f'{{"t": 21.5, "last_seen": "{SYSTEM_CLOCK.now().isoformat()}"}}', retain=True)
    assert await temperature_c(bench.driver(time_path="last_seen")) == 21.5


async def test_silence_ends_with_the_time_limit(bench: Bench) -> None:
    with pytest.raises(Unreachable, match=f"nothing heard on {bench.topic}"):
        await bench.driver(timeout_s=HASTY_S).read()


async def test_what_makes_no_sense_is_garbled(bench: Bench) -> None:
    driver = bench.driver()
    async with saying_again_and_again(bench, "out of order"):
        with pytest.raises(Garbled, match="t is not there") as garbled:
            await driver.read()
    assert garbled.value.payload == b"out of order"


async def test_devices_at_one_broker_share_a_connection_that_the_last_one_closes(bench: Bench) -> None:
    power = {"power_w": {"unit": "W"}}
    drivers = [bench.driver(kind="meter", fields=power, topic=f"{bench.topic}/{number}") for number in range(3)]
    async with saying_again_and_again(bench, "", **{f"{bench.topic}/{number}": str(number) for number in range(3)}):
        for number, driver in enumerate(drivers):
            assert (await until_online(driver)).power_w == number
    (feed,) = bench.shared._things.values()
    for driver in drivers:
        assert feed._task is not None  # type: ignore[attr-defined]
        await driver.close()
    assert feed._task is None, "nobody listens any more"  # type: ignore[attr-defined]


async def test_nobody_listening_is_known_at_once(bench: Bench, free_port: int) -> None:
    driver = bench.driver(broker={"host": "127.0.0.1", "port": free_port})
    with pytest.raises(Unreachable, match="no connection to the broker") as unreachable:
        await driver.read()
    assert unreachable.value.is_refused


async def test_a_wrong_password_is_refused_and_a_right_one_is_not(tmp_path: Path) -> None:
    with GuardedMosquitto(tmp_path / "guarded") as broker:
        here = Bench(broker, "hashbus/home/nothing")
        place = {"host": broker.host, "port": broker.port, "username": "poller"}
        with pytest.raises(Refused, match="check username and password"):
            await here.driver(broker={**place, "password": "wrong-secret-1"}).read()
        with pytest.raises(Unreachable, match="nothing heard"):
            await here.driver(broker={**place, "password": broker.passwords["poller"]}, timeout_s=HASTY_S).read()
        await here.close()


async def test_a_broker_that_comes_back_is_heard_again(own_mosquitto: Mosquitto) -> None:
    here = Bench(own_mosquitto, "foreign/plug")
    driver = here.driver()
    async with saying_again_and_again(here, '{"t": 1}'):
        await driver.read()
    own_mosquitto.stop()
    assert await temperature_c(driver) == 1, "what was heard a moment ago is still good"
    own_mosquitto.start()
    async with saying_again_and_again(here, '{"t": 2}'):
        await until_read(driver, lambda reading: reading.temperature_c == 2)
    await here.close()


async def test_a_cancelled_reading_leaves_no_connection_behind_once_closed(bench: Bench) -> None:
    driver = bench.driver()
    reading = asyncio.create_task(driver.read())
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await driver.close()
    (feed,) = bench.shared._things.values()
    assert feed._task is None  # type: ignore[attr-defined]
