"""The notice board on a real mosquitto: what is pinned stays pinned, what is said is heard."""

import asyncio
from collections.abc import AsyncIterator

import aiomqtt
import pytest

from hashbus.mqtt_noticeboard import Noticeboard, Said
from hashbus.settings import BrokerSettings
from tests.servers import Mosquitto

PATIENCE_S = 30.0


def at(broker: Mosquitto) -> BrokerSettings:
    return BrokerSettings(host=broker.host, port=broker.port)


async def arrivals(broker: Mosquitto, topic: str) -> AsyncIterator[aiomqtt.Message]:
    """What a reader of a topic sees, the retained first."""
    async with aiomqtt.Client(broker.host, broker.port) as client:
        await client.subscribe(topic, qos=1)
        async for message in client.messages:
            yield message


async def first(broker: Mosquitto, topic: str) -> aiomqtt.Message:
    """The first that somebody who comes now sees on a topic."""
    async with asyncio.timeout(PATIENCE_S):
        async for message in arrivals(broker, topic):
            return message
    raise AssertionError("nothing came")


async def say(broker: Mosquitto, topic: str, payload: str, *, retain: bool = False) -> None:
    async with aiomqtt.Client(broker.host, broker.port) as client:
        await client.publish(topic, payload, qos=1, retain=retain)


async def hear(board: Noticeboard) -> Said:
    said = await board.heard(PATIENCE_S)
    assert said is not None, "nothing was heard"
    return said


async def test_a_notice_is_retained_at_qos_1(mosquitto: Mosquitto, site: str) -> None:
    async with Noticeboard(at(mosquitto), []) as board:
        board.pin(f"{site}/a", b"one")
        await board.done()
    seen = await first(mosquitto, f"{site}/a")
    assert (seen.payload, seen.retain, seen.qos) == (b"one", True, 1)


async def test_a_notice_that_is_taken_down_is_gone(mosquitto: Mosquitto, site: str) -> None:
    async with Noticeboard(at(mosquitto), []) as board:
        board.pin(f"{site}/a", b"one")
        board.pin(f"{site}/b", b"two")
        board.pin(f"{site}/a", b"")
        await board.done()
        assert board.pinned(f"{site}/a") is None
    assert str((await first(mosquitto, f"{site}/#")).topic) == f"{site}/b"


async def test_the_last_of_several_notices_on_a_topic_counts(mosquitto: Mosquitto, site: str) -> None:
    async with Noticeboard(at(mosquitto), []) as board:
        for number in range(50):
            board.pin(f"{site}/a", b"%d" % number)
        await board.done()
    assert (await first(mosquitto, f"{site}/a")).payload == b"49"


async def test_what_is_said_is_heard_in_order_and_known_from_what_was_kept(mosquitto: Mosquitto, site: str) -> None:
    await say(mosquitto, f"{site}/x/set", "old", retain=True)
    async with Noticeboard(at(mosquitto), [f"{site}/+/set"]) as board:
        assert await hear(board) == Said(f"{site}/x/set", b"old", is_retained=True)
        for word in ("1", "2", "3"):
            await say(mosquitto, f"{site}/y/set", word)
        assert [await hear(board) for _ in range(3)] == [
            Said(f"{site}/y/set", word, is_retained=False) for word in (b"1", b"2", b"3")
        ]


async def test_a_broker_that_forgot_everything_has_the_notices_back(own_mosquitto: Mosquitto, site: str) -> None:
    async with Noticeboard(at(own_mosquitto), [f"{site}/set"]) as board:
        board.pin(f"{site}/a", b"one")
        await board.done()
        own_mosquitto.kill()
        board.pin(f"{site}/b", b"two")
        for file in own_mosquitto.log.parent.glob("mosquitto.db*"):
            file.unlink()
        own_mosquitto.start()
        await board.done()
        assert (await first(own_mosquitto, f"{site}/a")).payload == b"one"
        assert (await first(own_mosquitto, f"{site}/b")).payload == b"two"
        await say(own_mosquitto, f"{site}/set", "on")
        assert (await hear(board)).payload == b"on"


async def test_without_a_broker_it_says_why_and_ends_at_once(free_port: int) -> None:
    async with asyncio.timeout(PATIENCE_S), Noticeboard(BrokerSettings(port=free_port), []) as board:
        board.pin("a", b"one")
        while board.problem in (None, "not connected yet"):
            await board.heard(0.01)
        assert "refused" in str(board.problem).lower()


async def test_nothing_said_is_none(mosquitto: Mosquitto, site: str) -> None:
    async with Noticeboard(at(mosquitto), [f"{site}/#"]) as board:
        await say(mosquitto, f"{site}/a", "x" * (1 << 20 | 1))
        await say(mosquitto, f"{site}/a", "short")
        assert (await hear(board)).payload == b"short", "what is too long for us is left out"
        assert await board.heard(0.01) is None


@pytest.mark.parametrize("payload", [b"\xff\xfe", b"{", b"[]"])
async def test_any_bytes_are_handed_on_as_they_are(mosquitto: Mosquitto, site: str, payload: bytes) -> None:
    async with Noticeboard(at(mosquitto), [f"{site}/#"]) as board:
        async with aiomqtt.Client(mosquitto.host, mosquitto.port) as client:
            await client.publish(f"{site}/a", payload, qos=1, retain=True)
        assert (await hear(board)).payload == payload
